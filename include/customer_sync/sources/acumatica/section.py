"""The section ``source`` of a connector file for Acumatica: where each fact is read from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import create_model

from customer_sync.errors import ConfigError
from customer_sync.model.push_notification import Notification
from customer_sync.settings.section import Section, setting
from customer_sync.settings.source_section import SourceSection
from customer_sync.sources.acumatica import field_table, setting_texts
from customer_sync.sources.acumatica.push_parsing import CUSTOMER_FIELDS, read_notification
from customer_sync.sources.acumatica.setting_texts import SettingText
from customer_sync.sources.acumatica.value_rule import Value, ValueRule, field

if TYPE_CHECKING:
    from customer_sync.settings.connector import Connector


LOCATIONS: Final = "CustomerLocation"
"""The entity of locations."""


def _setting(default: Any, text: SettingText) -> Any:
    return setting(default, text.says, text.example, accepted=text.accepted)


def _places(name: str, table: Collection[field_table.Field], texts: Mapping[str, SettingText]) -> Any:
    """The settings that a table's fields have: one value rule each; and those that fields of the store have."""
    settings: dict[str, Any] = {
        each.setting: (
            Value if each.is_needed else Value | None,
            _setting(field(*each.paths) if each.paths else None, texts[each.setting]),
        )
        for each in table
        if each.setting
    }
    if "entity" in texts:
        # Without the feature Business Account Locations there are none (docs/api/acumatica.md#location-feature).
        settings["entity"] = (Literal["CustomerLocation", "Customer"], _setting(LOCATIONS, texts["entity"]))
    settings["extra_fields"] = (dict[str, Value], _setting({}, texts["extra_fields"]))
    return create_model(name, __base__=Section, __module__=__name__, **settings)


if TYPE_CHECKING:
    # Made of the tables when the module is imported, so their settings are not known before.
    CustomerFields = Any
    ContactFields = Any
    LocationFields = Any
else:
    CustomerFields = _places("CustomerFields", field_table.CUSTOMER, setting_texts.CUSTOMER)
    ContactFields = _places("ContactFields", field_table.CONTACT, setting_texts.CONTACT)
    LocationFields = _places("LocationFields", field_table.LOCATION, setting_texts.LOCATION)


class AcumaticaSection(SourceSection):
    """Source paths of everything that differs between tenants; the settings are those of the field tables."""

    label: ClassVar[str] = "Acumatica"
    words: ClassVar[Mapping[str, str]] = field_table.WORDS
    default_key_field: ClassVar[str] = "Acumatica Customer ID"
    default_connection_type: ClassVar[str] = "KNB"
    streams: ClassVar[tuple[str, ...]] = ("customers", "contacts", "locations")
    opener: ClassVar[str] = "customer_sync.sources.acumatica.connection:open_source"
    consent: ClassVar[str] = "customer_sync.sources.acumatica.consent:ask_for_consent"
    describer: ClassVar[str] = "customer_sync.sources.acumatica.describe:describe"

    kind: Literal["acumatica"] = "acumatica"
    customer: CustomerFields = CustomerFields()
    contact: ContactFields = ContactFields()
    location: LocationFields = LocationFields()

    @cached_property
    def unread(self) -> frozenset[str]:
        """Fields that the section names no place for; a customer's own shipping address bears no switches."""
        records = (("", self.customer, field_table.CUSTOMER), ("contact.", self.contact, field_table.CONTACT))
        places = (("location.", self.location, field_table.LOCATION),)
        unread = {
            f"{prefix}{each.name}"
            for prefix, section, table in (*records, *places)
            for each in table
            if rule_of(section, each) is None
        }
        switches = {f"location.{each.name}" for each in field_table.LOCATION if each.is_switch}
        return frozenset(unread | (switches if self.location.entity != LOCATIONS else set()))

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
    """Where a field is read from under a connector's settings; ``None`` where it is not read."""
    if not each.setting:
        return field(*each.paths)
    rule: ValueRule | None = getattr(places, each.setting)
    # A shipping address is read under the settings of locations, whose defaults are another entity's fields.
    is_default = rule == type(places).model_fields[each.setting].default
    return field(*each.paths) if is_default and each.paths else rule


def reads_locations(connector: Connector) -> bool:
    """Whether locations are read as records of their own."""
    return connector.locations.include and section_of(connector).location.entity == LOCATIONS


SECTION = AcumaticaSection
