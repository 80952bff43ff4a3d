"""Random histories: 3 to 8 customers and some thirty events, all of them decided by a seed.

A history is a list of events that name customers and contacts by names that never change, so that it can be repeated,
printed, and shortened.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.adapters.faults import Fault
from tests.simulation.world import Event

EVENTS: Final = 30
_MOST_REQUESTS: Final = 60


@dataclass
class Draw:
    """What is drawn from, while a history is being made."""

    rng: random.Random
    customers: list[str] = field(default_factory=list)
    contacts: list[str] = field(default_factory=list)
    away: dict[str, list[str]] = field(default_factory=dict)
    made: int = 0

    def customer(self) -> str:
        return self.rng.choice(self.customers)

    def contact(self) -> str:
        return self.rng.choice(self.contacts)

    def flag(self) -> int:
        return self.rng.randint(0, 1)

    def turn(self, kind: str, name: str, ends: Sequence[Any], begins: Any) -> Event:
        """Somebody goes, or, as often, one of those who went comes back."""
        away = self.away.setdefault(kind, [])
        if away and self.rng.random() < 0.5:
            return Event(kind, (away.pop(self.rng.randrange(len(away))), begins))
        away.append(name)
        return Event(kind, (name, self.rng.choice(ends)))

    def fresh(self) -> int:
        self.made += 1
        return self.made

    def number(self) -> str:
        """A number; there are few, so that they are used again."""
        return f"N{self.rng.randint(1, 10)}"

    def new_customer(self) -> Event:
        name, contacts = f"c{len(self.customers) + 1}", self.rng.randint(0, 3)
        self.customers.append(name)
        self.contacts += [f"{name}p{each}" for each in range(1, contacts + 1)]
        return Event("add_customer", (name, self.number(), contacts))

    def new_contact(self) -> Event:
        owner = self.customer()
        contact = f"{owner}q{self.fresh()}"
        self.contacts.append(contact)
        return Event("add_contact", (contact, owner))

    def email(self) -> str:
        return f"fresh{self.fresh()}@mail.example"

    def run(self, *, has_faults: bool) -> Event:
        mode = "full" if self.rng.random() < 0.2 else "incremental"
        faults = ()
        if has_faults:
            numbers = sorted(self.rng.sample(range(1, _MOST_REQUESTS), self.rng.randint(1, 3)))
            faults = tuple((number, str(self.rng.choice(list(Fault)))) for number in numbers)
        return Event("run", (mode, self.rng.randint(0, 9999), *faults))


Maker = Callable[[Draw], Event]

GROUPS: Final[Mapping[str, Mapping[str, Maker]]] = {
    "values": {
        "call": lambda d: Event("call", (d.customer(), f"Firm {d.fresh()}")),
        "terms": lambda d: Event("set_terms", (d.customer(), d.rng.choice(["NET", "COD"]))),
        "place": lambda d: Event("move_to", (d.customer(), d.rng.choice(["oakland", "utrecht"]))),
        "marry": lambda d: Event("marry", (d.contact(), f"Smith {d.fresh()}")),
        "location": lambda d: Event("set_location", (d.customer(), d.rng.choice(["MAIN", "EAST"]), "utrecht")),
        "drop_location": lambda d: Event("drop_location", (d.customer(), d.rng.choice(["MAIN", "EAST"]))),
    },
    "emails": {
        "email": lambda d: Event("set_email", (d.contact(), d.email())),
        "account_email": lambda d: Event("set_account_email", (d.customer(), d.email())),
    },
    "people": {
        "add_contact": Draw.new_contact,
        "leave": lambda d: d.turn("set_contact", d.contact(), [0], 1),
        "untick": lambda d: d.turn("tick_contact", d.contact(), [0], 1),
        "primary": lambda d: Event("make_primary", (d.contact(),)),
        "add_customer": Draw.new_customer,
    },
    "status": {
        "withdraw": lambda d: d.turn("set_status", d.customer(), ["Inactive"], "Active"),
        "tick": lambda d: d.turn("tick", d.customer(), [0], 1),
    },
    "hold": {"hold": lambda d: d.turn("set_status", d.customer(), ["On Hold"], "Active")},
    "rename": {"renumber": lambda d: Event("renumber", (d.customer(), d.number()))},
    "swap": {"swap_numbers": lambda d: Event("swap_numbers", (d.customer(), d.customer()))},
    "delete": {"delete_customer": lambda d: Event("delete_customer", (d.customer(),))},
    "gone_contact": {"delete_contact": lambda d: Event("delete_contact", (d.contact(),))},
    "move": {"move_contact": lambda d: Event("move_contact", (d.contact(), d.customer()))},
    "merge": {"merge": lambda d: Event("merge", (d.customer(), d.customer()))},
    "handover": {"hand_over": lambda d: Event("hand_over", (d.contact(), d.contact(), d.email()))},
    "emailswap": {"swap_emails": lambda d: Event("swap_emails", (d.contact(), d.contact()))},
    "contest": {"share_email": lambda d: Event("share_email", (d.contact(), d.contact()))},
    "empty": {"no_terms": lambda d: Event("set_terms", (d.customer(), ""))},
    "refused": {"disliked": lambda d: Event("marry", (d.contact(), d.rng.choice(["disliked", "Liked"])))},
    "stranger": {
        "register": lambda d: Event("register", (d.customer(), f"stranger{d.fresh()}@else.example", d.flag())),
        "take_email": lambda d: Event("take_email", (d.contact(),)),
    },
}
"""Group -> kinds of events; ``faults`` beside them lets runs meet faults."""

FAULTS: Final = "faults"
ALL: Final = (*GROUPS, FAULTS)


def make_history(seed: int, groups: Collection[str] = ALL) -> list[Event]:
    """The events of a seed, drawn from some groups of kinds."""
    draw = Draw(random.Random(seed))
    first = [draw.new_customer() for _ in range(draw.rng.randint(3, 8))]
    makers = [list(GROUPS[group].values()) for group in groups if group != FAULTS]
    events = []
    while len(events) < EVENTS:
        chance = draw.rng.random()
        if chance < 0.18:
            has_faults = FAULTS in groups and draw.rng.random() < 0.5
            events.append(draw.run(has_faults=has_faults))
        elif chance < 0.21:
            events.append(Event("wait", (draw.rng.choice([5, 30, 600]),)))
        elif draw.contacts:
            events.append(draw.rng.choice(draw.rng.choice(makers))(draw))
        else:
            events.append(draw.new_contact())
    return [*first, *events]
