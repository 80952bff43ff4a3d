"""DAGs that the sync is compared with: six tasks that do nothing, and one mapped task per customer."""

# ruff: noqa: PLC0415, INP001 -- tasks import what they need when they run; a DAG file belongs to no package

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, task

START = datetime(2026, 1, 1)  # noqa: DTZ001 - there is no schedule

with DAG("bench_six_empty", schedule=None, start_date=START, catchup=False):

    @task
    def nothing() -> None:
        """Do nothing."""

    first = nothing.override(task_id="task_1")()
    for number in range(2, 7):
        following = nothing.override(task_id=f"task_{number}")()
        first >> following
        first = following


with DAG("bench_mapped", schedule=None, start_date=START, catchup=False):

    @task
    def read() -> list[dict[str, Any]]:
        """Read the customers with their people and places, as many as asked for."""
        sys.path.insert(0, os.environ["BENCH_PEERS"])
        import requests
        import rules  # type: ignore[import-not-found]  # on the path when the task runs

        session, base = requests.Session(), os.environ["BENCH_ERP_URL"]
        session.post(f"{base}/entity/auth/login", json=rules.LOGIN, timeout=60).raise_for_status()
        lists: dict[str, list[dict[str, Any]]] = {}
        queries = (("Customer", rules.CUSTOMER), ("Contact", rules.CONTACT), ("CustomerLocation", rules.LOCATION))
        for name, query in queries:
            answer = session.get(f"{base}{rules.ERP_PREFIX}/{name}", params={**query, "$top": 400}, timeout=60)
            lists[name] = [rules.plain(each) for each in answer.json()]
        session.post(f"{base}/entity/auth/logout", timeout=60)
        wanted = [each for each in lists["Customer"] if rules.is_wanted(each)][: int(os.environ["BENCH_MOST"])]
        return [
            {
                "customer": customer,
                "people": [each for each in lists["Contact"] if each["BusinessAccount"] == customer["CustomerID"]],
                "places": [each for each in lists["CustomerLocation"] if each["Customer"] == customer["CustomerID"]],
            }
            for customer in wanted
        ]

    @task
    def load(whole: dict[str, Any]) -> None:
        """Create one company with its users and addresses."""
        sys.path.insert(0, os.environ["BENCH_PEERS"])
        import requests
        import rules

        states = json.loads(Path(os.environ["BENCH_STATES"]).read_text(encoding="utf-8"))
        session, store = requests.Session(), os.environ["BENCH_STORE_URL"] + rules.STORE_PREFIX

        def post(kind: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = session.post(f"{store}/{kind}", json=body, headers=rules.STORE_HEADERS, timeout=60)
            answer.raise_for_status()
            made: dict[str, Any] = answer.json()["data"]
            return made

        roles = session.get(f"{store}/companies/roles", headers=rules.STORE_HEADERS, timeout=60).json()["data"]
        role_id = next(role["id"] for role in roles if role["name"] == "Junior Buyer")
        customer = whole["customer"]
        admin = next(each for each in whole["people"] if each["ContactID"] == customer["PrimaryContactID"])
        body = rules.company(customer, admin, states)
        body["acceptCreationEmail"] = body.pop("acceptWelcomeEmail")
        company_id = post("companies", body)["companyId"]
        for contact in whole["people"]:
            if contact is not admin:
                post("users", rules.user(contact, company_id, role_id))
        for place in whole["places"]:
            post("addresses", rules.location_address(place, company_id, states))
        post("addresses", rules.billing_address(customer, company_id, states))

    load.expand(whole=read())
