"""A small folder of our own through `make real`: nothing is unexplained, and what is wrong is found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from real.__main__ import OWN, main
from real.twin_api import TwinApi
from sandbox.server import running_acumatica

ENDPOINT = "/entity/Default/24.200.001"

SIGN_IN = {"method": "POST", "path": "/entity/auth/login", "request_body": '{"name":"MASKED","password":"MASKED"}'}


def _write(folder: Path, name: str, content: Any) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def _documents() -> dict[str, Any]:
    """The twin's own documents: Swagger 2.0 of an endpoint that lacks some fields, of one that is whole, OpenAPI 3."""
    with running_acumatica(customers=0) as running, TwinApi(running.url) as twin:
        twin.sign_in()
        versions = ("20.200.001", "23.200.001", "24.200.001")
        return {each: twin.json("GET", f"/entity/Default/{each}/swagger.json") for each in versions}


def test_nothing_is_unexplained_in_a_folder_of_our_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Recorded exchanges of both systems, examples, a document and ugly values: code 0, every part counted."""
    shutil.copytree(OWN, tmp_path, dirs_exist_ok=True)
    for version, document in _documents().items():
        _write(tmp_path, f"acumatica/openapi/{version}.json", document)
    code = main([str(tmp_path), "--no-pages"])
    said = capsys.readouterr().out
    assert (code, said.splitlines()[-1]) == (0, "0 unexplained"), said
    assert "7 requests answered by our twins: 1 explained differences" in said
    assert "26 ugly customers" in said
    assert "6 endpoint documents: 3 explained differences, 0 unexplained" in said


def test_our_own_bytes_are_tried_where_no_folder_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """`make real` alone."""
    assert main(["--part", "errors"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 unexplained"


def test_what_differs_is_named_and_ends_with_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another status, a field of another kind, a value that is read otherwise: each with file and field."""
    row = {"id": "x", "CustomerID": {"value": "A"}, "CreditLimit": {"value": "much"}}
    exchanges = [
        {**SIGN_IN, "status": 418, "body": {}},
        {"method": "GET", "path": f"{ENDPOINT}/Customer?$top=1", "status": 200, "body": [row]},
    ]
    user = {"code": 200, "data": {"id": 4, "email": ["no text"]}, "meta": {}}
    _write(tmp_path, "acumatica/recorded/wrong.json", {"exchanges": exchanges})
    _write(tmp_path, "store/recorded/wrong.json", {"exchanges": [{"path": "/users/4", "status": 200, "body": user}]})
    assert main([str(tmp_path), "--part", "server", "--part", "twin"]) == 1
    said = capsys.readouterr().out
    assert "UNEXPLAINED server: acumatica/recorded/wrong.json: GET /entity/Default/24.200.001/Customer 200: row" in said
    assert "UNEXPLAINED server: store/recorded/wrong.json: GET /users/4 200: email: ours , recorded ['no text']" in said
    assert "UNEXPLAINED twin: acumatica/recorded/wrong.json: POST /entity/auth/login 418: status: ours 500" in said
    assert "[]/id: ours guid, recorded text" in said


def test_a_document_that_differs_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A stock field that is gone from a new endpoint, and one of another type."""
    document = _documents()["24.200.001"]
    customer = document["components"]["schemas"]["Customer"]["allOf"][1]["properties"]
    del customer["Terms"]
    customer["CreditLimit"] = {"$ref": "#/components/schemas/StringValue"}
    _write(tmp_path, "acumatica/openapi/changed.json", document)
    assert main([str(tmp_path), "--part", "endpoints"]) == 1
    said = capsys.readouterr().out
    start = "UNEXPLAINED endpoints: acumatica/openapi/changed.json: Default/24.200.001: "
    assert f"{start}stock fields: ours ['Customer field Terms'], recorded none is missing from 23.200 on" in said
    assert f"{start}Customer/CreditLimit: ours Decimal, recorded StringValue" in said
    assert f"{start}twin Customer/Terms: ours StringValue, recorded absent" in said


def test_a_folder_that_is_not_there_is_said_with_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, no traceback."""
    assert main([str(tmp_path / "none")]) == 2
    assert "is no folder" in capsys.readouterr().err
