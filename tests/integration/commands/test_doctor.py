"""`customer-sync doctor` against both twins: every fault is found by its own check, with a remedy, without a write."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self, cast

import msgspec
import pytest

from customer_sync.adapters import Bounds, open_source, open_target
from customer_sync.doctor.duration import Durations
from customer_sync.doctor.examination import Examination
from customer_sync.doctor.examine import Environment, examine, most_requests
from customer_sync.doctor.report import GROUPS
from customer_sync.doctor.sample import Sample
from customer_sync.errors import ConfigError
from customer_sync.http.retry import RetryPolicy
from customer_sync.ledger import Ledger
from customer_sync.settings.connection_fields import ConnectionFields, missing_connection
from customer_sync.settings.connector import Connector
from customer_sync.sources.port import CustomerPage, Known, Source, nobody
from customer_sync.targets.port import Target
from tests.hostile_server import HostileServer, silence
from tests.integration.twin_world import World, call

BOUNDS = Bounds(RetryPolicy(attempts=1, total_s=0.2), answer_s=5.0, seat_s=0.0)
NOBODY_LISTENS = "http://127.0.0.1:9"


@dataclass
class Clinic:
    """A connector whose systems are the twins, as the command looks at it."""

    world: World
    erp: ConnectionFields
    store: ConnectionFields
    slots: dict[str, int] | None
    ledger_url: str
    bounds: Bounds = BOUNDS
    longest_s: float = 120.0
    others: list[Source] = field(default_factory=list)
    session: Callable[[Source], Source] = field(default=lambda source: source)

    @property
    def connector(self) -> Connector:
        return self.world.connector

    def source(self, connector: Connector, ledger: Ledger | None) -> Source:
        if not self.erp.host:
            raise missing_connection(connector.source_connection_id)
        return self.session(open_source(connector, self.erp, ledger, "doctor", self.bounds))

    def target(self, connector: Connector, ledger: Ledger | None) -> Target:
        if not self.store.host:
            raise missing_connection(connector.target_connection_id)
        return open_target(connector, self.store, ledger, self.bounds)

    def look(self) -> Examination:
        """Take every look."""
        return examine(
            Environment(
                connector=lambda: self.connector,
                open_ledger=lambda: Ledger.open(self.connector.id, self.ledger_url, wait_s=0.5),
                systems=self,
                find_pools=self._pools,
                say=lambda _sentence: None,
                longest_s=self.longest_s,
            )
        )

    def _pools(self, names: Sequence[str]) -> dict[str, int] | None:
        return None if self.slots is None else {name: self.slots[name] for name in names if name in self.slots}

    def under(self, **sections: Any) -> None:
        """Change sections of the connector file."""
        self.world = self.world.with_file(**sections)

    def erp_extra(self, **extra: Any) -> None:
        """Change fields of the ERP's connection."""
        self.erp = replace(self.erp, extra={**self.erp.extra, **extra})


@pytest.fixture
def clinic(world: World) -> Iterator[Clinic]:
    """Healthy twins, both connections, pools and a ledger; the store sets no pace, so that tests are quick."""
    world.store_settings(requests_per_minute=0)
    world = world.with_rules(store={"requests_per_minute": 60_000, "share": 1.0})
    connector = world.connector
    extra = {"tenant": "Sandbox", "endpoint_name": "KNCommerce", "endpoint_version": "24.200.001"}
    made = Clinic(
        world=world,
        erp=ConnectionFields("erp", host=world.erp_url, login="admin", password="sandbox", extra=extra),
        store=ConnectionFields(
            "store", host=world.store_url, password="sandbox-token", extra={"store_hash": "sandbox"}
        ),
        slots={connector.erp_pool: connector.erp.seats, connector.store_pool: 1},
        ledger_url=world.ledger_url,
    )
    yield made
    for other in made.others:
        with other:
            pass


