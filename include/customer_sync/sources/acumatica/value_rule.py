"""Where a value of an ERP record is read from: endpoint field, detail row or custom field.

Three forms exist because nothing public says how a tenant exposes the Kensium
Commerce tab (docs/api/acumatica.md#commerce-tab): fields of an extended endpoint, rows of
a detail, or extension fields reached by ``$custom``.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from customer_sync.settings.section import Code, Section

Converter = Annotated[str, Field(pattern=r"^(trim|first|upper|lower|digits|cut:[1-9][0-9]{0,5})$")]
"""A named converter: ``trim``, ``first`` (of several, between ``;`` or ``,``), ``upper``, ``lower``, ``digits`` (keep
digits only) or ``cut:<length>``."""


class FieldSource(Section):
    """One place to read from. Exactly one of ``field`` alone, ``detail`` with ``field``, or ``custom``.

    Attributes:
        field: Contract field, with the path of a linked entity where there is one (``MainContact/Phone1``).
        detail: Name of a detail (``SiteAssociations``); ``field`` is then read from its first row that fits ``where``.
        where: Field values that pick the row, compared as text without regard to case.
        custom: ``View.Field`` of an extension field, read by ``$custom``.
    """

    field: str = ""
    detail: str = ""
    where: dict[str, Code] = Field(default={})
    custom: str = Field(default="", pattern=r"^$|^[A-Za-z0-9_]+\.[A-Za-z0-9_]+$")

    def model_post_init(self, _context: Any, /) -> None:
        """Refuse combinations that name no place or two.

        Raises:
            ValueError: The source is incomplete or contradictory.
        """
        if bool(self.custom) == bool(self.field):
            raise ValueError("give either 'field' (with 'detail' for a detail row) or 'custom: View.Field'")
        if self.where and not self.detail:
            raise ValueError("'where' picks a detail row, so it needs 'detail'")

    def in_a_file(self) -> Any:
        """The shortest form in which a connector file says it."""
        values = {"detail": self.detail, "where": self.where, "field": self.field, "custom": self.custom}
        said = {name: value for name, value in values.items() if value}
        return self.field if said.keys() == {"field"} else said


class ValueRule(Section):
    """A value: the first source that holds something, passed through the converters."""

    sources: tuple[FieldSource, ...] = Field(min_length=1)
    convert: tuple[Converter, ...] = ("trim",)

    def in_a_file(self) -> Any:
        """The shortest form in which a connector file says it."""
        forms = [each.in_a_file() for each in self.sources]
        if self.convert == type(self).model_fields["convert"].default:
            return forms[0] if len(forms) == 1 else forms
        if len(forms) > 1:
            return {"sources": forms, "convert": list(self.convert)}
        one = {"field": forms[0]} if isinstance(forms[0], str) else forms[0]
        return {**one, "convert": list(self.convert)}


def _as_rule(value: Any) -> Any:
    """Accept the short forms: a field's name, one source, or a list of both."""
    if isinstance(value, str):
        return {"sources": [{"field": value}]}
    if isinstance(value, list):
        return {"sources": [{"field": item} if isinstance(item, str) else item for item in value]}
    if isinstance(value, dict) and "sources" not in value:
        convert = {"convert": value["convert"]} if "convert" in value else {}
        return {"sources": [{key: part for key, part in value.items() if key != "convert"}], **convert}
    if isinstance(value, dict):
        sources = value["sources"]
        if isinstance(sources, list):
            return {**value, "sources": [{"field": item} if isinstance(item, str) else item for item in sources]}
    if isinstance(value, ValueRule):
        return value
    raise ValueError("give a field's name, a list of them, {detail, where, field} or {custom: View.Field}")


Value = Annotated[ValueRule, BeforeValidator(_as_rule)]
"""A value rule in the connector file: ``Email``, ``[Phone1, Phone2]``, ``{custom: View.Field}`` or the long form."""


def field(*paths: str) -> ValueRule:
    """The rule that reads the first of some endpoint fields; used for defaults."""
    return ValueRule(sources=tuple(FieldSource(field=path) for path in paths))
