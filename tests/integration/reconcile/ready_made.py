"""Builds a store and a ledger that equal the ERP, through the twins' control plane: quick for tens of thousands."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from customer_sync.ledger import CustomerState, IntendedWrite, Ledger
from customer_sync.ledger.storage.statement import chunks
from customer_sync.model.company import Company, attempt_hash, company_fields, content_hash, user_fields
from customer_sync.model.operation import (
    Action,
    AddressOperation,
    AppliedAddress,
    AppliedCompany,
    AppliedUser,
    CompanyOperation,
    Operation,
)
from customer_sync.model.outcome import Finding, Reason
from customer_sync.reconcile.compare.sides import ErpSide
from customer_sync.reconcile.compare.source_side import ErpSides
from customer_sync.run import Run
from tests.integration.twin_world import World, call


@dataclass
class _Rows:
    """What goes into the store and the ledger."""

    state: dict[str, Any]
    roles: dict[str, int]
    now_s: int
    links: list[CustomerState] = field(default_factory=list)
    writes: list[tuple[str, Operation]] = field(default_factory=list)
    quarantined: list[tuple[str, Finding]] = field(default_factory=list)
    references: dict[str, int] = field(default_factory=dict)


def make_equal(world: World) -> int:
    """Fill store and ledger with what the ERP wants, as a sync would have left them.

    Customers whose e-mails the store would refuse are in quarantine, as a sync leaves them.

    Returns:
        The number of companies made.
    """
    state = world.store_state()
    moment = call(f"{world.store_url}/_sandbox/clock")["now_utc"]
    now_s = int(datetime.fromisoformat(moment).timestamp())
    rows = _Rows(state, {role["name"]: role["id"] for role in state["roles"]}, now_s)
    taken = {user["email"].casefold() for user in state["users"]}
    with world.source(page_size=500) as erp, world.ledger() as ledger:
        run = Run(world.connector, ledger, "ready_made")
        for sides, _ in ErpSides(run, erp, world.store()).all():
            for side in sides:
                if side.claim == "eligible" and side.desired is not None:
                    _add(rows, side, side.desired, taken)
    call(f"{world.store_url}/_sandbox/state", "PUT", state)
    _write_references(world, rows.references)
    with world.ledger() as ledger:
        _write_ledger(ledger, rows)
    return len(rows.links)


def _add(rows: _Rows, side: ErpSide, desired: Company, taken: set[str]) -> None:
    emails = {user.email.casefold() for user in desired.users} | {desired.company_email.casefold()}
    if emails & taken:
        digest = attempt_hash(desired, side.reference_id)
        rows.quarantined.append((side.customer_id, Finding(reason=Reason.EMAIL_IN_USE, field="Email", hash=digest)))
        return
    taken |= emails
    ids = rows.state["next_ids"]
    company_id = _take(ids, "company")
    rows.references[side.customer_id] = company_id
    rows.state["companies"].append(_company(rows, desired, company_id))
    users: dict[str, AppliedUser] = {}
    addresses: dict[str, AppliedAddress] = {}
    for user in desired.users:
        user_id, customer_id = _take(ids, "user"), _take(ids, "customer")
        rows.state["customers"].append(
            {"id": customer_id, "email": user.email, "firstName": user.first_name, "lastName": user.last_name}
        )
        rows.state["users"].append(
            {
                "id": user_id,
                "companyId": company_id,
                "firstName": user.first_name,
                "lastName": user.last_name,
                "email": user.email,
                "phoneNumber": user.phone_number,
                "role": 0 if user.role == "Admin" else 2,
                "companyRoleId": rows.roles[user.role],
                "customerId": customer_id,
                "uuid": user.key,
                "channelIds": [1],
                "extraFields": [],
                "createdAt": rows.now_s,
                "updatedAt": rows.now_s,
            }
        )
        users[user.key] = AppliedUser(store_id=user_id, fields=user_fields(user))
    for address in desired.addresses:
        address_id = _take(ids, "address")
        wire = {_camel(name): value for name, value in msgspec.structs.asdict(address).items()}
        stamps = {"createdAt": rows.now_s, "updatedAt": rows.now_s, "extraFields": []}
        rows.state["addresses"].append({**wire, "addressId": address_id, "companyId": company_id, **stamps})
        addresses[address.external_id] = AppliedAddress(store_id=address_id, fields=address)
        operation = AddressOperation(action=Action.CREATE_ADDRESS, key=address.external_id, new=address)
        rows.writes.append((side.customer_id, operation))
    _add_money(rows, desired, company_id)
    creation = CompanyOperation(action=Action.CREATE_COMPANY, key=side.customer_id, new=company_fields(desired))
    rows.writes.append((side.customer_id, creation))
    applied = AppliedCompany(
        company_id=company_id,
        fields=company_fields(desired),
        users=users,
        addresses=addresses,
        payment_methods=dict(desired.payment_methods),
        payment_terms=desired.payment_terms,
        reference_id=str(company_id),
        content_hash=content_hash(desired),
    )
    rows.links.append(CustomerState(side.customer_id, applied, side.record_id))


def _company(rows: _Rows, desired: Company, company_id: int) -> dict[str, Any]:
    fields = {
        _camel(name): value
        for name, value in msgspec.structs.asdict(company_fields(desired)).items()
        if name != "extra_fields"
    }
    extra = [{"fieldName": name, "fieldValue": value} for name, value in desired.extra_fields.items()]
    stamps = {"createdAt": rows.now_s, "updatedAt": rows.now_s}
    return {**fields, "companyId": company_id, "companyStatus": 1, "channelIds": [1], "extraFields": extra, **stamps}


def _add_money(rows: _Rows, desired: Company, company_id: int) -> None:
    if desired.payment_methods:
        rows.state["payments"]["companies"][str(company_id)] = [
            {"code": code, "isEnabled": is_on, "createdAt": rows.now_s, "updatedAt": rows.now_s}
            for code, is_on in desired.payment_methods.items()
        ]
    if desired.payment_terms is not None:
        terms = {"isEnabled": desired.payment_terms.is_enabled, "paymentTerms": desired.payment_terms.days}
        rows.state["payment_terms"][str(company_id)] = terms


def _write_references(world: World, references: dict[str, int]) -> None:
    erp = world.erp_state()
    for customer in erp["customers"]:
        for site in customer["SiteAssociations"]:
            if customer["CustomerID"] in references:
                site["CommerceReferenceID"] = str(references[customer["CustomerID"]])
    call(f"{world.erp_url}/_sandbox/state", "PUT", erp)


def _write_ledger(ledger: Ledger, rows: _Rows) -> None:
    for part in chunks(rows.links, 1000):
        with ledger.write() as connection:
            ledger.links.put(connection, "ready made", part)
    for writes in chunks(rows.writes, 1000):
        with ledger.write() as connection:
            ids = ledger.intents.open(connection, "ready made", 1, [[IntendedWrite(*each)] for each in writes])
            ledger.intents.settle(connection, ids, "confirmed")
    with ledger.write() as connection:
        keys = [key for key, _ in rows.quarantined]
        ledger.quarantine.replace(connection, "ready made", keys, rows.quarantined)


def _take(ids: dict[str, int], name: str) -> int:
    ids[name] += 1
    return ids[name] - 1


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
