"""Read connector files; a wrong one gives a sentence with file, field and accepted values."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from customer_sync.errors import ConfigError
from customer_sync.redaction import kind_of_key, redact_value
from customer_sync.settings.connector import Connector
from customer_sync.settings.yaml_text import Places, read_with_places

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
    text = _text_of(path)
    try:
        connector = _validated(text)
    except _Wrong as wrong:
        raise ConfigError(_told(path.name, wrong.problems), setting=str(path)) from wrong.__cause__
    if connector.id != path.stem:
        raise ConfigError(
            f"Connector file {path.name}: id is '{connector.id}', but the file's name says '{path.stem}'. "
            "Make them equal.",
            setting=f"{path.name}: id",
        )
    return connector


def load_draft(path: Path, connector_id: str) -> Connector:
    """Read and validate a draft of a connector's file, whatever its name.

    Args:
        path: The draft.
        connector_id: Whose draft it is to be.

    Raises:
        ConfigError: As for :func:`load_connector`, or it is another connector's.
    """
    connector, problems = check_draft(_text_of(path), connector_id)
    if connector is None:
        raise ConfigError(_told(path.name, problems), setting=str(path))
    return connector


def check_draft(text: str, connector_id: str) -> tuple[Connector | None, list[Problem]]:
    """Validate the text of a draft, at a cost that is bounded whatever it holds.

    Args:
        text: The draft.
        connector_id: Whose draft it is to be.

    Returns:
        The connector, and no problems; or ``None``, and what is wrong.
    """
    if len(text.encode(errors="replace")) > MAX_FILE_BYTES:
        return None, [Problem(f"It is larger than {MAX_FILE_BYTES} bytes; that cannot be right")]
    try:
        connector = _validated(text)
    except _Wrong as wrong:
        return None, wrong.problems
    if connector.id != connector_id:
        said = f"it is '{connector.id}', and the draft is to be one of '{connector_id}': write id: {connector_id}"
        return None, [Problem(said, "id", *read_with_places(text)[1].of(["id"]))]
    return connector, []


class Problem(NamedTuple):
    """What is wrong in a connector file: a sentence, the setting's path, line and column from 1 (0: unknown)."""

    text: str
    setting: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        where = f" at line {self.line}, column {self.column}" if self.setting and self.line else ""
        return f"{self.setting}: {self.text}{where}" if self.setting else self.text


class _Wrong(Exception):
    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems)
        self.problems = problems


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
        alerts = _document(_text_of(path))[0].get("alerts") or {}
        return Connector.model_validate({"id": path.stem, "alerts": alerts})
    except (ConfigError, ValidationError, _Wrong):
        return None


def _text_of(path: Path) -> str:
    try:
        return _read_text(path)
    except OSError as error:
        raise ConfigError(f"Connector file {path} cannot be read: {error.strerror}.", setting=str(path)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"Connector file {path.name} is not UTF-8 text (byte {error.start}).", setting=str(path)
        ) from error


def _validated(text: str) -> Connector:
    document, places = _document(text)
    try:
        return Connector.model_validate(document)
    except ValidationError as error:
        raise _Wrong(_problems(error, places)) from error


def _document(text: str) -> tuple[dict[str, Any], Places]:
    try:
        document, places = read_with_places(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it is not YAML"
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        where = f" at line {line}, column {column}" if mark else ""
        raise _Wrong([Problem(f"It cannot be parsed{where}: {problem}", "", line, column)]) from error
    if not isinstance(document, dict):
        raise _Wrong([Problem(f"It must hold settings such as 'id: knb', not {type(document).__name__}")])
    return document, places


def _read_text(path: Path) -> str:
    facts = path.stat()
    # Reading a pipe or a device would never end.
    if not stat.S_ISREG(facts.st_mode):
        kind = "a folder" if stat.S_ISDIR(facts.st_mode) else "no ordinary file"
        raise ConfigError(f"Connector file {path} cannot be read: it is {kind}.", setting=str(path))
    if facts.st_size > MAX_FILE_BYTES:
        raise ConfigError(f"Connector file {path.name} is larger than {MAX_FILE_BYTES} bytes; that cannot be right.")
    return path.read_text(encoding="utf-8")


def _told(name: str, problems: Sequence[Problem]) -> str:
    return f"Connector file {name} is wrong. {'; '.join(map(str, problems))}. See docs/connector-file.md."


def _problems(error: ValidationError, places: Places) -> list[Problem]:
    """The first problems, and how many there are beside."""
    errors = error.errors(include_url=False, include_input=True)
    found = [Problem(_said(each), _path(each), *places.of(each["loc"])) for each in errors[:MAX_PROBLEMS]]
    more = len(errors) - MAX_PROBLEMS
    return [*found, Problem(f"and {more:,} more")] if more > 0 else found


def _path(item: Mapping[str, Any]) -> str:
    return ".".join(str(part) for part in item["loc"])[:MAX_SHOWN] or "file"


def _said(item: Mapping[str, Any]) -> str:
    is_shown = item["type"] != "missing" and kind_of_key(str(item["loc"][-1] if item["loc"] else "")) != "secret"
    given = f" (given: {_short(item.get('input'))})" if is_shown else ""
    text = "unknown setting" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
    return f"{text}{given}"


def _short(value: object) -> str:
    text = repr(redact_value(value) if isinstance(value, dict) else value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."
