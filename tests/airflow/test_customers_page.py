"""The page Customers over an ERP of 500: who needs a person, who may read names, and what files hold."""

import csv
import importlib
import io
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from customer_sync.ledger.story.customer_facts import facts_of
from customer_sync.ledger.story.customer_list import CustomerKey, View
from customer_sync.settings.connector_file import find_connector
from sandbox.server import running_acumatica, running_better_b2b
from tests.integration.twin_world import World

pytestmark = pytest.mark.in_order_of_file  # the last tests put them right

CUSTOMERS = 500
NEXT_STEPS = {
    "C000020": "Fill in the Customer Name",
    "C000021": "Fill in Phone 1",
    "C000023": "Fill in Country",
    "C000024": "Use a country that the store lists",
    "C000025": "Use a state that the store lists",
    "C000028": "Fill in the contact's First Name",
    "C000029": "Fill in the contact's Email",
    "C000030": "Correct the contact's Email",
    "C000031": "Give each contact of the customer an e-mail of its own",
    "C000033": "Complete street, city, country",
    "C000034": "Use a country that the store lists",
    "C000036": "Give each customer an e-mail of its own",
    "C000037": "Give each customer an e-mail of its own",
    "C000040": "A user of another company has the e-mail",
    "C000045": "Shorten",
    "C000056": "A user of another company has the e-mail",
    "C000058": "Fill in the contact's First Name",
}
"""What is wrong in the twin's seed, by hand, and how a person mends it."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Four full runs over 500 customers."""
    ledger_url = f"sqlite:///{tmp_path_factory.mktemp('customers') / 'ledger.db'}"
    connectors = Path(__file__).resolve().parents[2] / "include" / "connectors"
    with pytest.MonkeyPatch.context() as patch, running_acumatica(customers=CUSTOMERS) as erp:
        patch.setenv("CUSTOMER_SYNC_CONNECTORS_DIR", str(connectors))
        patch.setenv("CUSTOMER_SYNC_LEDGER_URL", ledger_url)
        with running_better_b2b() as store:
            made = World(erp.url, store.url, find_connector("knb"), ledger_url)
            for number in range(4):
                made.sync(run_id=f"run {number}", mode="full")
            yield made


@pytest.fixture
def open_as(world: World, metadata_database: None) -> Iterator[Callable[..., Any]]:
    """Gives a client of a person who may read the connector, and names or not."""
    assert (world.connector.id, metadata_database) == ("knb", None)
    access = importlib.import_module("customer_sync_airflow.pages.rights")
    opened: list[Any] = []

    class Viewer(access.Viewer):  # type: ignore[misc] # imported when Airflow is there
        """Rights as the test says."""

        sees_names = False

        def may_see_names(self, connector_id: str) -> bool:
            return self.sees_names and connector_id in self.connectors

        def may_act(self, connector_id: str) -> bool:
            return self.sees_names and connector_id in self.connectors

    def make(name: str, *, sees_names: bool) -> Any:
        app = importlib.import_module("customer_sync_airflow.pages.app").build_app()
        viewer = Viewer(None, name, frozenset({"knb"}))
        object.__setattr__(viewer, "sees_names", sees_names)
        app.dependency_overrides[access.current_viewer] = lambda: viewer
        app.dependency_overrides[access.may_read_runs] = lambda: None
        opened.append(importlib.import_module("starlette.testclient").TestClient(app, headers={"accept": "text/html"}))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


def rows(client: Any, query: str) -> list[dict[str, str]]:
    """The list as a file: the same rows as on its pages."""
    return list(csv.DictReader(io.StringIO(client.get(f"/customers.csv?{query}").content.decode("utf-8-sig"))))


def found(client: Any, text: str) -> set[str]:
    """Whom a search finds, by the form and the address that it leads to."""
    sent = client.post("/", data={"q": text, "view": "all"}, follow_redirects=False)
    assert text not in sent.headers["location"]
    return {row["customer_id"] for row in rows(client, sent.headers["location"].partition("?")[2])}


def test_those_who_need_a_person_are_shown_each_with_the_next_step(open_as: Callable[..., Any]) -> None:
    """Exactly the customers with a fault in the ERP, after four runs as after the first."""
    client = open_as("vera", sees_names=False)
    told = {row["customer_id"]: row["next_step"] for row in rows(client, "view=attention")}
    assert told.keys() == NEXT_STEPS.keys()
    assert {key: step for key, step in told.items() if not step.startswith(NEXT_STEPS[key])} == {}
    page = unescape(client.get("/").text)
    assert "Contact 100562: name missing" in page
    assert f'class="count">{len(NEXT_STEPS)}<' in page


