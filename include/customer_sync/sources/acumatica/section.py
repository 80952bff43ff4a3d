"""The section ``source`` of a connector file for Acumatica: where each fact is read from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, create_model

from customer_sync.errors import ConfigError
from customer_sync.model.push_notification import Notification
from customer_sync.settings.section import Section
from customer_sync.settings.source_section import SourceSection
from customer_sync.sources.acumatica import field_table
from customer_sync.sources.acumatica.push_parsing import CUSTOMER_FIELDS, read_notification
from customer_sync.sources.acumatica.value_rule import Value, ValueRule, field

if TYPE_CHECKING:
    from customer_sync.settings.connector import Connector


class _ExtraFields(Section):
    extra_fields: dict[str, Value] = Field(default={})


def _places(name: str, table: Collection[field_table.Field], base: type[Section] = Section) -> Any:
    """The settings that a table's fields have: one value rule each."""
    settings: dict[str, Any] = {
        each.setting: (Value | None, None) if each.is_optional else (Value, field(*each.paths))
        for each in table
        if each.setting
    }
    return create_model(name, __base__=base, __module__=__name__, **settings)


if TYPE_CHECKING:
    # Made of the tables when the module is imported, so their settings are not known before.
    CustomerFields = Any
    ContactFields = Any
    LocationFields = Any
else:
    CustomerFields = _places("CustomerFields", field_table.CUSTOMER, _ExtraFields)
    ContactFields = _places("ContactFields", field_table.CONTACT, _ExtraFields)
    LocationFields = _places("LocationFields", field_table.LOCATION, _ExtraFields)


class AcumaticaSection(SourceSection):
    """Source paths of everything that differs between tenants; the settings are those of the field tables."""

    label: ClassVar[str] = "Acumatica"
    words: ClassVar[Mapping[str, str]] = field_table.WORDS
    streams: ClassVar[tuple[str, ...]] = ("customers", "contacts", "locations")
    opener: ClassVar[str] = "customer_sync.sources.acumatica.connection:open_source"

    kind: Literal["acumatica"] = "acumatica"
    customer: CustomerFields = CustomerFields()
    contact: ContactFields = ContactFields()
    location: LocationFields = LocationFields()

    @property
    def extra_field_names(self) -> Collection[str]:
        """Names of the store's extra fields that the customer fills."""
        names: Collection[str] = self.customer.extra_fields
        return names

    @property
    def contact_extra_field_names(self) -> Collection[str]:
        """Names of the extra fields of users that contacts fill."""
        names: Collection[str] = self.contact.extra_fields
        return names

    @property
    def location_extra_field_names(self) -> Collection[str]:
        """Names of the extra fields of addresses that locations fill."""
        names: Collection[str] = self.location.extra_fields
        return names

    def read_notification(self, body: bytes, customer_fields: Collection[str]) -> Notification:
        """Read a push notification; see :func:`~customer_sync.sources.acumatica.push_parsing.read_notification`."""
        return read_notification(body, customer_fields or CUSTOMER_FIELDS)


def section_of(connector: Connector) -> AcumaticaSection:
    """The section of a connector whose source is Acumatica.

    Raises:
        ConfigError: Its source is another system.
    """
    section = connector.source
    if not isinstance(section, AcumaticaSection):
        raise ConfigError(
            f"{connector.id}.yaml: source.kind is '{section.kind}', so its customers cannot be read from Acumatica. "
            "Correct source.kind, or use the connection of that system.",
            setting=f"{connector.id}.yaml: source.kind",
        )
    return section


def rule_of(places: Section, each: field_table.Field) -> ValueRule | None:
    """Where a field is read from under a connector's settings; ``None`` for an optional one without a place."""
    rule: ValueRule | None = getattr(places, each.setting) if each.setting else field(*each.paths)
    return rule


SECTION = AcumaticaSection
