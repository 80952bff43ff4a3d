"""Peer: a script of requests and pandas, in bulk or one record per request.

Written as the two libraries' user guides show it: a ``requests.Session``, pages by ``$skip`` and
``$top``, ``pandas.json_normalize`` into frames, filters and merges on frames, then posts in a loop.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import pandas as pd
import rules
from http_client import make_session


def read_all(session: Any, url: str, query: dict[str, str]) -> pd.DataFrame:
    """All records of a list as a frame, one column per field (``MainContact.Phone1.value``)."""
    rows: list[dict[str, Any]] = []
    while True:
        answer = session.get(url, params={**query, "$top": rules.PAGE_SIZE, "$skip": len(rows)}, timeout=700)
        answer.raise_for_status()
        page = answer.json()
        rows.extend(page)
        if len(page) < rules.PAGE_SIZE:
            break
    frame = pd.json_normalize(rows)
    frame = frame[[column for column in frame.columns if column.endswith(".value")]]
    return frame.rename(columns=lambda column: column.removesuffix(".value"))


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """A frame's row as the nested record that the rules take."""
    record: dict[str, Any] = {}
    for column, value in flat.items():
        *parts, name = column.split(".")
        part = record
        for each in parts:
            part = part.setdefault(each, {})
        part[name] = None if value is None or value != value else value  # noqa: PLR0124 - not a number differs from itself
    return record


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as nested records."""
    return [nested(row) for row in frame.to_dict("records")]


def post(session: Any, url: str, body: Any) -> Any:
    """Post, and return what the store made."""
    answer = session.post(url, json=body, headers=rules.STORE_HEADERS, timeout=60)
    answer.raise_for_status()
    return answer.json()["data"]


def chunks(rows: list[Any], size: int) -> list[list[Any]]:
    """Rows in lists of a size."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def send(session: Any, url: str, bodies: list[Any], *, bulk: bool) -> list[Any]:
    """Create records, ten or one per request; returns what the store said of each."""
    if bulk:
        return [made for part in chunks(bodies, rules.BULK_SIZE) for made in post(session, f"{url}/bulk", part)]
    return [post(session, url, body) for body in bodies]


def read_erp(session: Any, base: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Customers, contacts and locations."""
    session.post(f"{base}/entity/auth/login", json=rules.LOGIN, timeout=60).raise_for_status()
    try:
        lists = (("Customer", rules.CUSTOMER), ("Contact", rules.CONTACT), ("CustomerLocation", rules.LOCATION))
        customers, contacts, locations = (
            read_all(session, f"{base}{rules.ERP_PREFIX}/{name}", query) for name, query in lists
        )
    finally:
        session.post(f"{base}/entity/auth/logout", timeout=60)
    return customers, contacts, locations


def main() -> None:
    """Load everything once."""
    order = json.loads(sys.argv[1])
    started = time.perf_counter()
    session = make_session(order.get("client", "requests"))
    customers, contacts, locations = read_erp(session, order["erp_url"])
    if order.get("read_only"):
        print(json.dumps({"read": len(customers), "run_s": time.perf_counter() - started}))  # noqa: T201 - the answer
        return
    wanted = customers[
        (customers["CustomerClass"] == "B2B")
        & customers["Email"].notna()
        & (customers["Status"] == "Active")
        & customers["EnableKensiumCommerce"].eq(True)  # noqa: FBT003 - a comparison of a column
        & (customers["ConnectionType"] == "KNB")
    ].head(order.get("most", len(customers)))
    people = contacts[contacts["Active"].eq(True) & contacts["EnableKensiumCommerce"].eq(True)]  # noqa: FBT003 - the same
    people = people[people["BusinessAccount"].isin(wanted["CustomerID"])]
    places = locations[locations["Active"].eq(True) & locations["Customer"].isin(wanted["CustomerID"])]  # noqa: FBT003 - the same
    load(session, order, records(wanted), records(people), records(places))
    print(json.dumps({"customers": len(wanted), "run_s": time.perf_counter() - started}))  # noqa: T201 - the answer


def load(
    session: Any,
    order: dict[str, Any],
    customers: list[dict[str, Any]],
    people: list[dict[str, Any]],
    places: list[dict[str, Any]],
) -> None:
    """Companies first, since users and addresses need their ids."""
    store, states, bulk = order["store_url"] + rules.STORE_PREFIX, order["states"], order.get("bulk", True)
    answer = session.get(f"{store}/companies/roles", headers=rules.STORE_HEADERS, timeout=60)
    role_id = next(role["id"] for role in answer.json()["data"] if role["name"] == "Junior Buyer")
    admins: dict[str, dict[str, Any]] = {}
    primary = {customer["CustomerID"]: customer["PrimaryContactID"] for customer in customers}
    for person in people:
        if person["ContactID"] == primary[person["BusinessAccount"]]:
            admins[person["BusinessAccount"]] = person
    bodies = [rules.company(customer, admins[customer["CustomerID"]], states) for customer in customers]
    made = send(session, f"{store}/companies", bodies, bulk=bulk)
    ids = {customer["CustomerID"]: row["companyId"] for customer, row in zip(customers, made, strict=True)}
    others = [person for person in people if person is not admins[person["BusinessAccount"]]]
    users = [rules.user(person, ids[person["BusinessAccount"]], role_id) for person in others]
    send(session, f"{store}/users", users, bulk=bulk)
    addresses = [rules.location_address(place, ids[place["Customer"]], states) for place in places]
    addresses += [rules.billing_address(customer, ids[customer["CustomerID"]], states) for customer in customers]
    send(session, f"{store}/addresses", addresses, bulk=bulk)


if __name__ == "__main__":
    main()