def test_everybody_is_in_the_view_of_his_state_and_pages_go_both_ways(open_as: Callable[..., Any]) -> None:
    """All are listed once; in the store, not for the store and held back are everybody."""
    client = open_as("vera", sees_names=False)
    by_view = {view: {row["customer_id"] for row in rows(client, f"view={view}")} for view in View}
    assert len(by_view[View.ALL]) == CUSTOMERS
    in_store, not_for_store = by_view[View.IN_STORE], by_view[View.NOT_FOR_STORE]
    assert in_store.isdisjoint(not_for_store)
    held_back = by_view[View.ALL] - in_store - not_for_store
    assert held_back == {"C000020", "C000021", "C000023", "C000024", "C000025", "C000036", "C000037"}
    first = client.get("/?view=all").text
    second = client.get(f"/{link(first, 'next')}").text
    back = client.get(f"/{link(second, 'prev')}").text
    assert (shown(first), shown(second)) == (sorted(by_view[View.ALL])[:50], sorted(by_view[View.ALL])[50:100])
    assert shown(back) == shown(first)


def shown(page: str) -> list[str]:
    """The customers of a page, in its order."""
    return re.findall(r'<a href="customer[?][^"]*">([^<]*)</a>', page)


def link(page: str, relation: str) -> str:
    """The address of the page behind or before."""
    return unescape(page.partition(f'rel="{relation}" href="')[2].partition('"')[0])


def test_who_may_edit_the_dag_reads_and_finds_names_and_that_is_recorded(
    open_as: Callable[..., Any], world: World
) -> None:
    """By a part of the name, a whole Account Email, a user's e-mail, the number and the company's id."""
    client = open_as("olga", sees_names=True)
    company = world.companies()["C000001"]
    assert company["companyName"] in unescape(client.get("/?view=all").text)
    assert "C000001" in found(client, company["companyName"].upper()[:9])
    assert found(client, company["companyEmail"]) == {"C000001"}
    assert found(client, str(company["companyId"])) == {"C000001"}
    assert found(client, "c00000") == {f"C00000{number}" for number in range(1, 10)}
    with world.ledger() as ledger:
        assert ledger.operator_actions.has_looked("olga", "")
        assert not ledger.operator_actions.has_looked("vera", "")


def test_a_customers_page_tells_its_story_in_sentences(open_as: Callable[..., Any], world: World) -> None:
    """What it is, what waits, what to do, what happened; names for who may read them, masked for others."""
    company = world.companies()["C000001"]
    shown, masked = (
        unescape(open_as(name, sees_names=name == "olga").get("/customer?connector=knb&id=C000001").text)
        for name in ("olga", "vera")
    )
    for page in (shown, masked):
        titles = ["What is it now", "What waits, and for what", "What can I do", "What happened"]
        assert sorted(page.index(title) for title in titles) == [page.index(title) for title in titles]
        assert re.search(r"Company created, \d address(es)?, \d users?", page)
        assert "id written to the ERP" in page
        assert "3 runs since then found nothing new." in page
        assert "Nothing waits." in page
    for value in (company["companyName"], company["companyEmail"]):
        assert value in shown
        assert value not in masked
    waiting = unescape(open_as("vera", sees_names=False).get("/customer?connector=knb&id=C000033").text)
    assert "Location EAST: address incomplete" in waiting
    assert "Complete street, city, country" in waiting


def test_who_may_not_finds_by_number_and_store_id_alone(open_as: Callable[..., Any], world: World) -> None:
    """A search by a name or an e-mail would tell what the mask hides."""
    client = open_as("vera", sees_names=False)
    company = world.companies()["C000001"]
    assert found(client, company["companyName"][:9]) == set()
    assert found(client, company["companyName"][:2]) == set()
    assert found(client, company["companyEmail"]) == set()
    assert found(client, str(company["companyId"])) == {"C000001"}
    assert found(client, "C000001") == {"C000001"}
    assert company["companyName"] not in unescape(client.get("/?view=all").text)


def test_a_damaged_address_is_a_clear_refusal(open_as: Callable[..., Any]) -> None:
    """400 with a page, never a stack trace."""
    client = open_as("vera", sees_names=False)
    for query in ("/?view=sideways", "/?after=xyz", "/?before=W10%3D", "/?find=xyz", "/runs?after=xyz"):
        answer = client.get(query)
        assert answer.status_code == 400, query
        assert "<h1>" in answer.text


