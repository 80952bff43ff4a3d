"""docs/errors.md and docs/connector-file.md say all there is, and nothing that is not."""

import importlib
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from customer_sync.errors import SyncError
from customer_sync.model.outcome import Outcome, Reason, remedy
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import load_connector
from customer_sync.settings.source_section import SourceSection
from customer_sync.sources.acumatica.section import AcumaticaSection
from customer_sync.sources.acumatica.value_rule import ValueRule

DOCS = Path(__file__).parents[3] / "docs"
ERRORS = (DOCS / "errors.md").read_text(encoding="utf-8")
SETTINGS = (DOCS / "connector-file.md").read_text(encoding="utf-8")

for client in (
    "customer_sync.sources.acumatica.client",
    "customer_sync.targets.better_b2b.adapter",
    "customer_sync.errors",
):
    importlib.import_module(client)


def rows_between(start: str, end: str | None) -> dict[str, list[str]]:
    """Give the table rows of a part of docs/errors.md by their anchors."""
    part = ERRORS[ERRORS.index(start) : ERRORS.index(end) if end else None]
    rows = re.findall(r'^\| <a id="(\w+)"></a>`(\w+)` \| (.+) \|$', part, re.MULTILINE)
    assert all(anchor == code for anchor, code, _ in rows)
    assert len({code for _, code, _ in rows}) == len(rows), "a code stands there twice"
    return {code: cells.split(" | ") for _, code, cells in rows}


def all_kinds(kind: type[SyncError]) -> Iterator[type[SyncError]]:
    """Walk the errors of the product."""
    yield kind
    for child in kind.__subclasses__():
        yield from all_kinds(child)


def test_every_outcome_is_described() -> None:
    """Meaning, cause and remedy of each, and no outcome that does not exist."""
    rows = rows_between("## Outcomes", "## Reasons")
    assert set(rows) == {str(outcome) for outcome in Outcome}
    assert all(len(cells) == 3 and all(cells) for cells in rows.values())


def test_every_reason_is_described_with_the_remedy_of_the_log() -> None:
    """The page and the log give the same advice."""
    rows = rows_between("## Reasons", "## Errors")
    assert {code: cells[-1] for code, cells in rows.items()} == {
        str(code): remedy(code, Connector(id="x").source.words) for code in Reason
    }
    assert set(rows) == {str(reason) for reason in Reason}
    assert all(len(cells) == 3 and all(cells) for cells in rows.values())


def test_every_error_is_described() -> None:
    """Every class that can end a task, and no class that cannot."""
    ours = {
        kind.__name__
        for kind in all_kinds(SyncError)
        if kind.__module__.partition(".")[0] in {"customer_sync", "http_transport", "acumatica", "better_b2b"}
    }
    rows = rows_between("## Errors", None)
    assert set(rows) == ours
    assert all(len(cells) == 4 and all(cells) for cells in rows.values())


class Row(typing.NamedTuple):
    """One setting as it is documented."""

    default: str
    accepted: str
    meaning: str
    example: str


def documented() -> dict[str, Row]:
    """Give the settings of docs/connector-file.md by their paths."""
    pattern = r"^\| `([a-z_.<> ]+)` \| (?:`([^`]*)`|none) \| (.+?) \| (.+) \| `([^`]+)` \|$"
    return {path: Row(*cells) for path, *cells in re.findall(pattern, SETTINGS, re.MULTILINE)}


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Walk the connector's settings down to the ones that are no section."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        section = _section(kind)
        if section is None:
            yield f"{prefix}{name}", field
        else:
            middle = "<terms id>." if typing.get_origin(kind) is dict else ""
            yield from settings_of(section, f"{prefix}{name}.{middle}")


def _section(kind: Any) -> type[BaseModel] | None:
    candidates = [kind, *typing.get_args(kind)[1:]] if typing.get_origin(kind) is dict else [kind]
    for candidate in candidates:
        if candidate is SourceSection:
            return AcumaticaSection
        if isinstance(candidate, type) and issubclass(candidate, BaseModel) and candidate is not ValueRule:
            return candidate
    return None


def as_written(value: Any) -> Any:
    """Reduce a default to what stands in a file: a value rule to its names, a tuple to a list."""
    if isinstance(value, ValueRule):
        names = [source.field for source in value.sources]
        return names[0] if len(names) == 1 else names
    return list(value) if isinstance(value, tuple) else value


ACTUAL = dict(settings_of(Connector))


def test_every_setting_is_documented_and_no_other() -> None:
    """Whoever writes a file finds every setting, and every setting found works."""
    assert set(documented()) == set(ACTUAL)


@pytest.mark.parametrize("path", sorted(ACTUAL))
def test_the_documented_default_is_the_real_one(path: str) -> None:
    """A default that changes takes its line along."""
    row, field = documented()[path], ACTUAL[path]
    if field.is_required():
        assert row.default == ""
        return
    assert yaml.safe_load(row.default) == as_written(_default_of(path, field))


def _default_of(path: str, field: FieldInfo) -> Any:
    """What holds where a file says nothing; some of it the source's adapter brings along."""
    if "<" in path:
        return field.get_default()
    value: Any = Connector(id="x")
    for name in path.split("."):
        value = getattr(value, name)
    return value


@pytest.mark.parametrize("path", sorted(ACTUAL))
def test_the_accepted_values_are_all_named(path: str) -> None:
    """Choices and bounds of the setting stand in its line."""
    row, field = documented()[path], ACTUAL[path]
    kinds = typing.get_args(field.annotation) if _is_union(field.annotation) else (field.annotation,)
    choices = [
        choice for kind in kinds if typing.get_origin(kind) is typing.Literal for choice in typing.get_args(kind)
    ]
    bounds = [getattr(rule, name) for rule in field.metadata for name in ("ge", "le", "gt") if hasattr(rule, name)]
    words = re.findall(r"[\w.]+", row.accepted)
    missing = [f"{bound:g}" for bound in bounds if f"{bound:g}" not in words]
    missing += [str(choice) for choice in choices if str(choice) not in words]
    assert missing == []


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in {typing.Union, types.UnionType}


@pytest.mark.parametrize("path", sorted(ACTUAL))
def test_the_documented_example_is_accepted(tmp_path: Path, path: str) -> None:
    """Every example can be copied into a file."""
    document = documented()[path].example
    for name in reversed(path.replace("<terms id>", "30D").split(".")):
        document = f"{{{name}: {document}}}"
    text = document if path == "id" else f"{{id: knb, {document[1:]}"
    (tmp_path / "knb.yaml").write_text(text, encoding="utf-8")
    assert load_connector(tmp_path / "knb.yaml").id == "knb"


def test_the_long_examples_are_accepted(tmp_path: Path) -> None:
    """The two whole files at the end, and the shortest one at the top."""
    examples = re.findall(r"```yaml\n(.+?)```", SETTINGS, re.DOTALL)
    assert len(examples) == 3
    for text in examples:
        path = tmp_path / f"{yaml.safe_load(text)['id']}.yaml"
        path.write_text(text, encoding="utf-8")
        load_connector(path)


@pytest.mark.parametrize("form", re.findall(r"^\| `([^`]+)` \| [^|]+ \|$", SETTINGS, re.MULTILINE))
def test_every_form_of_a_value_is_accepted(tmp_path: Path, form: str) -> None:
    """The forms that the page names are the forms that work."""
    (tmp_path / "knb.yaml").write_text(f"id: knb\nsource: {{customer: {{email: {form}}}}}", encoding="utf-8")
    load_connector(tmp_path / "knb.yaml")
