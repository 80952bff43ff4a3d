"""What *Test*, runs and ``doctor`` look at in the ERP: the way in, what the user may see, and whether lists are whole.

Each look is taken here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from customer_sync.errors import (
    AuthenticationFailed,
    ConfigError,
    NoConsent,
    NotFound,
    PermissionDenied,
    SessionLimit,
    SyncError,
)
from customer_sync.model.check import Fault, Probe, Verdict, bad, good, judged, warning
from customer_sync.model.first_contact import FirstContact
from customer_sync.settings.connector import Connector
from customer_sync.sources.acumatica.contract_check import missing_fields, remedy_of
from customer_sync.sources.acumatica.reader import selections
from customer_sync.sources.acumatica.selection import Selection

if TYPE_CHECKING:
    from customer_sync.sources.acumatica.client import AcumaticaClient

_TITLES: Final = {
    "connection": "the ERP's connection",
    "seats": "the ERP's API seats",
    "tenant": "the ERP's tenant",
    "sign_in": "the sign-in to the ERP",
    "endpoint": "the ERP's endpoint",
}
_PROVES: Final = {
    **dict.fromkeys(("seats", "tenant", "sign_in"), ("connection",)),
    "endpoint": ("connection", "seats", "tenant", "sign_in"),
}
_SCREENS: Final = {
    "Customer": "Customers (AR303000)",
    "Contact": "Contacts (CR302000)",
    "CustomerLocation": "Customer Locations (AR303020)",
}
_ROWS: Final = 5
"""Rows of a list that are compared with what the ERP shows of one of them by key."""


def lacking_fields(erp: AcumaticaClient, connector: Connector) -> list[Fault]:
    """Say which fields a connector file reads and the endpoint lacks.

    Raises:
        SyncError: The ERP cannot be asked.
    """
    missing = missing_fields(erp, connector)
    if not missing:
        return []
    endpoint = f"{erp.settings.endpoint_name}/{erp.settings.endpoint_version}"
    return [
        Fault(
            f"The endpoint {endpoint} has no {', '.join(missing)}.",
            f"Correct the section 'source' of {connector.id}.yaml, or {remedy_of(erp.check_endpoint())}.",
        )
    ]


def hidden_screens(erp: AcumaticaClient, connector: Connector) -> list[Fault]:
    """Read one row of everything: a missing right on a screen refuses, a restriction group shows nothing.

    Raises:
        SyncError: The ERP cannot be asked.
    """
    faults: list[Fault] = []
    for selection in selections(connector):
        keys = Selection(selection.entity, selection.key_fields)
        try:
            rows = erp.list_rows(keys, top=1).rows
        except PermissionDenied as error:
            screen = _SCREENS.get(selection.entity, selection.entity)
            faults.append(Fault(f"The API user may not read {screen}.", error.message))
            continue
        if not rows and selection.entity == "Customer":
            faults.append(
                Fault(
                    "The API user sees no customer at all.",
                    "Give it access to the restriction groups (row-level security) that hold them, check the tenant, "
                    "or create the first customer.",
                )
            )
    return faults


def probes_of(erp: AcumaticaClient, connector: Connector) -> Sequence[Probe]:
    """Every look at the ERP, in the order in which a person mends what it shows."""
    way_in = FirstContact("erp", _TITLES, ask=erp.check_endpoint, concern=_concern, proves=_PROVES)
    endpoint = f"{erp.settings.endpoint_name}/{erp.settings.endpoint_version}"
    return (
        way_in.probe("connection", "The ERP answers."),
        way_in.probe("seats", "The ERP has a seat for the session."),
        way_in.probe("sign_in", "The ERP takes the credentials."),
        way_in.probe("tenant", "The ERP has let the session in.", lambda: _tenant(erp)),
        way_in.probe("endpoint", f"The ERP serves {endpoint}.", lambda: _endpoint(erp)),
        _needing("fields", "the fields of the connector file", lambda: _fields(erp, connector)),
        _needing("rights", "the API user's rights", lambda: _rights(erp, connector)),
        *(
            Probe(f"erp.list_{_part(each)}", f"lists of {each.entity}", _lists(erp, each), ("erp.fields", "erp.rights"))
            for each in selections(connector)
        ),
    )


def _needing(name: str, title: str, look: Callable[[], Verdict]) -> Probe:
    return Probe(f"erp.{name}", title, look, ("erp.endpoint", "erp.tenant"))


def _part(selection: Selection) -> str:
    return {"Customer": "customers", "Contact": "contacts"}.get(selection.entity, "locations")


def _concern(error: SyncError) -> str:
    """What a failure of the first request is about."""
    setting = str(error.evidence.get("setting", ""))
    if isinstance(error, SessionLimit):
        return "seats"
    if isinstance(error, AuthenticationFailed | PermissionDenied | NoConsent):
        return "sign_in"
    if isinstance(error, NotFound) or setting.startswith("endpoint"):
        return "endpoint"
    return "tenant" if isinstance(error, ConfigError) and setting == "tenant" else "connection"


def _tenant(erp: AcumaticaClient) -> Verdict:
    reached, named = erp.reached_tenant(), erp.settings.tenant
    if not reached:
        return warning(
            "The ERP does not say which tenant the sign-in reached.",
            "Compare a customer's name with the ERP's screen; a copy of a tenant is noticed by its record ids later.",
        )
    if not named and not erp.settings.client_tenant:
        return warning(
            f"The connection names no tenant, and the sign-in reached {reached!r}.",
            f"If it is the right one, put {reached!r} into 'tenant' of the connection, so that no run reaches another.",
        )
    return good(f"The sign-in reached the tenant {reached!r}.")


def _endpoint(erp: AcumaticaClient) -> Verdict:
    info = erp.check_endpoint()
    sentence = f"The ERP serves {info.name}/{info.version}" + (f", build {info.build}." if info.build else ".")
    if info.is_too_old_to_be_whole:
        return warning(
            f"{sentence[:-1]}; that is older than 23.200.001, the first with every field of the stock records.",
            "Set endpoint_version in the connection to 23.200.001 or a newer one, or map what it has instead (see the "
            "fields).",
        )
    return good(sentence)


def _fields(erp: AcumaticaClient, connector: Connector) -> Verdict:
    count = sum(len(each.fields) + len(each.custom) for each in selections(connector))
    return judged(
        lacking_fields(erp, connector), f"The endpoint has all {count} fields that {connector.id}.yaml reads."
    )


def _rights(erp: AcumaticaClient, connector: Connector) -> Verdict:
    screens = ", ".join(_SCREENS.get(each.entity, each.entity) for each in selections(connector))
    return judged(hidden_screens(erp, connector), f"The API user may read {screens}.")


def _lists(erp: AcumaticaClient, selection: Selection) -> Callable[[], Verdict]:
    """Look at one list with everything that is read from it: what the ERP leaves out is read row by row."""

    def look() -> Verdict:
        erp.list_rows(selection, top=_ROWS)
        lost = erp.read_row_by_row(selection)
        if not lost:
            return good(f"A list of {selection.entity} holds everything that is read of it.")
        return bad(
            f"The ERP does not show {', '.join(lost)} in lists of {selection.entity}, so that each record is read by a "
            "request of its own.",
            f"Have the endpoint's owner map {', '.join(lost)} so that lists show it, or name fields outside of it in "
            "'source' of the connector file; runs are right without that, and slow.",
        )

    return look