def test_the_demonstration_is_in_good_health_and_nothing_is_written(clinic: Clinic) -> None:
    """Every check is green; the ERP sees sign-ins and sign-outs and nothing else but reads, the store reads alone."""
    found = clinic.look()
    assert [(each.id, each.sentence) for each in found.checks if not each.ok] == []
    assert found.is_ok
    assert len({each.id for each in found.checks}) == len(found.checks) > 40
    assert {each.group for each in found.checks} == set(GROUPS)
    assert all(each.sentence.endswith(".") for each in found.checks)
    assert all(each.remedy for each in found.checks if each.level != "good")
    assert clinic.world.store_writes() == []
    written = {row["path"] for row in clinic.world.erp_calls() if row["method"] != "GET"}
    assert written == {"/entity/auth/login", "/entity/auth/logout"}
    assert clinic.world.seats_taken() == 0
    to_source, _ = most_requests(clinic.connector)
    assert len(clinic.world.erp_calls()) < to_source


def _another_host(clinic: Clinic) -> None:
    clinic.erp = replace(clinic.erp, host=NOBODY_LISTENS)


def _another_password(clinic: Clinic) -> None:
    clinic.erp = replace(clinic.erp, password="wrong")


def _no_erp_connection(clinic: Clinic) -> None:
    clinic.erp = replace(clinic.erp, host="")


def _no_store_connection(clinic: Clinic) -> None:
    clinic.store = replace(clinic.store, host="")


def _another_store_host(clinic: Clinic) -> None:
    clinic.store = replace(clinic.store, host=NOBODY_LISTENS)


def _another_token(clinic: Clinic) -> None:
    clinic.store = replace(clinic.store, password="wrong-token")


def _user(name: str) -> Callable[[Clinic], None]:
    return lambda clinic: setattr(clinic, "erp", replace(clinic.erp, login=name))


def _extra(**fields: Any) -> Callable[[Clinic], None]:
    return lambda clinic: clinic.erp_extra(**fields)


def _erp(**switches: Any) -> Callable[[Clinic], None]:
    return lambda clinic: clinic.world.erp_settings(**switches)


def _store(**switches: Any) -> Callable[[Clinic], None]:
    return lambda clinic: clinic.world.store_settings(**switches)


def _rules(**sections: Any) -> Callable[[Clinic], None]:
    return lambda clinic: clinic.under(**sections)


def _source(**fields: Any) -> Callable[[Clinic], None]:
    return _rules(source={"customer": {"enabled": "EnableKensiumCommerce", **fields}})


def _pools(slots: dict[str, int]) -> Callable[[Clinic], None]:
    return lambda clinic: setattr(clinic, "slots", slots)


def _demanding(clinic: Clinic) -> None:
    definitions = {"users": [{"fieldName": "Badge"}]}
    call(f"{clinic.world.store_url}/_sandbox/seed", "POST", {"extra_fields": definitions})
    clinic.world.store_settings(required_user_extra_fields=["Badge"])


def _record_field_missing(clinic: Clinic) -> None:
    clinic.world = clinic.world.with_rules(store={"record_field": "Record"})


def _many(**fields: Any) -> Callable[[Clinic], None]:
    """A third of those who belong in the store have one fault."""

    def spoil(clinic: Clinic) -> None:
        for number in range(61, 90):
            clinic.world.edit("Customer", CustomerID=f"C{number:06d}", **fields)

    return spoil


def _dependent_companies(clinic: Clinic) -> None:
    clinic.world = clinic.world.with_rules(store={"catalog_id": None})
    state = clinic.world.store_state()
    for company in state["companies"]:
        company["catalogId"] = 7
    call(f"{clinic.world.store_url}/_sandbox/state", "PUT", state)


def _refused_optimisation(clinic: Clinic) -> None:
    clinic.world.erp_settings(site_associations_delegate=True)
    switch = {"detail": "SiteAssociations", "where": {"SiteID": "B2BMAIN"}, "field": "Active"}
    clinic.under(source={"customer": {"enabled": switch}})


def _erp_clock_behind(clinic: Clinic) -> None:
    call(f"{clinic.world.erp_url}/_sandbox/clock", "PUT", {"advance_s": -3600})


def _all_seats_taken(clinic: Clinic) -> None:
    clinic.world.erp_settings(sessions=1)
    other = clinic.world.source()
    other.contract()
    clinic.others.append(other)