def test_runs_say_what_became_of_whom_and_what_it_cost(open_as: Callable[..., Any]) -> None:
    """The newest first, with counts, requests and duration."""
    page = unescape(open_as("vera", sees_names=False).get("/runs").text)
    assert page.index("run 3") < page.index("run 0")
    assert "500</b> read" in page
    assert "created" in page
    assert "Better B2B" in page


CORRECTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "C000020": ("Customer", {"CustomerName": "Named at last Ltd"}),
    "C000021": ("Customer", {"MainContact": {"Phone1": "+33 1 44 55 66 77"}}),
    "C000023": ("Customer", {"MainContact": {"Address": {"Country": "FR"}}}),
    "C000024": ("Customer", {"MainContact": {"Address": {"Country": "US", "State": "WA"}}}),
    "C000025": ("Customer", {"MainContact": {"Address": {"State": "WA"}}}),
    "C000028": ("Contact", {"FirstName": "Ada", "LastName": "Smith"}),
    "C000029": ("Contact", {"Email": "its.own@c000029.example"}),
    "C000030": ("Contact", {"Email": "its.own@c000030.example"}),
    "C000031": ("Contact", {"Email": "its.own@c000031.example"}),
    "C000033": (
        "CustomerLocation",
        {"LocationContact": {"Address": {"AddressLine1": "1 Quay", "City": "Hope", "Country": "CA", "State": "BC"}}},
    ),
    "C000034": ("CustomerLocation", {"LocationContact": {"Address": {"Country": "US", "State": "WA"}}}),
    "C000036": ("Customer", {"Email": "its.own@c000036.example"}),
    "C000040": ("Contact", {"Email": "its.own@c000040.example"}),
    "C000045": ("Customer", {"CustomerName": "A short name"}),
    "C000056": ("Contact", {"Email": "its.own@c000056.example"}),
    "C000058": ("Contact", {"FirstName": "Ada", "LastName": "Smith"}),
}
"""What a clerk does in the ERP, following the next step; who shares an e-mail needs one of the two to change it."""


SHARING = {"C000036": ("C000037",)}
"""Who is put right with another."""


def correct(world: World, customer_id: str) -> None:
    """Do in the ERP what the next step says; which record it is stands under *What waits*."""
    entity, fields = CORRECTIONS[customer_id]
    with world.ledger() as ledger:
        facts = facts_of(ledger.engine, [CustomerKey("knb", customer_id)])[0]
    waiting = next((part.key for part in facts.held if part.entity == "contact"), "")
    names: dict[str, dict[str, Any]] = {
        "Customer": {"CustomerID": customer_id},
        "Contact": {"ContactID": waiting and int(waiting)},
        "CustomerLocation": {"Customer": customer_id, "LocationID": "EAST"},
    }
    world.edit(entity, **names[entity], **fields)


def test_each_who_is_put_right_has_left_after_the_next_run_and_the_others_stay(
    open_as: Callable[..., Any], world: World
) -> None:
    """One after the other, by what the next step says; in the end the view says that all is well."""
    client = open_as("vera", sees_names=False)
    left = set(NEXT_STEPS)
    for customer_id in CORRECTIONS:
        correct(world, customer_id)
        mended = [customer_id, *SHARING.get(customer_id, ())]
        world.sync(run_id=f"{customer_id} put right", mode="selected", customer_ids=mended)
        left.difference_update(mended)
        told = {row["customer_id"]: row["waits"] for row in rows(client, "view=attention")}
        assert told.keys() == left, (customer_id, told.get(customer_id))
    world.sync(run_id="all put right", mode="full")
    assert rows(client, "view=attention") == []
    assert "All is well" in client.get("/").text


def test_who_is_set_aside_has_left_at_once(open_as: Callable[..., Any], world: World) -> None:
    """A person said that nothing is to be done; the view for these has the customer."""
    client = open_as("vera", sees_names=False)
    world.edit("Customer", CustomerID="C000021", MainContact={"Phone1": ""})
    world.sync(run_id="wrong again", mode="full")
    assert [row["customer_id"] for row in rows(client, "view=attention")] == ["C000021"]
    with world.ledger() as ledger, ledger.write() as connection:
        ledger.set_aside.put(connection, "C000021", "skip")
    assert rows(client, "view=attention") == []
    assert [row["customer_id"] for row in rows(client, "view=set_aside")] == ["C000021"]
