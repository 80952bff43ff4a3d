"""Removal of files by age: batch files that Airflow leaves behind, and reports.

The object-storage backend deletes a value's file only when the same task instance starts again;
deleting a run, ``airflow db clean`` and deleting a DAG leave the files (docs/api/airflow.md#files-left-behind).
They hold customers' data, so they must not lie about for ever.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from airflow.sdk import ObjectStoragePath


@dataclass(frozen=True, slots=True)
class Removal:
    """What was removed.

    Attributes:
        files: Number of files.
        size_bytes: Their size together.
        kept: Files that are younger.
    """

    files: int = 0
    size_bytes: int = 0
    kept: int = 0


def remove_old_files(base: str, folders: Iterable[str], *, keep: timedelta, now_utc: datetime) -> Removal:
    """Remove the files of some folders by age.

    Args:
        base: Where they lie, such as ``file:///var/lib/connectors/xcom``.
        folders: Names below it: ids of DAGs, or of connectors; others are not touched.
        keep: Files younger than this stay: a run can be cleared and repeated as long as its files are there.
        now_utc: The moment to judge by.

    Returns:
        What was removed.
    """
    files, size_bytes, kept = 0, 0, 0
    for name in folders:
        folder = ObjectStoragePath(base) / name
        if not folder.exists():
            continue
        store = folder.fs
        for path, facts in store.find(folder.path, detail=True).items():
            if now_utc - store.modified(path).astimezone(UTC) < keep:
                kept += 1
                continue
            store.rm_file(path)
            files += 1
            size_bytes += int(facts.get("size") or 0)
        _remove_empty_folders(folder)
    return Removal(files, size_bytes, kept)


def _remove_empty_folders(folder: ObjectStoragePath) -> None:
    """Remove what has become empty, deepest first; object stores have no folders and list none."""
    store = folder.fs
    for path, folders, names in sorted(store.walk(folder.path), key=lambda found: len(found[0]), reverse=True):
        if path != folder.path and not names and not any(store.exists(f"{path}/{name}") for name in folders):
            store.rmdir(path)
