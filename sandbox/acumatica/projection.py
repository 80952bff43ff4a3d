"""What of a row an answer shows: `$select`, `$expand` and `$custom` compiled once, then applied to every row.

The compiled shape copies a template that holds the usual values and lays the row's own values over it, so that a page
of 500 customers with their contacts costs milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.acumatica.access import COMPUTED, LINKS, reader
from sandbox.acumatica.contract import (
    DATE_TIME,
    TOP_LEVEL,
    Endpoint,
    Entity,
    Field,
    custom_fields,
    linked_fields,
    usual_values,
)
from sandbox.acumatica.errors import cannot_optimize, unknown_field
from sandbox.acumatica.list_query import PathTree, custom_paths, path_tree
from sandbox.acumatica.rows import CARD_USUAL, Customer, Record, stamp_text

if TYPE_CHECKING:
    from collections.abc import Callable

EMPTY: dict[str, Any] = {}
CustomPath = tuple[tuple[str, ...], str, str]
_FILES = "files"
# Linked contacts by their place on the owner, and how the contract calls their list of mapped fields.
_CARD_PLACES = {"MainContact", "BillingContact", "ShippingContact", "LocationContact"}


class Wrapped(msgspec.Struct, gc=False):
    """A scalar as it travels: `{"value": x}`."""

    value: Any


@dataclass(frozen=True, slots=True)
class ShapeRules:
    """Switches that change what answers look like.

    Attributes:
        links: Send `_links` on top-level records.
        unmapped_as_empty: Send linked contacts' unmapped fields as `{}`.
        whole_select_includes_expanded: `$select=MainContact` also shows what is expanded below it.
        credit_rules_fail: Expanding CreditVerificationRules in a list is an optimiser error.
        associations_fail: Expanding SiteAssociations in a list is an optimiser error.
        lists_hide_expansions: Lists show what is expanded as if there were nothing.
        lists_hide_of: CustomerID -> parts that they hide of it, and of its contacts and locations; no part means all.
    """

    links: bool = True
    unmapped_as_empty: bool = False
    whole_select_includes_expanded: bool = False
    credit_rules_fail: bool = True
    associations_fail: bool = False
    lists_hide_expansions: bool = False
    lists_hide_of: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Shape:
    """What is shown of the rows at one place."""

    template: dict[str, Any]
    place: str
    plain: frozenset[str] = frozenset()
    plain_dates: frozenset[str] = frozenset()
    computed: list[tuple[str, Callable[[Any], Any], bool]] = field(default_factory=list)
    links: list[tuple[str, Callable[[Any], Any], Shape]] = field(default_factory=list)
    details: list[tuple[str, Callable[[Any], Any], Shape]] = field(default_factory=list)
    custom: list[tuple[str, str, str, Callable[[Any], Any]]] = field(default_factory=list)
    self_link: str | None = None
    files_link: str | None = None
    shows_files: bool = False

    def render(self, row: Any, number: int = 1) -> dict[str, Any]:
        """The row as JSON-ready data."""
        shown = self.template.copy()
        shown["id"] = row.id
        shown["rowNumber"] = number
        if isinstance(row, Record) and self.self_link is not None:
            shown["note"] = Wrapped(row.note)
        values = row.card.values if self.place == "Card" else row.values
        plain = self.plain
        for name, value in values.items():
            if name in plain:
                shown[name] = EMPTY if value is None else Wrapped(value)
        for name in self.plain_dates:
            if values.get(name) is not None:
                shown[name] = Wrapped(stamp_text(values[name]))
        for name, read, is_date in self.computed:
            value = read(row)
            shown[name] = EMPTY if value is None else Wrapped(stamp_text(value) if is_date else value)
        self._render_parts(row, shown)
        return shown

    def _render_parts(self, row: Any, shown: dict[str, Any]) -> None:
        for name, read, shape in self.links:
            linked = read(row)
            shown[name] = None if linked is None else shape.render(linked)
        for name, read, shape in self.details:
            shown[name] = [shape.render(detail, index) for index, detail in enumerate(read(row), 1)]
        if self.shows_files and self.self_link is not None:
            endpoint = self.self_link.rpartition("/")[0]
            shown["files"] = [_file_link(file, endpoint) for file in row.details.get(_FILES, ())]
        # Last, as in the recorded answers: scalars, parts, custom, _links.
        shown["custom"] = self._render_custom(row) if self.custom else EMPTY
        if self.self_link is not None and self.files_link is not None:
            files = self.files_link.replace("{id}", row.id)
            shown["_links"] = {"self": f"{self.self_link}/{row.id}", "files:put": files}

    def _render_custom(self, row: Any) -> dict[str, Any]:
        views: dict[str, Any] = {}
        for view, name, custom_type, read in self.custom:
            value = read(row)
            entry: dict[str, Any] = {"type": custom_type}
            if value is not None:
                entry["value"] = stamp_text(value) if custom_type == "CustomDateTimeField" else value
            views.setdefault(view, {})[name] = entry
        return views


class Projector:
    """Compiles shapes for one endpoint and keeps them.

    Args:
        endpoint: Endpoint whose contract is shown.
        rules: Switches.
    """

    def __init__(self, endpoint: Endpoint, rules: ShapeRules) -> None:
        self._endpoint = endpoint
        self._rules = rules
        self._known: dict[tuple[str, str, str, str, bool], Shape] = {}

    def shape(self, entity: str, select: str = "", expand: str = "", custom: str = "", *, in_list: bool) -> Shape:
        """The shape of a top-level entity for these parameters.

        Raises:
            ApiError: A name is unknown, or a list asks for what the optimiser refuses.
        """
        key = (entity, select, expand, custom, in_list)
        if key not in self._known:
            if len(self._known) > 500:  # noqa: PLR2004  # a bound against clients with endless variants
                self._known.clear()
            self._known[key] = self._compiled(entity, select, expand, custom, in_list=in_list)
        return self._known[key]

    def _compiled(self, entity: str, select: str, expand: str, custom: str, *, in_list: bool) -> Shape:
        selected = path_tree(select) if select else None
        expanded = path_tree(expand)
        if in_list:
            self._check_optimizer(expanded)
        if selected is not None:
            self._check_names(entity, selected)
        self._check_names(entity, expanded)
        shape = self._place(entity, entity, selected, expanded, custom_paths(custom))
        if in_list and (self._rules.lists_hide_expansions or self._rules.lists_hide_of):
            shape.links = [(name, self._hiding(name, read, None), below) for name, read, below in shape.links]
            shape.details = [(name, self._hiding(name, read, ()), below) for name, read, below in shape.details]
        shape.self_link = f"/entity/{self._endpoint.name}/{self._endpoint.version}/{entity}"
        if self._rules.links:
            graph, view = _GRAPHS[entity]
            base = f"/entity/{self._endpoint.name}/{self._endpoint.version}/files"
            shape.files_link = f"{base}/{graph}/{view}/{{id}}/{{filename}}"
        shape.shows_files = _FILES in expanded.children
        return shape

    def _hiding(self, name: str, read: Callable[[Any], Any], nothing: Any) -> Callable[[Any], Any]:
        rules = self._rules

        def shown(row: Any) -> Any:
            owner = row if isinstance(row, Customer) else row.customer
            parts = rules.lists_hide_of.get(owner.key) if owner is not None else None
            is_hidden = rules.lists_hide_expansions or (parts is not None and (not parts or name in parts))
            return nothing if is_hidden else read(row)

        return shown

    def _check_optimizer(self, expanded: PathTree) -> None:
        if self._rules.credit_rules_fail and "CreditVerificationRules" in expanded.children:
            raise cannot_optimize("RemainingCreditLimit", "CustomerBalance")
        if self._rules.associations_fail and "SiteAssociations" in expanded.children:
            raise cannot_optimize("SiteAssociations", "KNSiteAssociations")

    def _check_names(self, entity: str, tree: PathTree) -> None:
        contract = self._endpoint.entities[entity]
        for name, below in tree.children.items():
            found = contract.fields.get(name)
            if found is None:
                if name in (_FILES, "id", "note", "custom"):
                    continue
                raise unknown_field()
            if below.children:
                if found.kind == "scalar":
                    raise unknown_field()
                self._check_names(found.type, below)

    def _place(
        self,
        entity: str,
        place: str,
        selected: PathTree | None,
        expanded: PathTree,
        customs: list[CustomPath],
        *,
        allowed: list[str] | None = None,
    ) -> Shape:
        contract = self._endpoint.entities[entity]
        shape = Shape(template={"id": None, "rowNumber": 1, "note": None}, place=place)
        self._add_scalars(shape, contract, selected, allowed)
        for name, below in expanded.children.items():
            found = contract.fields.get(name)
            if found is None or found.kind == "scalar":
                continue
            if allowed is not None and name not in allowed:
                continue
            chosen = selected.children.get(name) if selected is not None else None
            if selected is not None and chosen is None:
                continue
            inner = [(path[1:], view, column) for path, view, column in customs if path[:1] == (name,)]
            self._add_part(shape, found, self._inner_choice(chosen), below, inner)
        for path, view, column in customs:
            if not path:
                self._add_custom(shape, entity, view, column)
        return shape

    def _inner_choice(self, chosen: PathTree | None) -> PathTree | None:
        """The part of `$select` that is for an expanded entity; none shows everything below it."""
        if chosen is None or (chosen.is_named and self._rules.whole_select_includes_expanded):
            return None
        return chosen

    def _add_scalars(
        self, shape: Shape, contract: Entity, selected: PathTree | None, allowed: list[str] | None
    ) -> None:
        usual = CARD_USUAL if shape.place == "Card" else usual_values(shape.place)
        computed = COMPUTED.get(shape.place, {})
        plain, dates = set(), set()
        # Linked contacts come in the order of their own list, as recorded (docs/api/acumatica.md#linked-contacts).
        in_order = [name for name in allowed if name in contract.fields] if allowed is not None else []
        for name in [*in_order, *(each for each in contract.fields if each not in in_order)]:
            found = contract.fields[name]
            if found.kind != "scalar" or (
                selected is not None and not selected.is_named and name not in selected.children
            ):
                continue
            if allowed is not None and name not in allowed:
                if self._rules.unmapped_as_empty:
                    shape.template[name] = EMPTY
                continue
            shape.template[name] = {"value": usual[name]} if usual.get(name) is not None else EMPTY
            if name in computed:
                shape.computed.append((name, computed[name], found.type == DATE_TIME))
            elif found.type == DATE_TIME:
                dates.add(name)
            else:
                plain.add(name)
        shape.plain, shape.plain_dates = frozenset(plain), frozenset(dates)

    def _add_part(
        self,
        shape: Shape,
        part: Field,
        selected: PathTree | None,
        expanded: PathTree,
        customs: list[CustomPath],
    ) -> None:
        name, entity = part.name, part.type
        place, allowed = entity, None
        if name in _CARD_PLACES:
            place, allowed = "Card", linked_fields(name)
        elif shape.place == "CustomerContact":
            allowed = linked_fields("Contacts[].Contact")
        inner = self._place(entity, place, selected, expanded, customs, allowed=allowed)
        if part.kind == "link":
            shape.links.append((name, LINKS[shape.place][name], inner))
        else:
            shape.details.append((name, _detail_reader(name), inner))

    def _add_custom(self, shape: Shape, entity: str, view: str, column: str) -> None:
        if column.startswith("Attribute") and len(column) > len("Attribute"):
            attribute = column.removeprefix("Attribute")
            shape.custom.append((view, column, "CustomStringField", lambda row: _attribute(row, attribute)))
            return
        found = custom_fields(entity).get((view, column)) if entity in TOP_LEVEL else None
        if found is None:
            raise unknown_field()
        shape.custom.append((view, column, found.custom_type, reader(shape.place, found.name)))


_GRAPHS = {
    "Customer": ("PX.Objects.AR.CustomerMaint", "BAccount"),
    "Contact": ("PX.Objects.CR.ContactMaint", "Contact"),
    "CustomerLocation": ("PX.Objects.AR.CustomerLocationMaint", "Location"),
}


def _detail_reader(name: str) -> Callable[[Any], Any]:
    if name == "Contacts":
        return lambda customer: customer.contacts
    if name == "SiteAssociations":
        return lambda record: record.sites
    return lambda record: record.details.get(name, ())


def _file_link(file: Any, endpoint: str) -> dict[str, Any]:
    href = f"{endpoint}/files/{file.id}"
    return {"id": file.id, "filename": file.get("filename"), "href": href, "comment": None}


def _attribute(row: Any, attribute_id: str) -> Any:
    for attribute in row.details.get("Attributes", ()) if isinstance(row, Record) else ():
        if attribute.get("AttributeID") == attribute_id:
            return attribute.get("Value")
    return None
