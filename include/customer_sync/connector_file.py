"""Read connector files; a wrong one gives a sentence with file, field and accepted values."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from customer_sync.connector import Connector
from http_transport.errors import ConfigError

DIRECTORY_VARIABLE = "CUSTOMER_SYNC_CONNECTORS_DIR"
"""Environment variable that names the folder of connector files."""

MAX_FILE_BYTES = 1_000_000


def connectors_directory() -> Path:
    """The folder of connector files: the environment's, else the one that ships beside the packages."""
    configured = os.environ.get(DIRECTORY_VARIABLE)
    return Path(configured) if configured else Path(__file__).resolve().parent.parent / "connectors"


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
            f"Connector file {path.name}: id is '{connector.id}', but the file's name says '{path.stem}'. Make them equal.",
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


def _read_yaml(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(
                f"Connector file {path.name} is larger than {MAX_FILE_BYTES} bytes; that cannot be right."
            )
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
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
        given = "" if item["type"] == "missing" else f" (given: {_short(item.get('input'))})"
        text = "unknown setting" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
        problems.append(f"{place}: {text}{given}")
    return f"Connector file {path.name} is wrong. " + "; ".join(problems) + ". See docs/connector-file.md."


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