CASES: list[tuple[str, Callable[[Clinic], None], str, str]] = [
    ("file.schedule", _rules(schedule="61 * * * *"), "61 * * * *", "five cron columns"),
    ("file.schedule", _rules(full_schedule="0 0 31 2 *"), "no day fits", "five cron columns"),
    ("erp.settings", _no_erp_connection, "no Airflow connection", "Create it under"),
    ("erp.settings", _extra(tennant="x"), "unknown fields in extra", "Known are"),
    ("erp.connection", _another_host, "No connection", "host"),
    ("erp.seats", _all_seats_taken, "API Login Limit", "No API seat is free"),
    ("erp.sign_in", _another_password, "nvalid credentials", "login, password and tenant"),
    ("erp.tenant", _erp(lands_in_tenant="Other"), "reached 'Other'", "'tenant' of the Airflow connection"),
    ("erp.tenant", _extra(tenant="Nowhere"), "", "tenant"),
    ("erp.endpoint", _extra(endpoint_version="9.9"), "does not serve the endpoint", "endpoint_version"),
    ("erp.fields", _source(terms="TermsOfPay"), "TermsOfPay", "publish the customization"),
    (
        "erp.fields",
        _extra(endpoint_name="Default", endpoint_version="20.200.001"),
        "write source.customer.email: MainContact/Email",
        "23.200.001",
    ),
    ("erp.rights", _user("clerk"), "may not read Customers (AR303000)", "right on this screen"),
    ("erp.list_customers", _refused_optimisation, "does not show SiteAssociations in lists", "map SiteAssociations"),
    ("erp.sessions", _erp(sessions=1), "seats for 1 of the 2 sessions", "Set erp.seats to 1"),
    ("systems.clocks", _erp_clock_behind, "behind this machine", "NTP"),
    ("store.settings", _no_store_connection, "no Airflow connection", "Create it under"),
    ("store.connection", _another_store_host, "No connection", "host"),
    ("store.sign_in", _another_token, "401", "Check the API token"),
    ("store.key_field", _rules(store={"key_field": "Our Number"}), "'Our Number'", "Create it in the store's settings"),
    ("store.key_field", _store(visible_extra_fields=["Acumatica Customer ID"]), "to shoppers", "Hide it"),
    ("store.key_field", _store(required_extra_fields=["Acumatica Customer ID"]), "invent one", "Make it optional"),
    ("store.record_field", _record_field_missing, "'Record'", "Create it in the store's settings"),
    ("store.demands", _demanding, "'Badge' of every user", "Map it there"),
    ("store.roles", _rules(contacts={"other_role": "Clerk"}), "no role 'Clerk'", "contacts.other_role"),
    (
        "store.payment_methods",
        _rules(terms={"30D": {"payment_methods": {"gold": True}}}),
        "no payment method gold",
        "terms table",
    ),
    ("store.mode", _dependent_companies, "a catalog each", "store.catalog_id"),
    (
        "store.places",
        _rules(geography={"countries": {"XX": "Atlantis"}}),
        "countries.XX: Atlantis",
        "as the store lists",
    ),
    ("airflow.pools", _pools({}), "no pool acumatica_knb", "airflow pools import"),
    ("airflow.pools", _pools({"acumatica_knb": 2, "better_b2b_knb": 4}), "4 slots", "pools set better_b2b_knb 1"),
    ("data.shown", _user("limited"), "none belongs in the store", "restriction groups"),
    (
        "data.account_emails",
        _many(Email=""),
        "without an Account Email (C000010; C0000",
        "Account Email on the customer's General",
    ),
    ("data.names", _many(CustomerName=""), "without a name (C000020; C0000", "Customer Name at the top"),
    ("data.places", _many(MainContact={"Address": {"Country": "ZZ"}}), "with a country that", "Country on the General"),
    ("data.phones", _many(MainContact={"Phone1": "", "Phone2": ""}), "without a phone", "store.default_phone"),
    (
        "data.shared_account_emails",
        _many(Email="office@group.example"),
        "share an Account Email",
        "Account Email on the customer's",
    ),
]


@pytest.mark.parametrize(
    ("check_id", "spoil", "sentence", "remedy"), CASES, ids=[f"{case[0]}-{n}" for n, case in enumerate(CASES)]
)
def test_a_fault_is_found_by_its_own_check(
    clinic: Clinic, check_id: str, spoil: Callable[[Clinic], None], sentence: str, remedy: str
) -> None:
    """The check is red, says what is wrong and what to do; what needs it says so, and nothing else is red."""
    spoil(clinic)
    found = clinic.look()
    checks = {each.id: each for each in found.checks}
    check = checks[check_id]
    assert check.ok is False, check
    assert not found.is_ok
    assert sentence in check.sentence
    assert remedy in check.remedy
    others = [(each.id, each.sentence) for each in found.checks if each.ok is False and each.id != check_id]
    assert others == []
    assert all(each.sentence.startswith("Not looked at: ") for each in found.checks if each.ok is None)


