"""Peer: a Singer target for the store, written with singer-sdk as its documentation shows (BatchSink of ten)."""

from __future__ import annotations

from typing import Any

import rules
from http_client import make_session
from singer_sdk import Target
from singer_sdk import typing as th
from singer_sdk.sinks import BatchSink


class StoreSink(BatchSink):
    """Collects ten records and posts them."""

    max_size = rules.BULK_SIZE

    def __init__(self, target: TargetBetterB2B, *arguments: Any, **options: Any) -> None:
        super().__init__(target, *arguments, **options)
        self.shared = target  # keeps what one sink must know of another

    def post(self, kind: str, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Post one batch; returns what the store made."""
        url = f"{self.config['store_url']}{rules.STORE_PREFIX}/{kind}/bulk"
        answer = self.shared.session.post(url, json=bodies, headers=rules.STORE_HEADERS, timeout=60)
        answer.raise_for_status()
        made: list[dict[str, Any]] = answer.json()["data"]
        return made

    def queue(self, kind: str, body: dict[str, Any]) -> None:
        """Keep a body until there are ten of its kind, whatever batch they came in."""
        waiting = self.shared.waiting.setdefault(kind, [])
        waiting.append(body)
        if len(waiting) == rules.BULK_SIZE:
            self.post(kind, waiting)
            waiting.clear()


class ContactSink(StoreSink):
    """Remembers people; they become users with their company."""

    def process_batch(self, context: dict[str, Any]) -> None:
        """Take a batch."""
        for contact in context["records"]:
            if contact["Active"] and contact["EnableKensiumCommerce"]:
                self.shared.people.setdefault(contact["BusinessAccount"], []).append(contact)


class CustomerSink(StoreSink):
    """Makes companies, then their further users and billing addresses."""

    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        """Leave out what does not belong in the store."""
        if rules.is_wanted(record):
            super().process_record(record, context)

    def process_batch(self, context: dict[str, Any]) -> None:
        """Take a batch."""
        self.shared.drain_one(self.shared.get_sink("contacts"))
        states, customers, people = self.config["states"], context.get("records", []), self.shared.people
        bodies, others = [], []
        for customer in customers:
            mine = people[customer["CustomerID"]]
            admin = next(each for each in mine if each["ContactID"] == customer["PrimaryContactID"])
            bodies.append(rules.company(customer, admin, states))
            others.append([each for each in mine if each is not admin])
        made = self.post("companies", bodies) if bodies else []
        for customer, row, rest in zip(customers, made, others, strict=True):
            self.shared.ids[customer["CustomerID"]] = row["companyId"]
            for contact in rest:
                self.queue("users", rules.user(contact, row["companyId"], self.shared.role_id))
            self.queue("addresses", rules.billing_address(customer, row["companyId"], states))


class LocationSink(StoreSink):
    """Makes addresses."""

    def process_batch(self, context: dict[str, Any]) -> None:
        """Take a batch."""
        self.shared.drain_one(self.shared.get_sink("customers"))
        for location in context["records"]:
            company_id = self.shared.ids.get(location["Customer"])
            if company_id is not None and location["Active"]:
                self.queue("addresses", rules.location_address(location, company_id, self.config["states"]))


class TargetBetterB2B(Target):
    """The target."""

    name = "target-better-b2b"
    config_jsonschema = th.PropertiesList(
        th.Property("store_url", th.StringType, required=True),
        th.Property("client", th.StringType),
        th.Property("states", th.ObjectType(additional_properties=True), required=True),
    ).to_dict()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.max_parallelism = 1  # addresses need companies, and these need people
        self.session = make_session(self.config.get("client", "requests"))
        self.people: dict[str, list[dict[str, Any]]] = {}
        self.ids: dict[str, int] = {}
        self.waiting: dict[str, list[dict[str, Any]]] = {}
        url = f"{self.config['store_url']}{rules.STORE_PREFIX}/companies/roles"
        roles = self.session.get(url, headers=rules.STORE_HEADERS).json()["data"]
        self.role_id = next(role["id"] for role in roles if role["name"] == "Junior Buyer")

    def get_sink_class(self, stream_name: str) -> type[StoreSink]:
        """The sink of a stream."""
        return {"contacts": ContactSink, "customers": CustomerSink, "locations": LocationSink}[stream_name]

    def drain_all(self, *, is_endofpipe: bool = False) -> None:
        """Post what is left when the tap has ended."""
        super().drain_all(is_endofpipe=is_endofpipe)
        if is_endofpipe:
            sink = self.get_sink("customers")
            for kind, waiting in self.waiting.items():
                if waiting:
                    sink.post(kind, waiting)  # type: ignore[attr-defined]
                    waiting.clear()


if __name__ == "__main__":
    TargetBetterB2B.cli()
