"""The pages for people, with ugly values on them: nothing in a value becomes part of the page.

`python -m real.safe_pages` is started with Airflow's settings of its own, so that nobody's Airflow is touched.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import quote

import yaml

_ACTIVE: Final = frozenset({"iframe", "object", "embed", "img", "base", "link", "meta", "style", "form"})
_TIMEOUT_S: Final = 300


def unsafe_pages(ledger_url: str, connector_file: Path, customer_ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Address and what runs there, of the list and of each customer's page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shown = yaml.safe_load(connector_file.read_text(encoding="utf-8"))
        shown["masking"] = {"emails": False, "names": False, "phones": False}
        (folder / "connectors").mkdir()
        (folder / "connectors" / connector_file.name).write_text(yaml.safe_dump(shown), encoding="utf-8")
        environment = {
            **os.environ,
            "AIRFLOW_HOME": name,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{name}/airflow.db",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "CUSTOMER_SYNC_LEDGER_URL": ledger_url,
            "CUSTOMER_SYNC_CONNECTORS_DIR": f"{name}/connectors",
        }
        order = json.dumps({"connector": shown["id"], "customers": list(customer_ids)})
        done = subprocess.run(
            [sys.executable, "-m", "real.safe_pages"],
            check=False,
            input=order,
            capture_output=True,
            text=True,
            env=environment,
            timeout=_TIMEOUT_S,
        )
        if done.returncode:
            yield "pages", done.stderr[-400:]
            return
        yield from ((page, what) for page, what in json.loads(done.stdout.splitlines()[-1]))


def what_runs(html: str) -> list[str]:
    """Tags and attributes of a page by which a value could act; its own scripts and styles come by address."""
    reader = _Reader()
    reader.feed(html)
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        is_own = tag in {"link", "meta", "form"} or (
            tag == "script" and (values.get("src") or "").startswith("static/")
        )
        if (tag == "script" and not is_own) or (tag in _ACTIVE and not is_own):
            self.found.append(self.get_starttag_text() or tag)
        self.found += [f"{tag} {name}" for name, value in attrs if name.startswith("on") or _is_script(value)]


def _is_script(value: str | None) -> bool:
    return bool(value) and str(value).strip().lower().startswith(("javascript:", "data:", "vbscript:"))


def _main() -> None:
    """Read an order, fetch the pages as a logged-in person gets them, and print what runs there."""
    from airflow.api_fastapi.auth.managers.simple.user import (  # noqa: PLC0415 - its settings must be made before
        SimpleAuthManagerUser,
    )
    from airflow.utils.db import initdb  # noqa: PLC0415 - its settings must be made before
    from starlette.testclient import TestClient  # noqa: PLC0415 - the same

    from customer_sync_airflow.pages import rights  # noqa: PLC0415 - the same
    from customer_sync_airflow.pages.app import build_app  # noqa: PLC0415 - the same

    order = json.load(sys.stdin)
    connector = order["connector"]

    initdb()
    app = build_app()
    viewer = rights.Viewer(SimpleAuthManagerUser(username="tester", role="ADMIN"), "tester", frozenset({connector}))
    app.dependency_overrides[rights.current_viewer] = lambda: viewer
    app.dependency_overrides[rights.may_read_runs] = lambda: None
    found = []
    with TestClient(app, headers={"accept": "text/html"}) as client:
        pages = ["/", *(f"/customer?connector={connector}&id={quote(each)}" for each in order["customers"])]
        for page in pages:
            answer = client.get(page)
            if answer.status_code != 200:  # noqa: PLR2004 - an HTTP status
                found.append((page, f"status {answer.status_code}"))
            found += [(page, what) for what in what_runs(answer.text)]
    print(json.dumps(found))  # noqa: T201 - the answer


if __name__ == "__main__":
    _main()