def test_lists_that_show_parts_empty_are_found(clinic: Clinic) -> None:
    """A list is compared with what the ERP shows of one record: customers and locations would be read one by one."""
    clinic.world.erp_settings(empty_expansions_in_lists=True)
    red = {each.id: each for each in clinic.look().checks if each.ok is False}
    assert red.keys() == {"erp.list_customers", "erp.list_locations"}
    assert "does not show MainContact" in red["erp.list_customers"].sentence
    assert "'source' of the connector file" in red["erp.list_customers"].remedy


def test_storefronts_that_are_not_there_are_found(clinic: Clinic) -> None:
    """The store takes a wrong storefront without a word, and the people could not buy."""
    clinic.world.store_settings(multi_storefront=True)
    clinic.world = clinic.world.with_rules(store={"channel_ids": (1, 9)})
    red = [each for each in clinic.look().checks if each.ok is False]
    assert [each.id for each in red] == ["store.channels"]
    assert "no storefront 9 (it has: 1 Default Storefront)" in red[0].sentence


def test_bad_data_is_counted_with_examples_and_the_screen_to_mend_it_on(clinic: Clinic) -> None:
    """The few that the seed holds are worth a look and stop nothing; e-mails are masked."""
    checks = {each.id: each for each in clinic.look().checks}
    expected = {
        "data.account_emails": ("1 without an Account Email (C000010)", "Account Email on the customer's General tab"),
        "data.names": ("1 without a name (C000020)", "Customer Name at the top of the Customers form"),
        "data.phones": ("1 without a phone (C000021)", "Phone 1 or Phone 2 of the main contact"),
        "data.places": ("1 with a state that the store does not list (C000025)", "State on the General tab"),
        "data.contact_emails": ("1 with a contact's e-mail that is none (C000030, contact ", "the contact's Email"),
        "data.long_texts": ("longer than the store holds (C000045)", "Shorten "),
        "data.shared_account_emails": ("C000036 and C000037 (Sh•••@tw•••.example)", "Account Email on the"),
        "data.shared_user_emails": ("C000040 and C000041 (co•••@ag•••.example)", "Email of the contact"),
        "data.shoppers": ("1 of the people", "Tell them before the first sync"),
        "data.terms": ("C000035", "Add the terms to the connector file"),
    }
    for check_id, (sentence, remedy) in expected.items():
        check = checks[check_id]
        assert (check.ok, check.level) == (True, "warning")
        assert sentence in check.sentence
        assert remedy in check.remedy


def test_customers_who_have_a_company_and_are_hidden_are_found(clinic: Clinic) -> None:
    """Who sees fewer customers than were synced would have the others withdrawn."""
    clinic.world.sync(mode="full")
    clinic.erp = replace(clinic.erp, login="limited")
    clinic.under(eligibility={"types": ["RETAIL"]})
    check = next(each for each in clinic.look().checks if each.id == "data.shown")
    assert check.ok is False
    assert "does not show 50 customers that have a company already" in check.sentence
    assert "restriction groups" in check.remedy


def test_seats_that_our_own_runs_hold_are_no_finding(clinic: Clinic) -> None:
    """A load that is at work has the other seat: that is said, and is not red."""
    with Ledger.open(clinic.connector.id, clinic.ledger_url) as ledger:
        seat = ledger.seat("acumatica:knb", 2, "load of run r1")
        seat.take()
        found = clinic.look()
        seat.give_back()
    check = next(each for each in found.checks if each.id == "erp.sessions")
    assert check.ok is None
    assert "held by load of run r1" in check.sentence
    assert found.is_ok


