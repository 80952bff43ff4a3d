"""What every peer must do: the same selection and the same records, in plain Python, without a framework.

Only what their frameworks do not bring stands here, so that all peers send the same bodies. The
look-ups of states are handed over ready made: they are the same for all and nobody's work.
"""

from __future__ import annotations

from typing import Any

ERP_PREFIX = "/entity/KNCommerce/24.200.001"
STORE_PREFIX = "/api/v3/io"
STORE_HEADERS = {"X-Auth-Token": "sandbox-token", "X-Store-Hash": "sandbox", "Accept": "application/json"}
LOGIN = {"name": "admin", "password": "sandbox", "tenant": "Sandbox"}
KEY_FIELD = "Acumatica Customer ID"
PAGE_SIZE = 500
BULK_SIZE = 10

_ADDRESS = ("AddressLine1", "AddressLine2", "City", "State", "PostalCode", "Country")
CUSTOMER = {
    "$select": ",".join(
        [
            *("CustomerID", "CustomerName", "Email", "CustomerClass", "Status"),
            *("EnableKensiumCommerce", "ConnectionType"),
            "PrimaryContactID",
            "MainContact/Phone1",
            "MainContact/Attention",
            *(f"MainContact/Address/{name}" for name in _ADDRESS),
            *(f"BillingContact/Address/{name}" for name in _ADDRESS),
        ]
    ),
    "$expand": "MainContact,MainContact/Address,BillingContact,BillingContact/Address",
}
CONTACT = {
    "$select": "ContactID,BusinessAccount,Active,FirstName,LastName,Email,Phone1,EnableKensiumCommerce,ConnectionType"
}
LOCATION = {
    "$select": ",".join(
        [
            "Customer,LocationID,LocationName,Active,Default,LocationContact/Phone1,LocationContact/Attention",
            *(f"LocationContact/Address/{name}" for name in _ADDRESS),
        ]
    ),
    "$expand": "LocationContact,LocationContact/Address",
}


def plain(record: dict[str, Any]) -> dict[str, Any]:
    """An ERP's record without its ``{"value": …}`` wrappers; parts stay nested."""
    return {
        name: value.get("value") if "value" in value or not value else plain(value)
        for name, value in record.items()
        if isinstance(value, dict) and not name.startswith("_")
    }


def is_wanted(customer: dict[str, Any]) -> bool:
    """Whether a customer belongs in the store."""
    return bool(
        customer["CustomerClass"] == "B2B"
        and customer["Email"]
        and customer["Status"] == "Active"
        and customer["EnableKensiumCommerce"] is True
        and customer["ConnectionType"] == "KNB"
    )


def state_of(address: dict[str, Any], states: dict[str, list[str]]) -> list[str | None]:
    """Code and name of an address's state as the store lists it."""
    return states.get(f"{address.get('Country')}-{address.get('State')}") or [None, None]


def company(customer: dict[str, Any], admin: dict[str, Any], states: dict[str, list[str]]) -> dict[str, Any]:
    """The body that creates a company with its admin."""
    main = customer["MainContact"]
    address = main["Address"]
    body = {
        "companyName": customer["CustomerName"],
        "companyPhone": main["Phone1"],
        "companyEmail": customer["Email"],
        "country": address["Country"],
        "addressLine1": address.get("AddressLine1"),
        "addressLine2": address.get("AddressLine2"),
        "city": address.get("City"),
        "state": state_of(address, states)[1],
        "zipCode": address.get("PostalCode"),
        "adminFirstName": admin["FirstName"],
        "adminLastName": admin["LastName"],
        "adminEmail": admin["Email"],
        "adminPhoneNumber": admin["Phone1"],
        "channelIds": [1],
        "originChannelId": 1,
        "acceptWelcomeEmail": False,
        "extraFields": [{"fieldName": KEY_FIELD, "fieldValue": customer["CustomerID"]}],
    }
    return {name: value for name, value in body.items() if value is not None}


def user(contact: dict[str, Any], company_id: int, role_id: int) -> dict[str, Any]:
    """The body that creates a further user."""
    return {
        "firstName": contact["FirstName"],
        "lastName": contact["LastName"],
        "email": contact["Email"],
        "phoneNumber": contact["Phone1"] or "",
        "companyId": company_id,
        "companyRoleId": role_id,
        "channelIds": [1],
        "uuid": str(contact["ContactID"]),
        "acceptWelcomeEmail": False,
    }


def location_address(location: dict[str, Any], company_id: int, states: dict[str, list[str]]) -> dict[str, Any]:
    """The body that creates a location's address."""
    contact = location["LocationContact"]
    names = contact.get("Attention") or location["LocationName"]
    return _address(
        f"{location['Customer']}:{location['LocationID']}",
        names,
        contact["Address"],
        company_id,
        states,
        phone=contact.get("Phone1"),
        label=location["LocationName"],
        shipping=True,
        default=bool(location.get("Default")),
    )


def billing_address(customer: dict[str, Any], company_id: int, states: dict[str, list[str]]) -> dict[str, Any]:
    """The body that creates the billing address."""
    billing = (customer.get("BillingContact") or {}).get("Address") or {}
    address = billing if billing.get("AddressLine1") else customer["MainContact"]["Address"]
    return _address(
        f"{customer['CustomerID']}:BILLING",
        customer["MainContact"].get("Attention") or customer["CustomerName"],
        address,
        company_id,
        states,
        phone=customer["MainContact"]["Phone1"],
        label="Billing",
        shipping=False,
        default=True,
    )


def _address(
    external_id: str,
    names: str,
    address: dict[str, Any],
    company_id: int,
    states: dict[str, list[str]],
    *,
    phone: str | None,
    label: str,
    shipping: bool,
    default: bool,
) -> dict[str, Any]:
    first, _, last = names.rpartition(" ")
    body = {
        "companyId": company_id,
        "firstName": first or names,
        "lastName": last or names,
        "addressLine1": address.get("AddressLine1"),
        "addressLine2": address.get("AddressLine2"),
        "city": address.get("City"),
        "zipCode": address.get("PostalCode"),
        "countryCode": address.get("Country"),
        "stateCode": state_of(address, states)[0],
        "phoneNumber": phone,
        "label": label,
        "externalId": external_id,
        "isBilling": not shipping,
        "isShipping": shipping,
        "isDefaultBilling": default and not shipping,
        "isDefaultShipping": default and shipping,
    }
    return {name: value for name, value in body.items() if value is not None}
