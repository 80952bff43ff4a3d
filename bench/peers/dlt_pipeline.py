"""Peer: dlt, its REST source into a custom destination.

Written as dlt's documentation shows: ``rest_api_source`` with an offset paginator reads the three
lists; a function with ``@dlt.destination(batch_size=10)`` posts what it is given. Users and
addresses need the ids of companies, so there are three runs, companies first.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
import requests
import rules
from dlt.sources.rest_api import rest_api_source
from http_client import make_session

ORDER = json.loads(sys.argv[1])
STORE = ORDER["store_url"] + rules.STORE_PREFIX
POSTS = make_session(ORDER.get("client", "requests"))
COMPANY_IDS: dict[str, int] = {}


def erp_source(session: requests.Session) -> Any:
    """The three lists of the ERP."""

    def resource(name: str, query: dict[str, str]) -> dict[str, Any]:
        return {"name": name, "endpoint": {"path": name, "params": query, "data_selector": "$"}}

    return rest_api_source(
        {
            "client": {
                "base_url": f"{ORDER['erp_url']}{rules.ERP_PREFIX}/",
                "session": session,
                "paginator": {
                    "type": "offset",
                    "limit": rules.PAGE_SIZE,
                    "offset_param": "$skip",
                    "limit_param": "$top",
                    "total_path": None,
                    "stop_after_empty_page": True,
                },
            },
            "resources": [
                resource("Customer", rules.CUSTOMER),
                resource("Contact", rules.CONTACT),
                resource("CustomerLocation", rules.LOCATION),
            ],
        }
    )


@dlt.destination(batch_size=rules.BULK_SIZE, name="better_b2b", naming_convention="direct", max_table_nesting=0)
def better_b2b(items: list[dict[str, Any]], table: dict[str, Any]) -> None:
    """Post a batch to the list that bears the table's name."""
    bodies = [json.loads(item["body"]) for item in items]
    answer = POSTS.post(f"{STORE}/{table['name']}/bulk", json=bodies, headers=rules.STORE_HEADERS, timeout=60)
    answer.raise_for_status()
    if table["name"] == "companies":
        made = answer.json()["data"]
        COMPANY_IDS.update({item["key"]: row["companyId"] for item, row in zip(items, made, strict=True)})


class Erp:
    """What the three lists hold, by customer."""

    def __init__(self, source: Any) -> None:
        states = ORDER["states"]
        self.customers = [each for each in map(rules.plain, source.resources["Customer"]) if rules.is_wanted(each)]
        wanted = {each["CustomerID"] for each in self.customers}
        self.people: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.places: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for contact in map(rules.plain, source.resources["Contact"]):
            if contact["BusinessAccount"] in wanted and contact["Active"] and contact["EnableKensiumCommerce"]:
                self.people[contact["BusinessAccount"]].append(contact)
        for location in map(rules.plain, source.resources["CustomerLocation"]):
            if location["Customer"] in wanted and location["Active"]:
                self.places[location["Customer"]].append(location)
        self.states = states

    def admin(self, customer: dict[str, Any]) -> dict[str, Any]:
        """The customer's primary contact."""
        people = self.people[customer["CustomerID"]]
        return next(each for each in people if each["ContactID"] == customer["PrimaryContactID"])

    def companies(self) -> Iterator[dict[str, Any]]:
        """Rows of the table ``companies``."""
        for customer in self.customers:
            body = rules.company(customer, self.admin(customer), self.states)
            yield {"key": customer["CustomerID"], "body": json.dumps(body)}

    def users(self, role_id: int) -> Iterator[dict[str, Any]]:
        """Rows of the table ``users``."""
        for customer in self.customers:
            admin = self.admin(customer)
            for contact in self.people[customer["CustomerID"]]:
                if contact is not admin:
                    body = rules.user(contact, COMPANY_IDS[customer["CustomerID"]], role_id)
                    yield {"key": str(contact["ContactID"]), "body": json.dumps(body)}

    def addresses(self) -> Iterator[dict[str, Any]]:
        """Rows of the table ``addresses``."""
        for customer in self.customers:
            company_id = COMPANY_IDS[customer["CustomerID"]]
            bodies = [
                rules.location_address(place, company_id, self.states) for place in self.places[customer["CustomerID"]]
            ]
            bodies.append(rules.billing_address(customer, company_id, self.states))
            for body in bodies:
                yield {"key": body["externalId"], "body": json.dumps(body)}


def main() -> None:
    """Load everything once."""
    started = time.perf_counter()
    session = requests.Session()
    session.post(f"{ORDER['erp_url']}/entity/auth/login", json=rules.LOGIN, timeout=60).raise_for_status()
    try:
        erp = Erp(erp_source(session))
    finally:
        session.post(f"{ORDER['erp_url']}/entity/auth/logout", timeout=60)
    if ORDER.get("most"):
        erp.customers = erp.customers[: ORDER["most"]]
    answer = POSTS.get(f"{STORE}/companies/roles", headers=rules.STORE_HEADERS)
    role_id = next(role["id"] for role in answer.json()["data"] if role["name"] == "Junior Buyer")
    for name, rows in (("companies", erp.companies()), ("users", erp.users(role_id)), ("addresses", erp.addresses())):
        pipeline = dlt.pipeline(
            pipeline_name=f"b2b_{name}", destination=better_b2b, pipelines_dir=str(Path(ORDER["work_dir"]) / name)
        )
        pipeline.run(dlt.resource(rows, name=name))
    print(json.dumps({"customers": len(erp.customers), "run_s": time.perf_counter() - started}))  # noqa: T201 - the answer


if __name__ == "__main__":
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("LOAD__WORKERS", "1")
    main()
