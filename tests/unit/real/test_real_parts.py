"""What `make real` is made of: the folder, shapes, explanations, cells, classes of errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from customer_sync.errors import NotFound, Unavailable
from real.differences import EXPLAINED, Difference, ExplanationError, explain, read_explanations
from real.error_classes import problem_with, try_examples
from real.folder import Exchange, FolderError, read_folder
from real.formula import is_run
from real.mappings import try_mappings
from real.safe_pages import what_runs
from real.shape import ShapeDifference, shape_differences
from sandbox.acumatica.contract import endpoints


def written(folder: Path, name: str, content: Any) -> Path:
    """Put a file into the folder; what is no text becomes JSON."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_a_folder_is_read_by_content(tmp_path: Path) -> None:
    """Exchanges of both forms, examples, documents and ugly values are found; the rest is named."""
    row = {"method": "get", "url": "https://shop.example/api/v3/io/users?limit=2", "status": {"code": 200}, "body": {}}
    plain = {"method": "POST", "path": "/entity/auth/logout", "status": 204, "set_cookie_names": ["A"]}
    written(tmp_path, "store/recorded/a.json", {"exchanges": [row]})
    written(tmp_path, "acumatica/recorded/b.json", {"exchanges": [plain]})
    written(tmp_path, "store/x.json", {"examples": [{"method": "GET", "path": "/c", "status": "404", "value": {}}]})
    written(tmp_path, "acumatica/d.json", {"swagger": "2.0", "info": {"title": "Default/1"}, "paths": {}})
    written(tmp_path, "ugly/t.json", ["a", "b"])
    written(tmp_path, "ugly/e.json", {"rows": [["a@b", "ERR"], {"components": {"city": "Oslo"}}]})
    written(tmp_path, "ugly/p.csv", "region,national,e164\nNO,22 33 44 55,+4722334455\nNO,22 33 44 55,+47")
    written(tmp_path, "notes/else.json", {"a": 1})
    found = read_folder(tmp_path)
    users, logout = sorted(found.recorded, key=lambda each: each.system, reverse=True)
    assert (users.method, users.path, users.query, users.status) == ("GET", "/users", (("limit", "2"),), 200)
    assert (logout.status, logout.cookies, logout.body) == (204, ("A",), b"")
    assert [(each.path, each.status) for each in found.examples] == [("/c", 404)]
    assert [each.title for each in found.documents] == ["Default/1"]
    kinds = sorted((each.kind, str(each.value)) for each in found.ugly)
    assert kinds == [
        ("address", "{'city': 'Oslo'}"),
        ("email", "a@b"),
        ("phone", "+47"),
        ("phone", "+4722334455"),
        ("phone", "22 33 44 55"),
        ("text", "a"),
        ("text", "b"),
    ]
    assert found.unread == ["notes/else.json"]


def test_a_mapping_that_differs_is_named(tmp_path: Path) -> None:
    """A type and a column; the number of a view's instance and the mark of a value count for nothing."""
    field = endpoints()["Default", "24.200.001"].entities["Customer"].fields["CustomerName"]
    names = {"CustomerName": "StringValue"}
    own = {"types": names, "mapping": {"CustomerName": f"{field.view}: 1.{field.column}$value"}}
    changed = {"types": {"CustomerName": "IntValue"}, "mapping": {"CustomerName": "Other.Name"}}
    found = {"endpoints": {"Default_24.200.001": {"Customer": own}, "Default_23.200.001": {"Customer": changed}}}
    written(tmp_path, "acumatica/m.json", found)
    tally = try_mappings(read_folder(tmp_path).mappings)
    about = [(each.subject, each.ours, each.recorded) for each in tally.differences if "CustomerName" in each.field]
    column = f"{field.view}.{field.column}"
    newer = "Default/23.200.001"
    assert about == [(newer, "StringValue", "IntValue"), (newer, column, "Other.Name")]
    assert tally.tried == {"field mappings": 2}


