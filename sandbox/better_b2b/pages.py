"""Pages for people: the Company list, a company's View with its five tabs, roles and their permissions.

They read the same store as the API; labels are those of the incumbent's guide
(docs/api/incumbent.md#five-steps and #field-map).
Everything is escaped, nothing is changed from here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from sandbox.better_b2b.listing import page_of
from sandbox.better_b2b.payments import company_payments_view, terms_view
from sandbox.better_b2b.records import Company, CompanyStatus
from sandbox.better_b2b.state import KEY_FIELD
from sandbox.exchange import Answer, html_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.better_b2b.state import Store
    from sandbox.exchange import Call

PAGE_SIZE = 25
_DIGITS = re.compile(r"[0-9]{1,18}")
TABS = {
    "basic": "Basic Information",
    "users": "Company User(s)",
    "payments": "Payment Methods",
    "addresses": "Address Book",
    "role": "User Role",
}
_LEVELS = {1: "User", 2: "Company", 3: "Company and subsidiaries"}
_POLICY = (
    "Content-Security-Policy",
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
)


def _moment(stamp: int) -> str:
    return datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%d %H:%M UTC")


class Pages:
    """Answers the calls of a browser."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._templates = Environment(
            loader=PackageLoader("sandbox.better_b2b", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["moment"] = _moment

    def answer(self, call: Call) -> Answer | None:
        """The page of a path; none when there is no page at this address."""
        if call.method not in ("GET", "HEAD"):
            return None
        place, _, rest = call.path.strip("/").partition("/")
        if _DIGITS.fullmatch(rest):
            record = {"companies": self._company, "roles": self._role}.get(place)
            return record(int(rest), call) if record is not None else None
        page = {"": self._companies, "roles": self._roles, "static/store.css": self._sheet}.get(call.path.strip("/"))
        return page(call) if page is not None else None

    def absent(self) -> Answer:
        """The page that says there is none."""
        answer = self._page("absent.html", section="")
        answer.status = 404
        return answer

    def _sheet(self, _call: Call) -> Answer:
        sheet = files("sandbox.better_b2b").joinpath("templates/store.css").read_bytes()
        return Answer(200, sheet, "text/css; charset=utf-8")

    def _companies(self, call: Call) -> Answer:
        store, query = self._store, call.query()
        text, offset_text = query.get("q", "").strip(), query.get("offset", "0")
        offset = int(offset_text) if _DIGITS.fullmatch(offset_text) else 0
        tests = [_search(text.casefold())] if text else []
        companies, page = page_of(
            store.companies, (offset, PAGE_SIZE), order=store.companies_by_name, descending=False, tests=tests
        )
        rows = [
            {
                "company": company,
                "status": _status(company),
                "users": store.users_by_company.count(company.company_id),
            }
            for company in companies
        ]
        return self._page(
            "companies.html",
            section="company",
            companies=rows,
            page=page,
            q=text,
            key_field=KEY_FIELD,
            before=max(0, offset - PAGE_SIZE) if offset else None,
            after=offset + PAGE_SIZE if offset + PAGE_SIZE < page.total_count else None,
        )

    def _company(self, company_id: int, call: Call) -> Answer:
        store, tab = self._store, call.query().get("tab", "basic")
        company = store.companies.rows.get(company_id)
        if company is None or tab not in TABS:
            return self.absent()
        users = store.users_of(company_id)
        addresses = [store.addresses.rows[each] for each in store.addresses_by_company.ids(company_id)]
        payments = company_payments_view(store, company_id)
        counts = {
            "users": len(users),
            "payments": sum(method["isEnabled"] for method in payments),
            "addresses": len(addresses),
        }
        held = [
            {
                "role": role,
                "users": [f"{user.first_name} {user.last_name}" for user in users if user.company_role_id == role.id],
            }
            for role in store.roles.values()
        ]
        return self._page(
            "company.html",
            section="company",
            company=company,
            status=_status(company),
            tab=tab,
            tab_label=TABS[tab],
            tabs=[{"name": name, "label": label, "count": counts.get(name)} for name, label in TABS.items()],
            facts=_facts(company),
            users=users,
            roles=store.roles,
            payments=payments,
            terms=terms_view(store, company_id),
            addresses=addresses,
            held_roles=[row for row in held if row["users"]],
        )

    def _roles(self, _call: Call) -> Answer:
        store = self._store
        rows = [{"role": role, "users": store.users_by_role.count(role.id)} for role in store.roles.values()]
        return self._page("roles.html", section="role", rows=rows)

    def _role(self, role_id: int, _call: Call) -> Answer:
        role = self._store.roles.get(role_id)
        if role is None:
            return self.absent()
        held = [(self._store.permissions[code], level) for code, level in role.permissions.items()]
        held.sort(key=lambda pair: (pair[0].module_name, pair[0].id))
        modules = [
            (
                module,
                [{"name": each.name, "code": each.code, "level": _LEVELS.get(level, level)} for each, level in pairs],
            )
            for module, pairs in groupby(held, key=lambda pair: pair[0].module_name)
        ]
        return self._page("role.html", section="role", role=role, modules=modules)

    def _page(self, template: str, **values: Any) -> Answer:
        return html_answer(self._templates.get_template(template).render(values), headers=[_POLICY])


def _status(company: Company) -> str:
    return CompanyStatus(company.company_status).name.capitalize()


def _facts(company: Company) -> list[tuple[str, object]]:
    """The rows of Basic Information."""
    return [
        ("Company name", company.company_name),
        ("Company e-mail", company.company_email),
        ("Company phone", company.company_phone),
        ("Status", _status(company)),
        ("Address", company.address_line1),
        ("Address, second line", company.address_line2),
        ("City", company.city),
        ("State", company.state),
        ("Zip code", company.zip_code),
        ("Country", company.country),
        ("External id (uuid)", company.uuid),
        *company.extra_fields.items(),
        ("Company id", company.company_id),
        ("Created", _moment(company.created_at)),
        ("Updated", _moment(company.updated_at)),
    ]


def _search(part: str) -> Callable[[Company], bool]:
    def found(company: Company) -> bool:
        texts = (company.company_name, company.company_email, *company.extra_fields.values())
        return any(part in text.casefold() for text in texts)

    return found
