"""Which handler answers which call. A number in the path is written `*` here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.better_b2b import (
    addresses,
    channels,
    companies,
    company_bulk,
    company_list,
    payments,
    places,
    roles,
    users,
)
from sandbox.better_b2b.envelope import Refusal, gateway_body, plain_refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.better_b2b.envelope import Reply
    from sandbox.better_b2b.request import Request
    from sandbox.better_b2b.state import Store

    Handler = Callable[[Store, Request], Reply]

ROUTES: dict[str, dict[str, Handler]] = {
    "companies": {"GET": company_list.get_companies, "POST": companies.post_company},
    "companies/bulk": {"POST": company_bulk.post_companies, "PUT": company_bulk.put_companies},
    "companies/extra-fields": {"GET": company_list.get_company_extra_fields},
    "companies/*": {
        "GET": companies.get_company,
        "PUT": companies.put_company,
        "DELETE": companies.delete_company,
    },
    "companies/*/status": {"PUT": companies.put_status},
    "companies/*/catalogs": {"PUT": companies.put_catalogs},
    "companies/*/payments": {"GET": payments.get_company_payments, "PUT": payments.put_company_payments},
    "companies/*/payment-terms": {"GET": payments.get_terms, "PUT": payments.put_terms},
    "companies/*/credit": {"GET": payments.get_credit, "PUT": payments.put_credit},
    "companies/roles": {"GET": roles.get_roles, "POST": roles.post_role},
    "companies/roles/*": {"GET": roles.get_role, "PUT": roles.put_role, "DELETE": roles.delete_role},
    "companies/permissions": {"GET": roles.get_permissions, "POST": roles.post_permission},
    "companies/permissions/*": {"PUT": roles.put_permission, "DELETE": roles.delete_permission},
    "payments": {"GET": payments.get_store_payments},
    "company-payment-methods": {"GET": payments.get_enabled_payments},
    "users": {"GET": users.get_users, "POST": users.post_user},
    "users/bulk": {"POST": users.post_users},
    "users/extra-fields": {"GET": users.get_user_extra_fields},
    "users/*": {"GET": users.get_user, "PUT": users.put_user, "DELETE": users.delete_user},
    "users/customer/*": {"GET": users.get_user_of_customer},
    "addresses": {"GET": addresses.get_addresses, "POST": addresses.post_address},
    "addresses/bulk": {"POST": addresses.post_addresses},
    "addresses/extra-fields": {"GET": addresses.get_address_extra_fields},
    "addresses/*": {
        "GET": addresses.get_address,
        "PUT": addresses.put_address,
        "DELETE": addresses.delete_address,
    },
    "channels": {"GET": channels.get_channels},
    "countries": {"GET": places.get_country},
    "states": {"GET": places.get_state},
}

# Documented by the vendor, not used by the product: 404 in shape 3 (docs/api/better_b2b.md#companies).
_NOT_SERVED = frozenset(
    {
        "companies/*/attachments",
        "companies/*/subsidiaries",
        "companies/*/subsidiaries/*",
        "companies/*/parent",
        "companies/*/hierarchy",
        "customer-groups/*/companies",
    }
)


def find(method: str, path: str) -> tuple[Handler, tuple[int, ...]]:
    """The handler of a call and the numbers in its path.

    Args:
        method: Verb.
        path: Path below the API's prefix, without slashes at the ends.

    Raises:
        Refusal: 404 or 405.
    """
    route = ROUTES.get(path)
    ids: tuple[int, ...] = ()
    if route is None:
        parts = path.split("/")
        ids = tuple(int(part) for part in parts if _is_id(part))
        pattern = "/".join("*" if _is_id(part) else part for part in parts)
        route = ROUTES.get(pattern)
        if route is None:
            if pattern in _NOT_SERVED or pattern.startswith("companies/*/attachments/"):
                raise plain_refusal(404, "This resource is not found.")
            raise Refusal(404, gateway_body(404, "Not Found"))
    handler = route.get(method)
    if handler is None:
        raise plain_refusal(405, "Method Not Allowed")
    return handler, ids


def _is_id(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) <= 18  # noqa: PLR2004  # fits into 64 bits
