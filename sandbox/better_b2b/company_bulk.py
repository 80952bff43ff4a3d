"""`POST` and `PUT /companies/bulk`: up to ten rows, each on its own (docs/api/better_b2b.md#statement-17)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox.better_b2b.companies import create_company, update_company
from sandbox.better_b2b.company_form import CompanyProblem
from sandbox.better_b2b.envelope import (
    SUCCESS_COMPANY,
    TOO_LARGE,
    Reply,
    ok,
    plain_refusal,
    resource_refusal,
    rows_refusal,
)
from sandbox.better_b2b.fields import whole_number
from sandbox.better_b2b.request import bulk_rows
from sandbox.better_b2b.snapshot import load_state, store_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.better_b2b.request import Request
    from sandbox.better_b2b.state import Store

_SOME_FAILED = "Some companies updated failed, you can see these in errors."
_CONFLICT = "Company was in conflict with another company."
_ORDERED = "The row could not be saved."
_NO_ARRAY = "The company data is invalid."


class _Row(NamedTuple):
    """One row: the id that errors name it by, and what saves it and gives the company's id."""

    row_id: str
    save: Callable[[], int]


def post_companies(store: Store, request: Request) -> Reply:
    """`POST /companies/bulk`: error ids are zero-based row numbers."""
    bodies = _bodies(store, request)
    made = _save_all(store, request, [_Row(str(index), _creation(store, body)) for index, body in enumerate(bodies)])
    ids = [{"companyId": company_id} for company_id in made]
    if store.settings["bulk_as_documented"]:
        return Reply(200, {"code": 200, "meta": ids, "data": {"id": str(made[-1]) if made else ""}})
    return ok(ids, SUCCESS_COMPANY)


def put_companies(store: Store, request: Request) -> Reply:
    """`PUT /companies/bulk`: error ids are company ids as strings."""
    bodies = _bodies(store, request)
    ids = [_company_id(body) for body in bodies]
    if store.settings["bulk_unknown_company"] == "not_found" and any(
        company_id is not None and company_id not in store.companies.rows for company_id in ids
    ):
        raise resource_refusal()
    rows = [
        _Row(str(index if company_id is None else company_id), _update(store, company_id, body))
        for index, (body, company_id) in enumerate(zip(bodies, ids, strict=True))
    ]
    done = _save_all(store, request, rows)
    return ok([{"companyId": company_id} for company_id in done], SUCCESS_COMPANY)


def _bodies(store: Store, request: Request) -> list[Any]:
    rows = bulk_rows(request, too_many=plain_refusal(413, TOO_LARGE), no_array=plain_refusal(422, _NO_ARRAY))
    if not store.settings["bulk_drops_extra_fields"]:
        return rows
    return [
        {name: row[name] for name in row if name != "extraFields"} if isinstance(row, dict) else row for row in rows
    ]


def _creation(store: Store, body: Any) -> Callable[[], int]:
    return lambda: create_company(store, body)[0].company_id


def _update(store: Store, company_id: int | None, body: Any) -> Callable[[], int]:
    def save() -> int:
        if company_id is None:
            raise CompanyProblem("The company id is required.")
        company = store.companies.rows.get(company_id)
        if company is None:
            raise CompanyProblem("This resource is not found.")
        update_company(store, company, body)
        return company_id

    return save


def _save_all(store: Store, request: Request, rows: list[_Row]) -> list[int]:
    """Save row by row and give the ids.

    Raises:
        Refusal: Shape 4 with all failed rows: 409 when another company held a value, else 400. Good rows stay stored,
            or none of them where the switch says so.
    """
    before = None if store.settings["bulk_keeps_good_rows"] else store_state(store)
    saved: list[int] = []
    errors: list[tuple[str, str]] = []
    has_conflict = False
    for index, row in enumerate(rows):
        if index in request.failing_rows:
            errors.append((row.row_id, _ORDERED))
            continue
        try:
            saved.append(row.save())
        except CompanyProblem as problem:
            errors.append((row.row_id, problem.text))
            has_conflict = has_conflict or problem.is_conflict
    if not errors:
        return saved
    if before is not None:
        load_state(store, before)
    raise rows_refusal(409, errors, _CONFLICT) if has_conflict else rows_refusal(400, errors, _SOME_FAILED)


def _company_id(body: Any) -> int | None:
    return whole_number(body.get("companyId")) if isinstance(body, dict) else None
