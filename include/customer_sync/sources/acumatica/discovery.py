"""Which endpoints a site serves, and which fields their entities have.

Source: docs/api/acumatica.md#discovery and #ad-hoc-schema.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from customer_sync.errors import ConfigError
from customer_sync.http.transport import HttpRequest, HttpResponse
from customer_sync.sources.acumatica.pages import decode_json, does_not_fit
from customer_sync.sources.acumatica.settings import CONTRACT_VERSION, SYSTEM, AcumaticaSettings

# Endpoints of the product bear the number of their build, and that number says which contract they speak
# (docs/api/acumatica.md#endpoint-versions).
_SYSTEM_ENDPOINTS: Final = ("Default", "eCommerce")
_CONTRACT_4_SINCE: Final = 20
_CONTRACT_5_SINCE: Final = 26
_OLDEST_WHOLE: Final = (23, 200)


@dataclass(frozen=True, slots=True)
class EndpointInfo:
    """The configured endpoint, as the site serves it.

    Args:
        name: Its name.
        version: Its version.
        build: The ERP's build, empty when the site does not report it.
    """

    name: str
    version: str
    build: str

    @property
    def is_too_old_to_be_whole(self) -> bool:
        """Whether it is an endpoint of the product from before the first one with every stock field that is read."""
        number = _number_of(self.name, self.version)
        return number is not None and number < _OLDEST_WHOLE


@dataclass(frozen=True, slots=True)
class EndpointSchema:
    """What an endpoint says of itself.

    Args:
        entities: Entity → its fields → name of their type, ``[]`` behind it for a detail.
        labels: Entity → its fields → what people see of them, where the document says it.
    """

    entities: Mapping[str, Mapping[str, str]] = field(repr=False)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    def has_path(self, entity: str, path: str) -> bool:
        """Say whether a path such as ``MainContact/Address/City`` exists in an entity."""
        for name in path.split("/"):
            kind = self.entities.get(entity, {}).get(name)
            if kind is None:
                return False
            entity = kind.removesuffix("[]")
        return True


def read_endpoints(request: HttpRequest, answer: HttpResponse, settings: AcumaticaSettings) -> EndpointInfo:
    """Find the configured endpoint in the list of ``GET /entity``.

    Raises:
        ConfigError: It is not served, or its version speaks contract version 5.
        ContractError: The answer is no such list.
    """
    body = decode_json(request, answer)
    listed = served_endpoints(body)
    if listed is None:
        raise does_not_fit(request, answer, "there is no list of endpoints")
    served = set(listed)
    name, version = settings.endpoint_name, settings.endpoint_version
    if (name, version) not in served:
        shown = ", ".join(sorted(f"{found}/{number}" for found, number in served)[:30]) or "none"
        raise ConfigError(
            f"{SYSTEM} does not serve the endpoint {name}/{version}. It serves: {shown}. Correct endpoint_name and "
            "endpoint_version in the Airflow connection, or publish the customization project that holds it.",
            setting="endpoint_version" if any(found == name for found, _ in served) else "endpoint_name",
        )
    number = _number_of(name, version)
    if number is not None and not speaks_contract_4(name, version):
        raise _other_contract(f"{name}/{version}", "5" if number[0] >= _CONTRACT_5_SINCE else "3 or older")
    return EndpointInfo(name, version, _text(_part(body, "version"), "acumaticaBuildVersion"))


def served_endpoints(body: Any) -> list[tuple[str, str]] | None:
    """Name and version of each endpoint in an answer to ``GET /entity``; ``None`` where it is no list of them."""
    # Older builds answer the bare array.
    listed = body.get("endpoints") if isinstance(body, dict) else body
    return [(_text(item, "name"), _text(item, "version")) for item in listed] if isinstance(listed, list) else None


def speaks_contract_4(name: str, version: str) -> bool:
    """Whether an endpoint may be read by this client, as far as its name says."""
    number = _number_of(name, version)
    return number is None or _CONTRACT_4_SINCE <= number[0] < _CONTRACT_5_SINCE


def is_of_the_product(name: str) -> bool:
    """Whether it is an endpoint of the product, which shows no field of a merchant's."""
    return name in _SYSTEM_ENDPOINTS


