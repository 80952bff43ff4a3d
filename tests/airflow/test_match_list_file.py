"""The list of matches that a person names is read from below the connector's reports, and from nowhere else."""

import os
from pathlib import Path

import pytest

from customer_sync.errors import ConfigError
from customer_sync_airflow.tasks.report_files import read_list


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a connector's reports, beside a file that is nobody's business."""
    (tmp_path / "secret.csv").write_text("s3cret", encoding="utf-8")
    folder = tmp_path / "reports" / "knb"
    (folder / "run").mkdir(parents=True)
    monkeypatch.setenv("CUSTOMER_SYNC_REPORTS_DIR", str(folder.parent))
    return folder


def test_list_is_read_when_it_lies_below_the_reports(reports: Path) -> None:
    """The ordinary way, with a mark of UTF-8 as spreadsheets write it."""
    (reports / "run" / "matches.csv").write_text("\ufeffcustomer_id\n", encoding="utf-8")
    assert read_list("knb", "run/matches.csv") == "customer_id\n"


@pytest.mark.parametrize(
    "name",
    [
        "../../secret.csv",
        "/etc/passwd",
        "file:///etc/passwd",
        "s3://bucket/matches.csv",
        "http://127.0.0.1:9/matches.csv",
        "run\\..\\matches.csv",
        "run/\nmatches.csv",
        "",
        ".",
    ],
)
def test_name_is_refused_when_it_leads_elsewhere(reports: Path, name: str) -> None:
    """Parents, roots, other schemes and odd characters get one sentence, whatever lies there."""
    assert reports.is_dir()
    with pytest.raises(ConfigError, match=r"^matches: "):
        read_list("knb", name)


@pytest.mark.parametrize("where", ["file", "folder", "connector"])
def test_link_is_refused_when_it_leads_elsewhere(reports: Path, where: str) -> None:
    """Links are not followed, be it the file itself or a folder on the way."""
    target = reports.parents[1]
    name = "run/secret.csv"
    if where == "file":
        (reports / name).symlink_to(target / "secret.csv")
    elif where == "folder":
        (reports / "run").rmdir()
        (reports / "run").symlink_to(target, target_is_directory=True)
    else:
        (target / "run").mkdir()
        (target / "run" / "secret.csv").write_text("s3cret", encoding="utf-8")
        (reports / "run").rmdir()
        reports.rmdir()
        reports.symlink_to(target, target_is_directory=True)
    with pytest.raises(ConfigError, match="is a link, and links are not followed"):
        read_list("knb", name)


def test_pipe_is_refused_when_it_is_named(reports: Path) -> None:
    """What is no ordinary file would keep the task for ever."""
    os.mkfifo(reports / "run" / "matches.csv")
    with pytest.raises(ConfigError, match="there is no file"):
        read_list("knb", "run/matches.csv")


def test_sentence_names_the_place_when_it_is_no_text(reports: Path) -> None:
    """A list in another encoding is said to be one."""
    (reports / "run" / "matches.csv").write_bytes(b"customer_id\n\xff\xfe")
    with pytest.raises(ConfigError, match=r"is not UTF-8 text \(byte 12\)"):
        read_list("knb", "run/matches.csv")
