"""Pages for people: the Customers list and the customer, contact and location screens, on the API's state and rules.

*Save* moves the record's stamp as a save on the real form does, also when only a linked part was edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec

from sandbox.acumatica import forms
from sandbox.acumatica.access import display_name
from sandbox.acumatica.access import location_card as card_of
from sandbox.acumatica.contract import endpoints
from sandbox.acumatica.errors import ApiError, not_found
from sandbox.acumatica.projection import Projector, ShapeRules, Wrapped
from sandbox.acumatica.rows import Contact, Customer, Location, Record, stamp_text
from sandbox.acumatica.writing import Preconditions, Writer
from sandbox.exchange import HTML_TYPE, Answer, redirect_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    import jinja2

    from sandbox.acumatica.tables import Database
    from sandbox.exchange import Call

_ROWS_PER_PAGE = 50
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_ENDPOINT = endpoints()["KNCommerce", "24.200.001"]
_CUSTOMER_TABS = (
    ("general", "General"),
    ("contacts", "Contacts"),
    ("locations", "Locations"),
    ("commerce", "Kensium Commerce"),
)


@dataclass(frozen=True, slots=True)
class _Screen:
    """One kind of record on the pages."""

    entity: str
    groups: forms.Groups
    template: str


_SCREENS = {
    "customers": _Screen("Customer", forms.CUSTOMER_GROUPS, "customer.html.j2"),
    "contacts": _Screen("Contact", forms.CONTACT_GROUPS, "part.html.j2"),
    "locations": _Screen("CustomerLocation", forms.LOCATION_GROUPS, "part.html.j2"),
}


class Pages:
    """Answers the calls of browsers.

    Args:
        database: Gives the present tables.
        writer: Makes a writer for one save.
        tenant: Name shown in the head.
    """

    def __init__(self, database: Callable[[], Database], writer: Callable[[], Writer], tenant: str) -> None:
        self._database = database
        self._writer = writer
        self._tenant = tenant
        self._projector = Projector(_ENDPOINT, ShapeRules(links=False))

    def respond(self, call: Call) -> Answer:
        """Answer one page or one save.

        Raises:
            ApiError: No such page or record.
        """
        parts = [part for part in call.path.split("/") if part]
        if call.method == "GET" and not parts:
            return self._list(call)
        if call.method == "POST" and not _is_same_origin(call):
            raise ApiError(Answer(403, b"Forms are taken from this site's own pages only.", "text/plain"))
        return self._screen(call, parts)

    @cached_property
    def _templates(self) -> jinja2.Environment:
        import jinja2  # noqa: PLC0415  # a twin whose pages are not opened starts without it

        loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
        return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)

    def _screen(self, call: Call, parts: list[str]) -> Answer:
        match parts:
            case ["customers", "new"]:
                return self._new(call, "customers", None)
            case ["customers", owner_id, ("contacts" | "locations") as kind, "new"]:
                return self._new(call, kind, self._record("Customer", owner_id))
            case [kind, row_id] if kind in _SCREENS:
                return self._existing(call, kind, self._record(_SCREENS[kind].entity, row_id))
            case ["customers", row_id, "change-id"] if call.method == "POST":
                return self._change_id(call, self._record("Customer", row_id))
            case [("contacts" | "locations") as kind, row_id, "delete"] if call.method == "POST":
                record = self._record(_SCREENS[kind].entity, row_id)
                back = _owner_url(record)
                self._writer().delete(_SCREENS[kind].entity, record)
                return redirect_answer(back, 303)
        raise not_found()

    def _list(self, call: Call) -> Answer:
        query = call.query()
        search = query.get("search", "").strip()
        part = search.casefold()
        found = [row for row in self._database().customers if not part or _mentions(row, part)]
        pages = max(1, -(-len(found) // _ROWS_PER_PAGE))
        asked = query.get("page", "1")
        page = min(max(int(asked), 1), pages) if asked.isascii() and asked.isdigit() else 1
        shown = found[(page - 1) * _ROWS_PER_PAGE : page * _ROWS_PER_PAGE]
        rows = [_list_row(row) for row in shown]
        return self._page("list.html.j2", rows=rows, search=search, total=len(found), page=page, pages=pages)

    def _existing(self, call: Call, kind: str, record: Record) -> Answer:
        if call.method == "GET":
            return self._show(kind, record, saved="saved" in call.query(), tab=call.query().get("tab"))
        screen, form = _SCREENS[kind], call.form()
        body = forms.body_of(screen.groups, form, is_new=False)
        body["SiteAssociations"] = forms.site_rows(form)
        try:
            self._save(screen.entity, body, record)
        except ApiError as error:
            return self._show(kind, record, refused=error, form=form, tab=form.get("tab"))
        tab = quote(form.get("tab", ""))
        return redirect_answer(f"/{kind}/{record.id}?saved=1&tab={tab}", 303)

    def _change_id(self, call: Call, record: Record) -> Answer:
        try:
            self._writer().change_id(record, call.form().get("CustomerID", ""))
        except ApiError as error:
            return self._show("customers", record, refused=error)
        return redirect_answer(f"/customers/{record.id}?saved=1", 303)

    def _new(self, call: Call, kind: str, owner: Record | None) -> Answer:
        screen = _SCREENS[kind]
        if call.method == "GET":
            return self._show_new(kind, owner, {}, None)
        form = call.form()
        body = forms.body_of(screen.groups, form, is_new=True)
        if isinstance(owner, Customer):
            body["BusinessAccount" if kind == "contacts" else "Customer"] = {"value": owner.key}
        try:
            made: Record = self._save(screen.entity, body, None)
        except ApiError as error:
            return self._show_new(kind, owner, form, error)
        return redirect_answer(f"/{kind}/{made.id}?saved=1", 303)

    def _save(self, entity: str, body: dict[str, Any], target: Record | None) -> Any:
        return self._writer().put(
            _ENDPOINT, entity, body, target, Preconditions(), show=lambda record: record, always_stamp=True
        )

    def _show(
        self,
        kind: str,
        record: Record,
        *,
        refused: ApiError | None = None,
        form: dict[str, str] | None = None,
        saved: bool = False,
        tab: str | None = None,
    ) -> Answer:
        screen = _SCREENS[kind]
        errors, problem = _complaints(refused)
        values = forms.record_values(record, self._scalars(screen.entity, record))
        if form is not None:
            values.update(forms.typed_values(screen.groups, form))
        details: dict[str, Any] = {
            "id": record.id,
            "groups": forms.shown_groups(screen.groups, values, errors, is_new=False),
            "sites": forms.sites_of(record),
            "heading": _heading(record),
            "action": f"/{kind}/{record.id}",
            "is_new": False,
        }
        if isinstance(record, Customer):
            known = [name for name, _ in _CUSTOMER_TABS]
            details["tabs"], details["open_tab"] = _CUSTOMER_TABS, tab if tab in known else "general"
            details["contacts"] = [_contact_row(contact) for contact in record.contacts]
            details["locations"] = [_location_row(location) for location in record.locations]
        else:
            details["back"] = _owner_url(record)
            is_default = isinstance(record, Location) and record.get("Default")
            details["delete"] = None if is_default else f"/{kind}/{record.id}/delete"
        return self._page(screen.template, status=422 if refused else 200, problem=problem, saved=saved, **details)

    def _show_new(self, kind: str, owner: Record | None, form: dict[str, str], refused: ApiError | None) -> Answer:
        screen = _SCREENS[kind]
        errors, problem = _complaints(refused)
        usual: dict[str, Any] = {"Active": True, "CustomerClass": "B2B", "Terms": "30D", "Status": "Active"}
        usual["MainContact/Address/Country"] = "US"
        values = forms.typed_values(screen.groups, form) if form else usual
        action = f"/{kind}/new" if owner is None else f"/customers/{owner.id}/{kind}/new"
        return self._page(
            screen.template,
            status=422 if refused else 200,
            problem=problem,
            groups=forms.shown_groups(screen.groups, values, errors, is_new=True),
            heading={"customers": "New Customer", "contacts": "New Contact", "locations": "New Location"}[kind],
            action=action,
            is_new=True,
            tabs=_CUSTOMER_TABS[:1],
            open_tab="general",
            back=f"/customers/{owner.id}" if owner is not None else "/",
            delete=None,
        )

    def _scalars(self, entity: str, record: Record) -> dict[str, Any]:
        shown = self._projector.shape(entity, in_list=False).render(record)
        return {
            name: value.value if isinstance(value, Wrapped) else value.get("value")
            for name, value in shown.items()
            if isinstance(value, Wrapped | dict) and name not in ("note", "custom")
        }

    def _record(self, entity: str, row_id: str) -> Record:
        found: Record | None = self._database().table(entity).with_id(row_id)
        if found is None:
            raise not_found()
        return found

    def _page(self, template: str, *, status: int = 200, **values: Any) -> Answer:
        given = {"tenant": self._tenant, "problem": None, "saved": False, **values}
        text = self._templates.get_template(template).render(given)
        headers = [("Content-Security-Policy", _POLICY), ("X-Content-Type-Options", "nosniff")]
        return Answer(status, text.encode(), HTML_TYPE, headers)


def _is_same_origin(call: Call) -> bool:
    """A form of another site must not save here; clients that are no browsers send neither header."""
    origin = call.headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc == call.headers.get("host")
    return call.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def _complaints(refused: ApiError | None) -> tuple[dict[str, str], str | None]:
    if refused is None:
        return {}, None
    decoded = msgspec.json.decode(refused.answer.body)
    return forms.errors_of(decoded), decoded.get("error") or decoded.get("exceptionMessage") or decoded.get("message")


def _mentions(customer: Customer, part: str) -> bool:
    texts = (customer.key, customer.get("CustomerName"), customer.main.get("Email"))
    return any(text is not None and part in text.casefold() for text in texts)


def _list_row(customer: Customer) -> dict[str, Any]:
    site = customer.default_site()
    return {
        "id": customer.id,
        "key": customer.key,
        "name": customer.get("CustomerName") or "",
        "class_name": customer.get("CustomerClass") or "",
        "email": customer.main.get("Email") or "",
        "status": customer.get("Status"),
        "commerce": site.get("ConnectionType") or "" if site is not None and site.get("Active") else "",
        "reference": site.get("CommerceReferenceID") or "" if site is not None else "",
        "modified": stamp_text(customer.modified_ms),
    }


def _contact_row(contact: Contact) -> dict[str, Any]:
    site = contact.default_site()
    owner = contact.customer
    is_primary = owner is not None and owner.values.get("PrimaryContactID") == contact.contact_id
    return {
        "id": contact.id,
        "number": contact.contact_id,
        "name": display_name(contact),
        "primary": "Yes" if is_primary else "",
        "email": contact.get("Email") or "",
        "phone": contact.get("Phone1") or "",
        "active": "Yes" if contact.get("Active") else "No",
        "commerce": site.get("ConnectionType") or "" if site is not None and site.get("Active") else "",
    }


def _location_row(location: Location) -> dict[str, Any]:
    address = card_of(location).address
    parts = (address.get(name) for name in ("AddressLine1", "City", "State", "PostalCode", "Country"))
    return {
        "id": location.id,
        "code": location.code,
        "name": location.get("LocationName") or "",
        "default": "Yes" if location.get("Default") else "",
        "address": ", ".join(part for part in parts if part),
        "active": "Yes" if location.get("Active") else "No",
    }


def _heading(record: Record) -> str:
    if isinstance(record, Customer):
        return f"{record.key} - {record.get('CustomerName') or ''}"
    if isinstance(record, Contact):
        return display_name(record) or f"Contact {record.contact_id}"
    return f"Location {record.code}" if isinstance(record, Location) else record.id


def _owner_url(record: Record) -> str:
    owner = record.customer if isinstance(record, Contact | Location) else None
    if owner is None:
        return "/"
    tab = "contacts" if isinstance(record, Contact) else "locations"
    return f"/customers/{owner.id}?tab={tab}"
