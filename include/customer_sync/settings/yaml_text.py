"""YAML of bounded effort: what a hostile or generated file costs is known before anything is built from it.

The parser's events are counted first, one by one. Only what stays within the bounds is composed, because libyaml's
composer follows nesting on the C stack (a few thousand brackets end the process), and because aliases repeat what they
name: a few lines can stand for a billion values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import yaml

_MAX_DEPTH: Final = 32
_MAX_VALUES: Final = 20_000
_CHARS_PER_VALUE: Final = 100
"""A text that an alias repeats counts as so much more values."""
_MAX_NUMBER_CHARS: Final = 18
_MERGE: Final = "tag:yaml.org,2002:merge"
# A NUL, for one, is more than some databases take.
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def read_yaml(text: str) -> Any:
    """Read one document; as :func:`read_with_places`."""
    return read_with_places(text)[0]


def read_with_places(text: str) -> tuple[Any, Places]:
    """Read one document, and where its settings stand.

    Args:
        text: As it is in the file.

    Raises:
        YAMLError: It is no YAML, or not of the kind that settings need; ``problem`` and ``problem_mark`` say what
            and where.
    """
    _check_effort(text)
    loader = _SettingsLoader(text)
    try:
        root = loader.get_single_node()
        return (None if root is None else loader.construct_document(root)), Places(root)
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError) as error:
        # PyYAML's own constructors fail so, for instance on `!!timestamp soon`.
        raise _refusal(f"a value does not fit its tag ({type(error).__name__})", None) from error
    finally:
        loader.dispose()


class Places:
    """Where the settings of a document stand.

    Args:
        root: Its node.
    """

    def __init__(self, root: yaml.Node | None) -> None:
        self._root = root

    def of(self, path: Sequence[object]) -> tuple[int, int]:
        """Line and column, from 1, of the setting that a path leads to, or of the last one on the way that is there.

        Args:
            path: Names of settings, and numbers of items of lists, from 0.

        Returns:
            ``(0, 0)`` where not even the first is there.
        """
        node, mark = self._root, None
        for part in path:
            found = _below(node, part)
            if found is None:
                break
            mark, node = found
        return (mark.line + 1, mark.column + 1) if mark else (0, 0)


def _below(node: Any, part: object) -> tuple[Any, Any] | None:
    """Mark and value of a part of a node."""
    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark, value) for key, value in node.value if key.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark, node.value[part]
    return None


def _refusal(problem: str, mark: Any) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, mark)


def _check_effort(text: str) -> None:
    effort = _Effort()
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        effort.add(event)


class _Effort:
    """How deep a document is nested, and how many values it holds when every alias is replaced by what it names."""

    def __init__(self) -> None:
        self._count = 0
        # Anchor, and count before it, of every collection that is open.
        self._open: list[tuple[str | None, int]] = []
        self._sizes: dict[str | None, int] = {}

    def add(self, event: yaml.Event) -> None:
        """Count an event.

        Raises:
            ConstructorError: The document goes beyond a bound with it.
        """
        if isinstance(event, yaml.CollectionStartEvent):
            self._open.append((event.anchor, self._count))
            self._count += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = self._open.pop()
            self._sizes[anchor] = self._count - before
        elif isinstance(event, yaml.ScalarEvent):
            self._add_scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            self._add_alias(event)
        if len(self._open) > _MAX_DEPTH:
            raise _refusal(f"it is nested more than {_MAX_DEPTH} levels deep", event.start_mark)
        if self._count > _MAX_VALUES:
            raise _refusal(f"it holds more than {_MAX_VALUES:,} values, aliases counted out", event.start_mark)

    def _add_scalar(self, event: yaml.ScalarEvent) -> None:
        if _CONTROL.search(event.value):
            raise _refusal("a value holds a control character", event.start_mark)
        self._sizes[event.anchor] = 1 + len(event.value) // _CHARS_PER_VALUE
        self._count += self._sizes[event.anchor]

    def _add_alias(self, event: yaml.AliasEvent) -> None:
        if any(anchor == event.anchor for anchor, _ in self._open):
            raise _refusal(f"'*{event.anchor}' appears inside of what it names", event.start_mark)
        self._count += self._sizes.get(event.anchor, 1)


class _SettingsLoader(yaml.CSafeLoader):
    """YAML 1.2's scalars instead of 1.1's, and no setting twice.

    The codes ``NO`` (Norway), ``01`` (Hokkaido) and ``12:30`` stay text; in YAML 1.1
    they would become false, 1 and 750.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        """Build a mapping.

        Raises:
            ConstructorError: A name is no text, or appears twice; the later one would silently win.
        """
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refusal(
                    "there are braces or brackets where a setting's name is expected; fill in the template, or put the "
                    "value in quotes",
                    key.start_mark,
                )
            if key.tag != _MERGE and key.value in seen:
                raise _refusal(f"'{key.value}' appears twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """Build a number.

        Raises:
            ConstructorError: It is longer than any setting needs.
        """
        if len(node.value) > _MAX_NUMBER_CHARS:
            raise _refusal(
                f"a number has {len(node.value):,} characters, {_MAX_NUMBER_CHARS} are taken; put text in quotes",
                node.start_mark,
            )
        build = self.construct_yaml_int if node.tag.endswith(":int") else self.construct_yaml_float
        number: int | float = build(node)
        return number


_SettingsLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]*)\.[0-9]+", "-0123456789"),
    ("merge", r"<<", "<"),
):
    _SettingsLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))
for _tag in ("int", "float"):
    _SettingsLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", _SettingsLoader.construct_number)
