"""Read connector files; a wrong one gives a sentence with file, field and accepted values."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from customer_sync.errors import ConfigError
from customer_sync.redaction import kind_of_key, redact_value
from customer_sync.settings.connector import Connector
from customer_sync.settings.yaml_text import read_yaml

DIRECTORY_VARIABLE = "CUSTOMER_SYNC_CONNECTORS_DIR"
"""Environment variable that names the folder of connector files."""

MAX_FILE_BYTES = 1_000_000
MAX_SHOWN = 60
MAX_PROBLEMS = 20

_PACKAGE = Path(__file__).resolve().parents[1]


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
        document = read_yaml(_read_text(path))
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


def _read_text(path: Path) -> str:
    facts = path.stat()
    # Reading a pipe or a device would never end.
    if not stat.S_ISREG(facts.st_mode):
        kind = "a folder" if stat.S_ISDIR(facts.st_mode) else "no ordinary file"
        raise ConfigError(f"Connector file {path} cannot be read: it is {kind}.", setting=str(path))
    if facts.st_size > MAX_FILE_BYTES:
        raise ConfigError(f"Connector file {path.name} is larger than {MAX_FILE_BYTES} bytes; that cannot be right.")
    return path.read_text(encoding="utf-8")


def _explain(path: Path, error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=True)
    problems = []
    for item in found[:MAX_PROBLEMS]:
        place = ".".join(str(part) for part in item["loc"])[:MAX_SHOWN] or "file"
        is_shown = item["type"] != "missing" and kind_of_key(str(item["loc"][-1] if item["loc"] else "")) != "secret"
        given = f" (given: {_short(item.get('input'))})" if is_shown else ""
        text = "unknown setting" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
        problems.append(f"{place}: {text}{given}")
    if len(found) > MAX_PROBLEMS:
        problems.append(f"and {len(found) - MAX_PROBLEMS:,} more")
    return f"Connector file {path.name} is wrong. " + "; ".join(problems) + ". See docs/connector-file.md."


def _short(value: object) -> str:
    text = repr(redact_value(value) if isinstance(value, dict) else value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."