def read_swagger(request: HttpRequest, answer: HttpResponse) -> EndpointSchema:
    """Read an endpoint's own document, which is Swagger 2.0 or OpenAPI 3 (docs/api/acumatica.md#openapi).

    Raises:
        ConfigError: It speaks another contract version.
        ContractError: It is no such document.
    """
    body = decode_json(request, answer)
    info = _part(body, "info")
    version = _text(info, "version")
    if version and version != str(CONTRACT_VERSION):
        raise _other_contract(_text(info, "title") or request.path.removesuffix("/swagger.json"), version)
    schemas = _part(body, "definitions") or _part(_part(body, "components"), "schemas")
    if not version or not schemas:
        raise does_not_fit(request, answer, "it does not describe an endpoint")
    fields = {name: _fields_of(schema, schemas) for name, schema in schemas.items()}
    return EndpointSchema(fields, {name: _labels_of(schema) for name, schema in schemas.items()})


def read_custom_fields(request: HttpRequest, answer: HttpResponse) -> dict[str, str]:
    """Read the custom fields of ``$adHocSchema``, an empty record with all of them: ``View.Field`` -> kind.

    Raises:
        ContractError: It is no record.
    """
    body = decode_json(request, answer)
    if not isinstance(body, dict):
        raise does_not_fit(request, answer, "it is no record")
    views = _part(body, "custom").items()
    return {
        f"{view}.{name}": _text(field, "type")
        for view, values in views
        if isinstance(values, dict)
        for name, field in values.items()
    }


def _labels_of(schema: Any) -> dict[str, str]:
    """What people see of a schema's own fields, where the document says it."""
    fields = {name: kind for part in (schema, *_parts_of(schema)) for name, kind in _part(part, "properties").items()}
    found = {name: _text(kind, "title") or _text(kind, "description") for name, kind in fields.items()}
    return {name: text for name, text in found.items() if text}


def _fields_of(schema: Any, schemas: Mapping[str, Any]) -> dict[str, str]:
    """A schema's own fields, and those of the schemas that it is a name of; not of the base that it extends."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    ahead = [schema]
    while ahead:
        each = ahead.pop()
        ahead += _parts_of(each)
        found |= {name: _type_name(kind) for name, kind in _part(each, "properties").items()}
        other = _text(each, "$ref").rpartition("/")[2]
        if other and other not in seen:
            seen.add(other)
            ahead.append(schemas.get(other))
    return found


def _parts_of(schema: Any) -> list[Any]:
    """What a schema is put together from; of several parts those that are names are its base, which is not its own."""
    for way in ("allOf", "oneOf", "anyOf") if isinstance(schema, dict) else ():
        parts = schema.get(way)
        if isinstance(parts, list):
            return parts if len(parts) == 1 else [part for part in parts if not _text(part, "$ref")]
    return []


def _type_name(kind: Any) -> str:
    if _text(kind, "type") == "array":
        return f"{_type_name(_part(kind, 'items'))}[]"
    # Beside a reference OpenAPI 3 allows nothing, so generators that say more wrap it.
    wrapped = _parts_of(kind)
    kind = wrapped[0] if len(wrapped) == 1 else kind
    return _text(kind, "$ref").rpartition("/")[2] or _text(kind, "type")


def _number_of(name: str, version: str) -> tuple[int, int] | None:
    """Year and release of an endpoint of the product; ``None`` for extended endpoints, whose numbers mean nothing."""
    year, _, rest = version.partition(".")
    release = rest.partition(".")[0]
    if name not in _SYSTEM_ENDPOINTS or not year.isdecimal():
        return None
    return int(year[:9]), int(release[:9]) if release.isdecimal() else 0


def _other_contract(endpoint: str, version: str) -> ConfigError:
    return ConfigError(
        f"{SYSTEM}'s endpoint {endpoint} speaks contract version {version}, whose JSON differs; this connector speaks "
        f"version {CONTRACT_VERSION}. Set endpoint_version in the Airflow connection to one such as 24.200.001.",
        setting="endpoint_version",
    )


def _part(value: Any, name: str) -> dict[str, Any]:
    part = value.get(name) if isinstance(value, dict) else None
    return part if isinstance(part, dict) else {}


def _text(value: Any, name: str) -> str:
    text = value.get(name) if isinstance(value, dict) else None
    return text if isinstance(text, str) else ""
