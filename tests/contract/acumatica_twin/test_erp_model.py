"""Random sequences of calls held against a small model: keys, references, defaults, stamps and counts."""

from __future__ import annotations

import random
from typing import Any

import pytest

STAMP = "LastModifiedDateTime"


def _w(**values: Any) -> dict[str, Any]:
    return {name: {"value": value} for name, value in values.items()}


class Model:
    """What the ERP must hold: customers by key, contacts by number, locations by customer and code."""

    def __init__(self, erp: Any) -> None:
        self.erp = erp
        rows = erp.get(f"{erp.extended}/Customer").json()
        self.names = {row["CustomerID"]["value"]: row["CustomerName"].get("value") for row in rows}
        self.stamps = {row["CustomerID"]["value"]: row[STAMP]["value"] for row in rows}
        contacts = erp.get(f"{erp.extended}/Contact").json()
        self.contacts = {row["ContactID"]["value"]: row["BusinessAccount"].get("value") for row in contacts}
        locations = erp.get(f"{erp.extended}/CustomerLocation").json()
        self.locations = {(row["Customer"]["value"], row["LocationID"]["value"]) for row in locations}
        self.next_number = 61

    def rename(self, dice: random.Random) -> None:
        key, name = dice.choice(sorted(self.names)), f"Name {dice.randrange(5)}"
        before = self.stamps[key]
        body = _w(CustomerID=key, CustomerName=name)
        answer = self.erp.put(f"{self.erp.extended}/Customer", body, headers={"If-Match": "*"}).json()
        stamp = answer[STAMP]["value"]
        assert (stamp > before) is (self.names[key] != name)
        self.names[key], self.stamps[key] = name, stamp

    def create(self, dice: random.Random) -> None:
        if dice.random() < 0.3:
            refused = self.erp.put(f"{self.erp.extended}/Customer", _w(CustomerName="X", Terms="NOPE"))
            assert refused.status_code == 422
            return
        made = self.erp.put(f"{self.erp.extended}/Customer", _w(CustomerID="NEW", CustomerName="New")).json()
        key = f"C{self.next_number:06d}"
        self.next_number += 1
        assert made["CustomerID"]["value"] == key
        self.names[key], self.stamps[key] = "New", made[STAMP]["value"]
        self.locations.add((key, "MAIN"))

    def add_contact(self, dice: random.Random) -> None:
        owner = dice.choice(sorted(self.names))
        made = self.erp.put(f"{self.erp.extended}/Contact", _w(LastName="Doe", BusinessAccount=owner)).json()
        number = made["ContactID"]["value"]
        assert number not in self.contacts
        self.contacts[number] = owner

    def move_contact(self, dice: random.Random) -> None:
        number, owner = dice.choice(sorted(self.contacts)), dice.choice(sorted(self.names))
        body = _w(ContactID=number, BusinessAccount=owner)
        assert self.erp.put(f"{self.erp.extended}/Contact", body).status_code == 200
        self.contacts[number] = owner

    def drop_contact(self, dice: random.Random) -> None:
        number = dice.choice(sorted(self.contacts))
        assert self.erp.request("DELETE", f"{self.erp.extended}/Contact/{number}").status_code == 204
        del self.contacts[number]

    def add_location(self, dice: random.Random) -> None:
        owner, code = dice.choice(sorted(self.names)), f"X{dice.randrange(3)}"
        body = _w(Customer=owner, LocationID=code, Default=dice.random() < 0.5)
        assert self.erp.put(f"{self.erp.extended}/CustomerLocation", body).status_code == 200
        self.locations.add((owner, code))

    def drop_customer(self, dice: random.Random) -> None:
        key = dice.choice([key for key in sorted(self.names) if "/" not in key])
        assert self.erp.request("DELETE", f"{self.erp.extended}/Customer/{key}").status_code == 204
        del self.names[key], self.stamps[key]
        self.contacts = {number: owner for number, owner in self.contacts.items() if owner != key}
        self.locations = {place for place in self.locations if place[0] != key}

    def check(self) -> None:
        parts = "Contacts,PrimaryContact"
        rows = self.erp.get(f"{self.erp.extended}/Customer", {"$expand": parts}).json()
        assert {row["CustomerID"]["value"]: row["CustomerName"].get("value") for row in rows} == self.names
        for row in rows:
            key = row["CustomerID"]["value"]
            numbers = {each["ContactID"]["value"] for each in row["Contacts"]}
            assert numbers == {number for number, owner in self.contacts.items() if owner == key}
            primary = row["PrimaryContact"]
            assert primary is None or primary["ContactID"]["value"] in numbers
        contacts = self.erp.get(f"{self.erp.extended}/Contact").json()
        assert [row["ContactID"]["value"] for row in contacts] == sorted(self.contacts)
        locations = self.erp.get(f"{self.erp.extended}/CustomerLocation").json()
        assert {(row["Customer"]["value"], row["LocationID"]["value"]) for row in locations} == self.locations
        defaults = [row["Customer"]["value"] for row in locations if row["Default"]["value"]]
        assert sorted(defaults) == sorted({owner for owner, _ in self.locations})
        stamps = [row[STAMP]["value"] for row in rows]
        middle = sorted(stamps)[len(stamps) // 2]
        by_stamp = self.erp.ids("Customer", "CustomerID", f"{STAMP} ge datetimeoffset'{middle}'")
        assert by_stamp == [row["CustomerID"]["value"] for row in rows if row[STAMP]["value"] >= middle]


@pytest.mark.parametrize("seed", range(6))
def test_state_agrees_with_the_model_when_calls_come_at_random(erp: Any, seed: int) -> None:
    """After any sequence of writes and deletes, lists, links, defaults and indexes agree with a plain model."""
    dice = random.Random(seed)
    model = Model(erp)
    steps = [
        model.rename,
        model.create,
        model.add_contact,
        model.move_contact,
        model.drop_contact,
        model.add_location,
        model.drop_customer,
    ]
    for _ in range(4):
        for _ in range(15):
            dice.choice(steps)(dice)
        model.check()


def test_saved_state_agrees_with_the_model_when_loaded(erp: Any) -> None:
    """A state taken after random writes and put back still agrees."""
    dice = random.Random(99)
    model = Model(erp)
    for _ in range(30):
        dice.choice([model.create, model.add_contact, model.move_contact, model.add_location, model.drop_customer])(
            dice
        )
    erp.control("PUT", "state", erp.control("GET", "state"))
    erp.login()
    model.check()
