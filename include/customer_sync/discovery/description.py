"""What a source and a store say of themselves: their fields and facts, and the words in which a field is looked for.

An adapter fills these in; nothing here knows one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from customer_sync.model.place import Place as Country
from customer_sync.redaction import Kind as Mask

Kind = Literal["text", "flag", "number", "moment", "id", ""]
"""What a field holds as its system declares it; ``""`` where it does not say."""

Standing = Literal["plain", "linked", "detail", "custom"]
"""Where a field is: in the record, in a record beside it, in a row of a list, or outside of the contract."""

Looks = Literal["", "email", "flag", "code", "name", "phone", "unique", "number"]
"""What values of a setting look like."""

MOST_REQUESTS: Final = 40
"""Most requests to both systems together."""

MOST_ROWS: Final = 200
"""Most records that are looked at."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place that a setting could name.

    Attributes:
        value: As a connector file names it.
        name: Its own name, from which words are taken.
        standing: Where it is.
        part: Name of the record or list that it is in, ``""`` for the record itself.
        label: What people see of it, ``""`` if that is not known.
        kind: What it holds.
        is_known: Whether it belongs to the product as it is sold, so that its meaning is certain.
        is_readable: Whether the source can read a place of this name.
        column: Its value in each record that was looked at, ``None`` where it is empty; ``None``: none was.
    """

    value: Any = field(hash=False)
    name: str
    standing: Standing = "plain"
    part: str = ""
    label: str = ""
    kind: Kind = ""
    is_known: bool = False
    is_readable: bool = True
    column: tuple[Any, ...] | None = field(default=None, repr=False)


class Wanted(NamedTuple):
    """One way to find a setting's place.

    Attributes:
        default: Where the product keeps it, as a connector file names it; ``None``: nowhere.
        phrases: Its names in words, ``account email``: contract names, names of columns and labels of screens.
        parts: Names in words of the record beside that it is in; none: it is in the record itself, or in no contract.
    """

    default: Any
    phrases: tuple[str, ...]
    parts: tuple[str, ...] = ()


class Concept(NamedTuple):
    """A setting of section ``source`` that names a place.

    Attributes:
        setting: Its path below ``source``, such as ``customer.email``.
        question: What a person is asked.
        elements: What its value is made of, in order, such as two phones; for each, ways to find it, the usual first.
        heads: Words of which a place's name must hold one at least.
        others: Words that show that a place is something else.
        context: Words of a list in which a mere *active* is meant.
        kinds: What it can be declared as; empty: anything.
        looks: What its values look like.
        holds: Values that speak for it where some record has one, case-folded.
        mask: What kind of personal value it is.
        is_optional: Whether there may be none.
        may_be_empty: Whether it can be the right place although no record has a value.
        must_be_seen: Whether its name proves nothing as long as no value was seen.
        none_is_asked: Whether a person is asked although there is plainly none.
    """

    setting: str
    question: str
    elements: tuple[tuple[Wanted, ...], ...]
    heads: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    context: frozenset[str] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    looks: Looks = ""
    holds: frozenset[str] = frozenset()
    mask: Mask | None = None
    is_optional: bool = False
    may_be_empty: bool = False
    must_be_seen: bool = False
    none_is_asked: bool = False

    @property
    def record(self) -> str:
        """The kind of record that it is of."""
        return self.setting.partition(".")[0]


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """What a source of customers says of itself.

    Attributes:
        served_by: For people, such as ``the endpoint Shop/24.200.001``.
        places: Kind of record (``customer``, ``contact``, ``location``) -> its places.
        concepts: What is looked for.
        rows: Kind of record -> how many records were looked at.
        is_whole: Whether everything that can hold a switch was looked at: places outside of the contract and lists too.
        fixed: Settings of section ``source`` that are settled by other facts -> value, confidence and reason.
        countries: Countries of the records that were looked at, as the source writes them.
        warnings: What a person should know.
        requests: How many requests it took.
    """

    served_by: str
    places: Mapping[str, Sequence[Place]]
    concepts: Sequence[Concept]
    rows: Mapping[str, int] = field(default_factory=dict)
    is_whole: bool = False
    fixed: Mapping[str, tuple[Any, float, str]] = field(default_factory=dict)
    countries: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    requests: int = 0


class StoreField(NamedTuple):
    """An extra field of the store's records."""

    name: str
    is_unique: bool
    is_visible: bool
    is_required: bool


@dataclass(frozen=True, slots=True)
class StoreDescription:
    """What a store says of itself.

    Attributes:
        fields: Kind of record (``company``, ``user``, ``address``) -> its extra fields.
        roles: Names of the roles of users.
        payment_methods: Codes of the payment methods.
        channels: Storefronts, id -> name; ``None`` where the store does not list them.
        groups: Customer groups in use by companies.
        needs_catalogs: Whether a new company needs a catalog.
        countries: Countries as addresses must name them.
        warnings: What a person should know.
        requests: How many requests it took.
    """

    fields: Mapping[str, Sequence[StoreField]]
    roles: tuple[str, ...]
    payment_methods: tuple[str, ...]
    channels: Mapping[int, str] | None
    groups: tuple[int, ...]
    needs_catalogs: bool
    countries: tuple[Country, ...]
    warnings: tuple[str, ...] = ()
    requests: int = 0
