"""Which locations become addresses, and the billing address. Pure.

Sources: docs/api/incumbent.md#field-map (external ids, flags), docs/api/better_b2b.md#addresses and
#state-countries.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Final

from customer_sync.model.company import Address
from customer_sync.model.customer import BILLING_KEY, Customer, Location, PostalAddress
from customer_sync.model.outcome import Finding, Reason
from customer_sync.model.place import Place
from customer_sync.rules.places import STATE_COUNTRIES, StorePlaces
from customer_sync.rules.several_values import not_used
from customer_sync.rules.text_limit import limits_of, split_name
from customer_sync.settings.connector import Connector

_TEXTS = (
    ("attention", "first_name"),
    ("attention", "last_name"),
    ("address.line1", "address_line1"),
    ("address.line2", "address_line2"),
    ("address.city", "city"),
    ("address.postal_code", "zip_code"),
    ("phone", "phone_number"),
    ("name", "label"),
)
_OF_LOCATION = tuple((f"location.{source}", ours) for source, ours in _TEXTS)
_OF_BILLING = tuple((f"billing.{source}", ours) for source, ours in _TEXTS)
"""The source's texts that an address is made of, and the fields that they become."""

_NONE: Final[Mapping[str, str]] = {}

_location_id = attrgetter("location_id")


def build_addresses(
    customer: Customer, connector: Connector, places: StorePlaces, findings: list[Finding]
) -> tuple[Address, ...]:
    """List the addresses of a customer: its locations by id, then the billing address.

    Args:
        customer: The customer with its locations.
        connector: The rules for locations.
        places: The store's countries and states.
        findings: Receives one finding for every location that is left out, and for cuts.

    Returns:
        Addresses whose ``external_id`` is ``<CustomerID>:<LocationID>`` or ``<CustomerID>:BILLING``.
    """
    addresses: list[Address] = []
    if connector.locations.include:
        for location in sorted(customer.locations, key=_location_id):
            if not _is_eligible(location, connector, findings):
                continue
            address = _location_address(customer, location, connector, places, findings)
            if address is not None:
                addresses.append(address)
    if connector.locations.billing_address:
        billing = _billing_address(customer, connector, places, findings)
        if billing is not None:
            addresses.append(billing)
    return tuple(addresses)


def _is_eligible(location: Location, connector: Connector, findings: list[Finding]) -> bool:
    key = location.location_id
    if not location.active:
        findings.append(Finding(reason=Reason.LOCATION_INACTIVE, entity="location", key=key, field="location.active"))
        return False
    if not connector.locations.opt_in_required:
        return True
    if location.enabled is not True or not connector.is_marked("location.connection_type", location.connection_type):
        findings.append(
            Finding(reason=Reason.LOCATION_NOT_ENABLED, entity="location", key=key, field="location.enabled")
        )
        return False
    return True


def _location_address(
    customer: Customer, location: Location, connector: Connector, places: StorePlaces, findings: list[Finding]
) -> Address | None:
    place = _resolve("location", location.location_id, location.address, places, findings)
    if place is None:
        return None
    findings.extend(not_used(location.unused, "location", location.location_id))
    first, last = _names(location.first_name, location.last_name, location.attention or location.name, customer.name)
    return _address(
        customer,
        connector,
        key=location.location_id,
        names=(first, last),
        address=location.address,
        place=place,
        phone=location.phone,
        label=location.name,
        findings=findings,
        shipping=True,
        default=location.is_default,
        extra_fields=location.extra_fields,
    )


def _billing_address(
    customer: Customer, connector: Connector, places: StorePlaces, findings: list[Finding]
) -> Address | None:
    billing = customer.billing
    place = _resolve("billing", BILLING_KEY, billing.address, places, findings)
    if place is None:
        return None
    first, last = _names(billing.first_name, billing.last_name, billing.attention, customer.name)
    return _address(
        customer,
        connector,
        key=BILLING_KEY,
        names=(first, last),
        address=billing.address,
        place=place,
        phone=billing.phone,
        label="Billing",
        findings=findings,
        shipping=False,
        default=True,
    )


def _external_key(key: str, *, shipping: bool) -> str:
    """A location whose own id reads BILLING must not take the billing address's place."""
    return f"LOCATION-{key}" if shipping and key.casefold() == BILLING_KEY.casefold() else key


def _names(first: str, last: str, text: str, company_name: str) -> tuple[str, str]:
    if first and last:
        return first, last
    return split_name(text) if text else (company_name, company_name)


def _resolve(
    part: str, key: str, address: PostalAddress, places: StorePlaces, findings: list[Finding]
) -> tuple[Place, Place | None] | None:
    def leave_out(reason: Reason, field: str, detail: str) -> None:
        name = f"{part}.address.{field}"
        findings.append(Finding(reason=reason, entity="location", key=key, field=name, detail=detail))

    if not (address.line1 and address.city and address.country):
        parts = {"line1": address.line1, "city": address.city, "country": address.country}
        missing = [name for name, value in parts.items() if not value]
        said = ", ".join(missing).replace("line1", "street")
        leave_out(Reason.LOCATION_ADDRESS_INCOMPLETE, missing[0], f"no {said}")
        return None
    found = places.country(address.country)
    country = found.place
    if country is None:
        detail = f"'{address.country[:20]}' is not a country that the store lists{found.hint}"
        leave_out(Reason.LOCATION_COUNTRY_UNKNOWN, "country", detail)
        return None
    if country.code not in STATE_COUNTRIES:
        return country, None
    found = places.state_of(address, country)
    if found.place is None:
        detail = (
            f"'{address.state[:20]}' is not a state of {country.name} that the store lists{found.hint}"
            if address.state
            else f"the state is missing; {country.name} needs one (or geography.default_states.{country.code})"
        )
        leave_out(Reason.LOCATION_ADDRESS_INCOMPLETE, "state", detail)
        return None
    return country, found.place


def _address(
    customer: Customer,
    connector: Connector,
    *,
    key: str,
    names: tuple[str, str],
    address: PostalAddress,
    place: tuple[Place, Place | None],
    phone: str,
    label: str,
    findings: list[Finding],
    shipping: bool,
    default: bool,
    extra_fields: Mapping[str, str] = _NONE,
) -> Address:
    country, state = place
    texts = (
        *names,
        address.line1,
        address.line2,
        address.city,
        address.postal_code,
        phone or customer.phone,
        label,
    )
    limits = limits_of(type(connector.target), "address", _OF_LOCATION if shipping else _OF_BILLING)
    first_name, last_name, line1, line2, city, zip_code, phone_number, label = limits.cut(
        texts, findings, entity="location", key=key
    )
    return Address(
        external_id=f"{customer.customer_id}:{_external_key(key, shipping=shipping)}",
        first_name=first_name,
        last_name=last_name,
        address_line1=line1,
        address_line2=line2,
        city=city,
        state_name=state.name if state else "",
        state_code=state.code if state else "",
        country_name=country.name,
        country_code=country.code,
        zip_code=zip_code,
        phone_number=phone_number,
        label=label,
        is_billing=not shipping,
        is_shipping=shipping,
        is_default_billing=not shipping and default,
        is_default_shipping=shipping and default,
        extra_fields=dict(extra_fields),
    )
