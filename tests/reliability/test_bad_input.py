"""Whatever an ERP or a store answers: an error of ours or a good result, and never a lost neighbour."""

from __future__ import annotations

import copy
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from customer_sync.errors import SyncError
from customer_sync.http.transport import HttpResponse
from customer_sync.model.company import PaymentTerms
from customer_sync.model.customer import Customer
from customer_sync.rules.eligibility import decide_eligibility
from customer_sync.sources.acumatica.customer_pages import CustomerPages
from customer_sync.targets.better_b2b.adapter import BetterB2BTarget
from sandbox.server import running_acumatica, running_better_b2b
from tests.integration.twin_world import World, shipped_connector
from tests.reliability.mutations import encoded, spoil_body, spoil_status, spoil_value
from tests.reliability.spoiled_systems import Recorder, SpoiledErp, SpoiledStore, erp_client, store_client
from tests.unit.customer_sync.builders import transformed

Record = Callable[[str, object], None]
CUSTOMERS = 12
CONNECTOR = shipped_connector()


@dataclass
class Answers:
    """Good answers of both twins, as they came over the wire."""

    erp: dict[str, list[Any]]
    store: dict[str, Any]

    def customers(self, spoiled: dict[str, HttpResponse] | None = None) -> tuple[dict[str, Customer], set[str]]:
        """What the product reads: customers by key, and the keys that it calls unreadable."""
        ids = [row["CustomerID"]["value"] for row in self.erp["Customer"]]
        pages = CustomerPages(erp_client(SpoiledErp(self.erp, spoiled or {})), CONNECTOR)
        found: dict[str, Customer] = {}
        unreadable: set[str] = set()
        for page in pages.of(ids):
            found.update({customer.customer_id: customer for customer in page.customers})
            unreadable |= page.unreadable.keys()
        return found, unreadable


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Real answers: a full sync of a dozen customers, recorded."""
    erp_answers: dict[str, Any] = {}
    store_answers: dict[str, Any] = {}
    ledger = tmp_path_factory.mktemp("recorded") / "ledger.db"
    with running_acumatica(customers=CUSTOMERS) as erp, running_better_b2b() as store:
        world = World(erp.url, store.url, CONNECTOR, f"sqlite:///{ledger}")
        world.wrap_erp = lambda inner: Recorder(inner, erp_answers, lambda request: request.path.rsplit("/", 1)[-1])
        world.wrap_store = lambda inner: Recorder(inner, store_answers, _store_call)
        world.sync(mode="full")
        Path(ledger).unlink()
        world.sync(mode="full")
        _look_around(world, store_answers)
    rows = {name: erp_answers[name] for name in ("Customer", "Contact", "CustomerLocation")}
    return Answers(rows, store_answers)


def _store_call(request: Any) -> str:
    parts = request.path.removeprefix("/api/v3/io").split("/")
    return f"{request.method} " + "/".join("N" if part.isdigit() else part for part in parts)


def _look_around(world: World, found: dict[str, Any]) -> None:
    """Calls that a sync with few customers does not need."""
    client = world.store()
    company = next(iter(world.companies().values()))["companyId"]
    admin = next(client.users())
    client.user(admin.id)
    client.address(next(client.addresses()).id)
    client.set_payment_terms(company, TERMS)
    assert {"GET /users/N", "GET /addresses/N"} <= found.keys()


# -- the ERP ---------------------------------------------------------------------------------------


def try_erp(answers: Answers, good: dict[str, Customer], dice: Random, tally: Counter[str]) -> Iterator[str]:
    """Spoil one answer of the ERP and read customers through client, reader, rules and transform."""
    entity = dice.choice(["Customer", "Contact", "CustomerLocation"])
    owners: set[str] | None = None
    if dice.random() < 0.75:
        rows = copy.deepcopy(answers.erp[entity])
        position = dice.randrange(len(rows))
        owners = _owners(entity, rows[position])
        what = f"{entity}[{position}] {spoil_value(rows[position], dice)}"
        owners |= _owners(entity, rows[position])
        answer = HttpResponse(200, body=encoded(rows))
    else:
        body = spoil_body(encoded(answers.erp[entity]), dice)
        answer = HttpResponse(200 if dice.random() < 0.6 else spoil_status(dice), body=body)
        what = f"{entity} status {answer.status} body {body[:60]!r}"
    try:
        found, unreadable = answers.customers({entity: answer})
        for customer in found.values():
            decide_eligibility(customer, CONNECTOR)
            transformed(customer, CONNECTOR)
    except SyncError as error:
        tally[type(error).__name__] += 1
        return
    except Exception as error:  # noqa: BLE001 - that there is none is what is proven
        yield f"{what}: {type(error).__name__}: {error}"[:600]
        return
    tally["read"] += 1
    if owners is None:
        return
    for key, customer in good.items():
        if key not in owners and found.get(key) != customer:
            yield f"{what}: its neighbour {key} is {'changed' if key in found else 'lost'}"
        if key in owners and key not in found and key not in unreadable and entity != "Customer":
            yield f"{what}: {key} vanished without a word"


def _owners(entity: str, row: Any) -> set[str]:
    """Whose row it is; only these may change with it."""
    name = {"Customer": "CustomerID", "Contact": "BusinessAccount", "CustomerLocation": "Customer"}[entity]
    value = row.get(name) if isinstance(row, dict) else None
    key = value.get("value") if isinstance(value, dict) else None
    return {key} if isinstance(key, str) else set()


# -- the store -------------------------------------------------------------------------------------

USER = {"company_id": 1, "email": "a@b.example", "first_name": "A", "last_name": "B", "company_role_id": 1}
PLACE = {"company_id": 1, "external_id": "C1:MAIN", "address_line1": "Street 1", "city": "X", "country_code": "US"}
FIRM = {"company_name": "X", "company_phone": "1", "company_email": "a@b.example", "country": "US"}
TERMS = PaymentTerms(is_enabled=True, days=30)


def _methods(client: BetterB2BTarget) -> list[tuple[str, bool]] | None:
    settings = client.payment_settings(7, methods=True, terms=False)
    if settings is None:
        return None  # the store says that the company is gone
    return list(settings.methods.items())


STORE_CALLS: dict[str, Callable[[BetterB2BTarget], Any]] = {
    "GET /companies": lambda client: list(client.companies()),
    "GET /companies/N": lambda client: client.company(7),
    "GET /users": lambda client: list(client.users(company_id=7)),
    "GET /users/N": lambda client: client.user(7),
    "GET /addresses": lambda client: list(client.addresses()),
    "GET /addresses/N": lambda client: client.address(7),
    "GET /companies/roles": lambda client: list(client.role_ids),
    "GET /companies/extra-fields": lambda client: list(client.extra_fields("company")),
    "GET /users/extra-fields": lambda client: list(client.extra_fields("user")),
    "GET /addresses/extra-fields": lambda client: list(client.extra_fields("address")),
    "GET /payments": lambda client: client.payment_methods,
    "GET /companies/N/payments": _methods,
    "GET /companies/N/payment-terms": lambda client: client.payment_settings(7, methods=False, terms=True),
    "PUT /companies/N/payment-terms": lambda client: client.set_payment_terms(7, TERMS),
    "PUT /companies/N/payments": lambda client: client.set_payment_methods(7, {"cod": True}),
    "POST /companies/bulk": lambda client: client.create_companies([FIRM] * 10),
    "POST /users/bulk": lambda client: client.create_users([USER] * 10),
    "POST /addresses/bulk": lambda client: client.create_addresses([PLACE] * 10),
}
SAME_SHAPE = {
    "GET /companies": lambda client: client.companies_by_key("C000001"),
    "GET /users": lambda client: client.user_by_email("orders@elbe1.example"),
    "GET /addresses": lambda client: client.addresses_by_key(["C000001:MAIN"]),
    "GET /companies/N": lambda client: client.create_companies([FIRM]),
    "GET /users/N": lambda client: client.create_users([USER]),
    "GET /addresses/N": lambda client: client.create_addresses([PLACE]),
}


def try_store(answers: Answers, dice: Random, tally: Counter[str]) -> Iterator[str]:
    """Spoil one answer of the store and read it with a call that gets it."""
    name = dice.choice(sorted(STORE_CALLS))
    ask = SAME_SHAPE[name] if name in SAME_SHAPE and dice.random() < 0.4 else STORE_CALLS[name]
    good = answers.store[name]
    row: int | None = None
    if dice.random() < 0.7:
        document = copy.deepcopy(good)
        is_list = isinstance(document["data"], list) and document["data"] and dice.random() < 0.7
        row = dice.randrange(len(document["data"])) if is_list else None
        what = f"{name} " + spoil_value(document if row is None else document["data"][row], dice)
        answer = HttpResponse(200, body=encoded(document))
    else:
        body = spoil_body(encoded(good), dice)
        answer = HttpResponse(200 if dice.random() < 0.5 else spoil_status(dice), body=body)
        what = f"{name} status {answer.status} body {body[:60]!r}"
    try:
        found = ask(store_client(SpoiledStore(answer)))
    except SyncError as error:
        tally[type(error).__name__] += 1
        return
    except Exception as error:  # noqa: BLE001 - that there is none is what is proven
        yield f"{what}: {type(error).__name__}: {error}"[:600]
        return
    tally["read"] += 1
    if row is not None and name.startswith("GET") and ask is STORE_CALLS[name]:
        whole = ask(store_client(SpoiledStore(HttpResponse(200, body=encoded(good)))))
        spoiled = whole[row] if isinstance(whole, list) else next(iter(whole - found), None)
        lost = [item for item in whole if item not in found and item != spoiled]
        if lost:
            yield f"{what}: {len(lost)} neighbours are lost or changed"


# -- the tests -------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "customer_sync.http")  # thousands of retries


def campaign(answers: Answers, seed: int, inputs: int, record_property: Record, what: str) -> None:
    """Try many inputs, half of them answers of the ERP; tell how they ended."""
    good, unreadable = answers.customers()
    assert len(good) == CUSTOMERS
    assert not unreadable
    dice = Random(seed)
    tally: Counter[str] = Counter()
    problems: list[str] = []
    for number in range(inputs):
        problems += try_erp(answers, good, dice, tally) if number % 2 else try_store(answers, dice, tally)
    endings = ", ".join(f"{count} {name}" for name, count in tally.most_common())
    record_property("figure", f"{what}: {inputs} inputs (seed {seed}): {endings}")
    assert not problems, f"{len(problems)} problems with seed {seed}:\n" + "\n".join(problems[:30])


@pytest.mark.timeout(280)
def test_only_errors_of_ours_arise_when_answers_are_spoiled(answers: Answers, record_property: Record) -> None:
    """Hundreds of spoiled answers: each is read, or refused with an error of ours; neighbours stay as they are."""
    campaign(answers, 1, 1_000, record_property, "bad input, a few")


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [2, 3, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(4, 8))])
def test_only_errors_of_ours_arise_when_very_many_answers_are_spoiled(
    answers: Answers, seed: int, record_property: Record
) -> None:
    """More than ten thousand spoiled answers over all seeds."""
    campaign(answers, seed, 4_000, record_property, "bad input")