def test_a_broken_ledger_hides_nothing_of_the_systems(clinic: Clinic) -> None:
    """ERP, store and customers are looked at without it."""
    clinic.ledger_url = "sqlite:////proc/nowhere/ledger.db"
    checks = {each.id: each for each in clinic.look().checks}
    assert checks["ledger.opened"].ok is False
    assert "CUSTOMER_SYNC_LEDGER_URL" in checks["ledger.opened"].sentence
    assert checks["ledger.writable"].ok is None
    assert [key for key, each in checks.items() if each.ok is False] == ["ledger.opened"]
    assert checks["data.shown"].ok


def test_a_connector_file_that_is_wrong_is_the_only_finding(clinic: Clinic) -> None:
    """Nothing else can be looked at without it."""

    def wrong() -> Connector:
        raise ConfigError("Connector file knb.yaml is wrong. store.share: it must be 1 at most. See the docs.")

    found = examine(
        Environment(
            connector=wrong,
            open_ledger=lambda: Ledger.open("knb", clinic.ledger_url),
            systems=clinic,
            find_pools=lambda _names: None,
            say=lambda _sentence: None,
        )
    )
    assert [(each.id, each.ok) for each in found.checks] == [("file.readable", False)]
    assert "store.share: it must be 1 at most." in found.checks[0].sentence
    assert found.checks[0].remedy == "See the docs."


@pytest.mark.parametrize("which", ["erp", "store"])
def test_a_server_that_never_answers_ends(clinic: Clinic, which: str) -> None:
    """Its connection is red within its time-out, and the other system is looked at all the same."""
    clinic.bounds = Bounds(RetryPolicy(attempts=1, total_s=0.2), answer_s=1.0, seat_s=0.0)
    with HostileServer(silence) as server:
        setattr(clinic, which, replace(getattr(clinic, which), host=server.url))
        begun_s = time.monotonic()
        checks = {each.id: each for each in clinic.look().checks}
    assert time.monotonic() - begun_s < 20
    assert checks[f"{which}.connection"].ok is False
    assert checks["erp.sign_in" if which == "store" else "store.sign_in"].ok
    assert checks["erp.customers"].ok is None


def test_no_look_begins_after_the_time_is_over(clinic: Clinic) -> None:
    """Whatever the systems do, the whole ends."""
    clinic.longest_s = 0.0
    found = clinic.look()
    assert {each.ok for each in found.checks} == {None}
    assert "the time for all looks is over" in found.checks[0].sentence


class _Saving:
    """A session with an ERP in which something saves every customer whenever it is looked at."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._saves = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def __enter__(self) -> Self:
        self._source.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.__exit__(kind, error, trace)

    def customers_of(self, customer_ids: Sequence[str], known: Known = nobody) -> Iterator[CustomerPage]:
        self._saves += 1
        saved = f"2026-01-01T00:00:{self._saves:02}+00:00"
        for page in self._source.customers_of(customer_ids, known):
            page.customers = [msgspec.structs.replace(each, modified_at_utc=saved) for each in page.customers]
            yield page


def test_stamps_that_move_by_themselves_are_found(clinic: Clinic) -> None:
    """Customers that are equal but for their stamps were saved by something; each run would read them again."""
    clinic.session = lambda source: cast("Source", _Saving(source))
    red = [each for each in clinic.look().checks if each.ok is False]
    assert [each.id for each in red] == ["erp.stamps"]
    assert "The stamps of 20 of 20 customers moved" in red[0].sentence
    assert "Find what saves them" in red[0].remedy


def test_a_nightly_run_that_does_not_fit_is_found(clinic: Clinic) -> None:
    """Reading takes longer than there is until the next full run."""
    sample = Sample(read=900_000, is_whole=True, seconds=90_000)
    durations = {probe.id: probe.look() for probe in Durations(clinic.connector, sample).probes()}
    nightly = durations["time.nightly"]
    assert nightly.level == "bad"
    assert "reads for about 25.0 h, and the next begins after 24.0 h" in nightly.sentence
    assert "erp.page_size" in nightly.remedy


def test_a_ledger_that_cannot_be_written_is_found(clinic: Clinic) -> None:
    """Another process holds its lock: that is the finding, and reading goes on."""
    with Ledger.open(clinic.connector.id, clinic.ledger_url) as ledger, ledger.write():
        checks = {each.id: each for each in clinic.look().checks}
    assert checks["ledger.writable"].ok is False
    assert "locked" in checks["ledger.writable"].sentence
    assert checks["ledger.writable"].remedy
