"""How long people keep their access, and the report that tells it."""

from __future__ import annotations

import random
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd

from customer_sync.reconcile.report.files import access_distribution, write_reconcile_report
from customer_sync.run import Run
from tests.integration.reconcile.corruption import Corruption
from tests.integration.twin_world import World, call


def the_report(world: World, run_id: str, folder: Path) -> Path:
    """Write a run's report; returns its folder."""
    with world.ledger() as ledger:
        return write_reconcile_report(Run(world.connector, ledger, run_id), folder)[0].parent


def test_minutes_from_deactivation_to_removal_are_measured_per_user(world: World, tmp_path: Path) -> None:
    """A contact is deactivated, another customer withdrawn with its users: each user's minutes are in the report."""
    world.sync(mode="full")
    with world.ledger() as ledger:
        links = ledger.links.load([key for page in ledger.links.companies() for key, _ in page])
    several = [key for key, applied in sorted(links.items()) if len(applied.users) > 1]
    leaver = max(links[several[0]].users)
    world.edit("Contact", ContactID=int(leaver), Active=False)
    world.edit("Customer", CustomerID=several[1], CustomerClass="RETAIL")
    call(f"{world.erp_url}/_sandbox/clock", "PUT", {"advance_s": 1})
    world.sync()
    world.reconcile(run_id="r1")

    with world.ledger() as ledger:
        measured = {(each.customer_id, each.user_key): each for each in ledger.access.rows()}
    assert set(measured) == {(several[0], leaver), *((several[1], key) for key in links[several[1]].users)}
    assert {each.cause for each in measured.values()} == {"contact", "customer"}
    assert all(each.deactivated_at_utc is not None for each in measured.values())

    # Edited again after the removal: what was measured stays.
    call(f"{world.erp_url}/_sandbox/clock", "PUT", {"advance_s": 3600})
    world.edit("Contact", ContactID=int(leaver), JobTitle="Gone")
    world.reconcile(run_id="r2")
    table = pd.read_parquet(the_report(world, "r2", tmp_path) / "access.parquet")
    assert len(table) == len(measured)
    assert table["minutes"].between(0, 60).all()


def test_distribution_counts_unknown_users_apart() -> None:
    """Median, nine of ten and longest are of those whose minutes are known."""
    found = access_distribution(pd.DataFrame({"minutes": [1.0, 6.0, 20.0, 5000.0, None]}))
    assert (found["users"], found["unknown"], found["median"], found["longest"]) == (4, 1, 13.0, 5000.0)
    assert {each["label"]: each["users"] for each in found["classes"] if each["users"]} == {
        "≤ 5 min": 1,
        "≤ 15 min": 1,
        "≤ 30 min": 1,
        "≤ 7 days": 1,
    }
    assert access_distribution(pd.DataFrame({"minutes": pd.Series([], dtype="float64")}))["users"] == 0


class _Page(HTMLParser):
    """Gathers the tags and addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [value or "" for name, value in attrs if name in {"src", "href", "onload", "onerror"}]


def test_page_is_one_file_with_everything_escaped_when_names_are_hostile(world: World, tmp_path: Path) -> None:
    """A name that is markup shows as text; the page loads nothing and runs nothing."""
    world = world.with_rules(masking={"names": False})
    world.sync(mode="full")
    state = world.store_state()
    for company in state["companies"]:
        company["companyName"] = "<img src=x onerror=alert(1)>"
        company["updatedAt"] += 100_000
    call(f"{world.store_url}/_sandbox/state", "PUT", state)
    world.reconcile(run_id="r1")
    text = (the_report(world, "r1", tmp_path) / "report.html").read_text(encoding="utf-8")
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    page = _Page()
    page.feed(text)
    assert page.tags & {"script", "img", "link", "iframe"} == set()
    assert page.loads == []


def test_tables_and_page_tell_the_same_as_the_run(world: World, tmp_path: Path) -> None:
    """Balance, classes, their course over time, reasons and ages; values are masked and files private."""
    world.sync(mode="full")
    Corruption(world, random.Random(8)).spoil(1)
    world.reconcile(run_id="r1")
    report = world.reconcile(run_id="r2")
    folder = the_report(world, "r2", tmp_path)
    balance = pd.read_csv(folder / "balance.csv").set_index("standing")["customers"].to_dict()
    assert balance == report.standings
    differences = pd.read_parquet(folder / "differences.parquet")
    assert differences["kind"].value_counts().to_dict() == report.classes
    assert len(pd.read_csv(folder / "differences.csv")) == len(differences)
    course = pd.read_parquet(folder / "classes_over_time.parquet")
    assert set(course["run_id"]) == {"r1", "r2"}
    assert course.groupby("run_id")["differences"].sum().to_dict() == dict.fromkeys(
        ("r1", "r2"), sum(report.classes.values())
    )
    assert pd.read_csv(folder / "ages.csv").drop(columns="waiting").sum().sum() > 0
    assert "type_not_b2b" in set(pd.read_csv(folder / "reasons.csv")["reason"])
    whole = "".join(path.read_text(encoding="utf-8", errors="replace") for path in folder.iterdir())
    assert "Typed by hand" not in whole
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
