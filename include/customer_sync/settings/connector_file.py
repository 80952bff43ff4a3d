"""Read connector files; a wrong one gives a sentence with file, field and accepted values."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from customer_sync.errors import ConfigError
from customer_sync.redaction import kind_of_key, redact_value
from customer_sync.settings.connector import Connector

DIRECTORY_VARIABLE = "CUSTOMER_SYNC_CONNECTORS_DIR"
"""Environment variable that names the folder of connector files."""

MAX_FILE_BYTES = 1_000_000
MAX_SHOWN = 60

_PACKAGE = Path(__file__).resolve().parents[1]


class _SettingsLoader(yaml.CSafeLoader):
    """YAML 1.2's scalars instead of 1.1's, and no setting twice.

    The codes ``NO`` (Norway), ``01`` (Hokkaido) and ``12:30`` stay text; in YAML 1.1
    they would become false, 1 and 750.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        """Build a mapping.

        Raises:
            ConstructorError: A key appears twice; the later one would silently win.
        """
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:merge" and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{key.value}' appears twice", key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


_SettingsLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]*)\.[0-9]+", "-0123456789"),
    ("merge", r"<<", "<"),
):
    _SettingsLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))


def connectors_directory() -> Path:
    """The folder of connector files: the environment's, else the checkout's, else ``$AIRFLOW_HOME/connectors``.

    The environment's is returned also where it does not exist, so that nobody else's files are taken instead.

    Raises:
        ConfigError: There is none; the message says where it was looked for.
    """
    configured = os.environ.get(DIRECTORY_VARIABLE)
    if configured:
        return Path(configured)
    places = [*_of_the_checkout(), Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser() / "connectors"]
    for place in places:
        if place.is_dir():
            return place
    example = _PACKAGE / "examples" / "knb.yaml"
    hint = f" {example} is an example to start from." if example.is_file() else ""
    raise ConfigError(
        f"There is no folder of connector files. Looked at: {DIRECTORY_VARIABLE} (not set), "
        f"{', '.join(f'{place} (does not exist)' for place in places)}. Create the last one, or set "
        f"{DIRECTORY_VARIABLE}.{hint}",
        setting=DIRECTORY_VARIABLE,
    )


def _of_the_checkout() -> list[Path]:
    """The folder beside this package in a checkout; nothing where the package is installed from a wheel."""
    beside = _PACKAGE.parent
    return [beside / "connectors"] if beside.name == "include" else []


def connector_paths(directory: Path | None = None) -> list[Path]:
    """All connector files of the folder, in the order of their names.

    Raises:
        ConfigError: The folder does not exist.
    """
    folder = directory or connectors_directory()
    if not folder.is_dir():
        raise ConfigError(
            f"The folder of connector files {folder} does not exist: create it or set {DIRECTORY_VARIABLE}.",
            setting=DIRECTORY_VARIABLE,
        )
    return sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])


def load_connector(path: Path) -> Connector:
    """Read and validate one connector file.

    Raises:
        ConfigError: The file cannot be read, is no YAML mapping, or a setting is
            wrong; the message names the file, each wrong setting and what is accepted.
    """
    document = _read_yaml(path)
    try:
        connector = Connector.model_validate(document)
    except ValidationError as error:
        raise ConfigError(_explain(path, error), setting=str(path)) from error
    if connector.id != path.stem:
        raise ConfigError(
            f"Connector file {path.name}: id is '{connector.id}', but the file's name says '{path.stem}'. "
            "Make them equal.",
            setting=f"{path.name}: id",
        )
    return connector


def find_connector(connector_id: str, directory: Path | None = None) -> Connector:
    """Load the connector of that id.

    Raises:
        ConfigError: No such file, or it is wrong.
    """
    paths = connector_paths(directory)
    for path in paths:
        if path.stem == connector_id:
            return load_connector(path)
    known = ", ".join(path.stem for path in paths) or "none"
    raise ConfigError(
        f"There is no connector file {connector_id}.yaml in {directory or connectors_directory()} (found: {known}).",
        setting=DIRECTORY_VARIABLE,
    )


def watched_connectors(directory: Path | None = None) -> dict[str, Connector]:
    """The connectors whose files name a channel for alerts, by id.

    A file that is wrong elsewhere still names its channels, as long as it can be read: of such a one
    only id and alerts are right, everything else is at its default.

    Raises:
        ConfigError: The folder does not exist.
    """
    found = (_as_far_as_alerts(path) for path in connector_paths(directory))
    return {connector.id: connector for connector in found if connector is not None and connector.alerts.is_on}


def _as_far_as_alerts(path: Path) -> Connector | None:
    try:
        return load_connector(path)
    except ConfigError:
        pass  # its DAG says so; here only its channels matter
    try:
        return Connector.model_validate({"id": path.stem, "alerts": _read_yaml(path).get("alerts") or {}})
    except (ConfigError, ValidationError):
        return None


def _read_yaml(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(
                f"Connector file {path.name} is larger than {MAX_FILE_BYTES} bytes; that cannot be right."
            )
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_SettingsLoader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise ConfigError(f"Connector file {path} cannot be read: {error.strerror}.", setting=str(path)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"Connector file {path.name} is not UTF-8 text (byte {error.start}).", setting=str(path)
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is not YAML"
        raise ConfigError(
            f"Connector file {path.name} cannot be parsed{place}: {problem}.", setting=str(path)
        ) from error
    if not isinstance(document, dict):
        raise ConfigError(
            f"Connector file {path.name} must hold settings such as 'id: knb', not {type(document).__name__}."
        )
    return document


def _explain(path: Path, error: ValidationError) -> str:
    problems = []
    for item in error.errors(include_url=False, include_input=True):
        place = ".".join(str(part) for part in item["loc"]) or "file"
        is_shown = item["type"] != "missing" and kind_of_key(str(item["loc"][-1] if item["loc"] else "")) != "secret"
        given = f" (given: {_short(item.get('input'))})" if is_shown else ""
        text = "unknown setting" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
        problems.append(f"{place}: {text}{given}")
    return f"Connector file {path.name} is wrong. " + "; ".join(problems) + ". See docs/connector-file.md."


def _short(value: object) -> str:
    text = repr(redact_value(value) if isinstance(value, dict) else value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."