def test_a_folder_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    """No folder, no JSON and an exchange without a path are said."""
    with pytest.raises(FolderError, match="is no folder"):
        read_folder(tmp_path / "none")
    broken = written(tmp_path, "acumatica/a.json", "{")
    with pytest.raises(FolderError, match=r"a\.json is no JSON"):
        read_folder(tmp_path)
    broken.write_text('{"exchanges": [{"method": "GET"}]}', encoding="utf-8")
    with pytest.raises(FolderError, match="without method and path"):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    ("ours", "recorded", "found"),
    [
        ({"a": {"value": 1}}, {"a": {"value": 2.5}}, []),
        ({"a": {}}, {"a": {"value": "x"}}, []),
        ({"a": {"value": "x"}}, {"a": {"value": 3}}, [("a", "text", "number")]),
        ({"a": {}}, {"a": {}, "b": {"value": True}}, [("b", "absent", "flag")]),
        ({"a": {"B": {"value": "x"}}}, {"a": {}}, [("a/B", "text", "absent")]),
        ({"a": "2026-01-02T03:04:05Z"}, {"a": "yesterday"}, [("a", "moment", "text")]),
        ([{"id": 1}, {"id": 2, "x": 1}], [{"id": "1"}], [("[]/id", "number", "text"), ("[]/x", "number", "absent")]),
        ({"d": []}, {"d": {}}, [("d", "list", "object")]),
        ([], [{"id": 1}], []),
        (None, {"d": 1}, [("(whole)", "nothing", "object")]),
        ({"uuid": None}, {"uuid": ""}, [("uuid", "nothing", "empty text")]),
        ({"uuid": None}, {"uuid": "x"}, []),
    ],
)
def test_shapes_differ_in_names_and_kinds_alone(ours: Any, recorded: Any, found: list[tuple[str, str, str]]) -> None:
    """Values are never compared; nothing fits every kind of value."""
    assert list(shape_differences(ours, recorded)) == [ShapeDifference(*each) for each in found]


def test_an_explanation_fits_by_patterns_and_counts_its_use(tmp_path: Path) -> None:
    """What none explains is left; an entry that explained nothing is stale."""
    path = written(
        tmp_path, "e.yaml", "- {part: twin, field: '*_links', reason: r}\n- {part: ugly, field: x, reason: r}\n"
    )
    links = Difference("twin", "a.json", "GET /x 200", "[]/_links", "object", "absent")
    other = Difference("twin", "a.json", "GET /x 200", "status", "500", "200")
    explanations = read_explanations(path)
    assert explain([links, other], explanations) == [other]
    assert [each.used for each in explanations] == [1, 0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {part: twin, field: x}", "entry 1 has no reason"),
        ("- {part: twin, reason: r}", "must name part and field"),
        ("- {part: twin, field: x, where: y, reason: r}", "where is none of"),
        ("- [", "cannot be read"),
    ],
)
def test_an_explanation_needs_a_reason_and_a_place(tmp_path: Path, text: str, said: str) -> None:
    """An entry that would explain everything, or says nothing, is refused."""
    with pytest.raises(ExplanationError, match=said):
        read_explanations(written(tmp_path, "e.yaml", text))


def test_the_file_of_explanations_can_be_read() -> None:
    """Each entry has a reason and names part and field."""
    assert read_explanations(EXPLAINED)


@pytest.mark.parametrize(
    ("cell", "runs"),
    [
        ("=1+1", True),
        ("\u200b=1", True),
        ("\uff1d1", True),
        (" @x", True),
        ("'=1", False),
        ("-5", False),
        ("a=1", False),
    ],
)
def test_cells_that_a_spreadsheet_would_run_are_seen(cell: str, runs: bool) -> None:  # noqa: FBT001 - a table's column
    """Behind what it drops and in full width too; a quote or a number is safe."""
    assert is_run(cell) is runs


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<p title="a">&lt;script&gt;</p><script src="static/pages.js"></script><a href="?q=1">b</a>', []),
        ("<p><script>x</script></p>", ["<script>"]),
        ('<img src="x" onerror="y">', ['<img src="x" onerror="y">', "img onerror"]),
        ('<a href=" JavaScript:x">b</a>', ["a href"]),
    ],
)
def test_what_a_value_brought_into_a_page_is_seen(html: str, found: list[str]) -> None:
    """The page's own script comes by address; anything else that could act is named."""
    assert what_runs(html) == found


def test_an_error_of_the_wrong_class_or_without_a_remedy_is_found() -> None:
    """A class must fit the status, and the last sentence must be ours."""
    gone = Exchange(
        "store", "f", "GET", "/users/1", status=404, body=b'{"code":404,"data":{},"meta":{"message":"No."}}'
    )
    assert problem_with(None, gone) == ("class", "success", "NotFound")
    assert problem_with(Unavailable("Down. Wait."), gone) == ("class", "Unavailable", "NotFound")
    assert problem_with(NotFound("No."), gone) == ("remedy", "No.", "a sentence that says what to do")
    assert try_examples([gone]).differences == []
