"""A reconciliation's report: one page for people, tables as CSV and Parquet for everything else. (pandas)"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.model.difference import MEANINGS, REMEDIES, REPAIRS, STANDING_MEANINGS, Standing
from customer_sync.reconcile.report.page import render_page
from customer_sync.reporting.report_place import folder_of_run, make_private
from customer_sync.reporting.spreadsheet import write_table
from customer_sync.run import Run

PAGE_NAME = "report.html"
HISTORY_RUNS = 30
ACCESS_DAYS = 90
EXAMPLES = 5
SHOWN_ROWS = 200
"""Differences that the page shows; the tables have all."""

_AGES = ("under an hour", "under a day", "under a week", "under a month", "older")
_AGE_BOUNDS_H = (0.0, 1.0, 24.0, 168.0, 720.0, float("inf"))
_AGREEMENT = ["entity", "field", "equal", "different", "only_erp", "only_store", "agreement"]
_MINUTE_BOUNDS = (0, 5, 15, 30, 60, 240, 1440, 10080)
_MINUTE_LABELS = ("≤ 5 min", "≤ 15 min", "≤ 30 min", "≤ 1 h", "≤ 4 h", "≤ 1 day", "≤ 7 days", "longer")
_COLUMNS = ["kind", "customer_id", "customer_name", "entity", "record_key", "company_id", "store_id", "field"]
_COLUMNS += ["erp_value", "ledger_value", "store_value", "detail", "action", "seen_at_utc"]


def write_reconcile_report(run: Run, directory: Path) -> list[Path]:
    """Write the report of a reconciliation that is closed.

    ``report.html`` is one page without anything to load; beside it lie ``differences``,
    ``balance``, ``classes_over_time``, ``reasons``, ``ages``, ``access`` and ``agreement``
    as CSV and as Parquet. Personal data is masked as the connector file says; files are readable by
    their owner only.

    Args:
        run: The run.
        directory: Folder of all reports; the run gets one of its own below it.

    Returns:
        The files written, the page first.
    """
    folder = folder_of_run(directory, run.connector.id, run.run_id)
    row = run.ledger.runs.get(run.run_id) or {}
    summary = row.get("summary") or {}
    tables = {
        "differences": _differences(run),
        "balance": _balance(summary),
        "classes_over_time": _classes_over_time(run),
        "reasons": _reasons(run, summary),
        "ages": _ages(run),
        "access": _access(run),
        "agreement": pd.DataFrame(summary.get("agreement") or [], columns=_AGREEMENT),
    }
    page = folder / PAGE_NAME
    files = [page]
    for name, table in tables.items():
        files += _write(folder, name, table)
    make_private(page)
    page.write_text(render_page(_facts(run, row, tables)), encoding="utf-8")
    return files


def _facts(run: Run, row: dict[str, Any], tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Everything that the page shows."""
    summary = row.get("summary") or {}
    shown, examples = _examples(run)
    counts = run.ledger.differences.counts(run.run_id)
    return {
        "connector": run.connector.name or run.connector.id,
        "run_id": run.run_id,
        "run_url": run.url,
        "at": (row.get("ended_at_utc") or utc_now()).strftime("%Y-%m-%d %H:%M UTC"),
        "mode": row.get("mode", ""),
        "state": row.get("state", ""),
        "dry_run": row.get("dry_run", False),
        "repairs": (row.get("window") or {}).get("why", ""),
        "balance": tables["balance"].to_dict("records"),
        "classes": [
            {
                "kind": str(kind),
                "count": counts.get(str(kind), 0),
                "meaning": MEANINGS[kind],
                "remedy": REMEDIES[kind],
                "examples": examples.get(str(kind), []),
            }
            for kind in REPAIRS
        ],
        "history": _history(tables["classes_over_time"]),
        "reasons": tables["reasons"].head(15).to_dict("records"),
        "ages": tables["ages"].to_dict("records"),
        "access": access_distribution(tables["access"]),
        "agreement": summary.get("agreement") or [],
        "matches": summary.get("matches") or {},
        "facts": summary,
        "outcomes": summary.get("outcomes") or {},
        "shown": shown,
        "more": max(0, sum(counts.values()) - len(shown)),
    }


def _examples(run: Run) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    shown: list[dict[str, Any]] = []
    examples: dict[str, list[dict[str, Any]]] = {}
    for page in run.ledger.differences.pages(run.run_id):
        for each in page:
            if len(shown) < SHOWN_ROWS:
                shown.append(each)
            few = examples.setdefault(each["kind"], [])
            if len(few) < EXAMPLES:
                few.append(each)
    return shown, examples


def _balance(summary: dict[str, Any]) -> pd.DataFrame:
    counts = summary.get("standings") or {}
    rows = [
        {"standing": str(each), "customers": counts.get(str(each), 0), "means": STANDING_MEANINGS[each]}
        for each in Standing
    ]
    table = pd.DataFrame(rows)
    total = table["customers"].sum()
    table["share"] = table["customers"] / total if total else 0.0
    return table


def _classes_over_time(run: Run) -> pd.DataFrame:
    """One row per reconciliation and class, oldest first."""
    rows = [
        {
            "run_id": each["run_id"],
            "started_at_utc": each["started_at_utc"],
            "class": str(kind),
            "differences": (each["summary"] or {}).get("classes", {}).get(str(kind), 0),
        }
        for each in reversed(run.ledger.runs.recent("reconcile", HISTORY_RUNS))
        if (each["summary"] or {}).get("classes") is not None
        for kind in REPAIRS
    ]
    return pd.DataFrame(rows, columns=["run_id", "started_at_utc", "class", "differences"])


def _history(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Per class that ever occurred: its counts in order."""
    if table.empty:
        return []
    wide = table.pivot_table(index="started_at_utc", columns="class", values="differences", aggfunc="sum").sort_index()
    return [
        {"kind": kind, "counts": [int(count) for count in wide[kind]]}
        for kind in (str(each) for each in REPAIRS)
        if kind in wide and wide[kind].any()
    ]


def _reasons(run: Run, summary: dict[str, Any]) -> pd.DataFrame:
    """Why customers are not in the store, or parts of them are left out: codes and how often."""
    found = [
        {"reason": reason, "where": "not eligible", "records": count}
        for reason, count in summary.get("reasons", {}).items()
    ]
    found += [
        {"reason": reason, "where": "quarantine", "records": count}
        for reason, count in run.ledger.quarantine.reason_counts().items()
    ]
    table = pd.DataFrame(found, columns=["reason", "where", "records"])
    return table.sort_values(["records", "reason"], ascending=[False, True], ignore_index=True)


def _ages(run: Run) -> pd.DataFrame:
    """How long customers have been waiting, in classes of age."""
    now = utc_now()
    waiting = {
        "in quarantine": run.ledger.quarantine.first_seen(),
        "failed, to be taken up again": list(run.ledger.runs.unfinished().values()),
    }
    rows = []
    for what, moments in waiting.items():
        hours = pd.Series([(now - each).total_seconds() / 3600 for each in moments], dtype="float64")
        grouped = pd.cut(hours, list(_AGE_BOUNDS_H), labels=list(_AGES), include_lowest=True)
        counts = grouped.value_counts()
        rows.append({"waiting": what, **{age: int(counts.get(age, 0)) for age in _AGES}})
    return pd.DataFrame(rows, columns=["waiting", *_AGES])


def _access(run: Run) -> pd.DataFrame:
    """Per user that lost access lately: when the ERP withdrew it, when the store confirmed it, minutes between."""
    rows = run.ledger.access.rows(utc_now() - timedelta(days=ACCESS_DAYS))
    columns = ["customer_id", "user_key", "removed_at_utc", "deactivated_at_utc", "cause"]
    table = pd.DataFrame([each._asdict() for each in rows], columns=columns)
    for name in ("removed_at_utc", "deactivated_at_utc"):
        table[name] = pd.to_datetime(table[name], utc=True)
    table["minutes"] = (table["removed_at_utc"] - table["deactivated_at_utc"]).dt.total_seconds() / 60
    return table


def access_distribution(table: pd.DataFrame) -> dict[str, Any]:
    """The distribution of minutes from deactivation in the ERP to access removed in the store.

    Args:
        table: Column ``minutes``, one row per user; missing where the ERP's stamp no longer shows it.

    Returns:
        ``users`` measured, ``unknown``, ``median``, ``p90``, ``longest`` (minutes) and ``classes``.
    """
    minutes = table["minutes"].dropna()
    grouped = pd.cut(minutes, [*_MINUTE_BOUNDS, float("inf")], labels=list(_MINUTE_LABELS), include_lowest=True)
    counts = grouped.value_counts()
    facts: dict[str, Any] = {
        "users": len(minutes),
        "unknown": int(table["minutes"].isna().sum()),
        "classes": [{"label": label, "users": int(counts.get(label, 0))} for label in _MINUTE_LABELS],
    }
    if len(minutes):
        facts |= {"median": minutes.median(), "p90": minutes.quantile(0.9), "longest": minutes.max()}
    return facts


def _differences(run: Run) -> pd.DataFrame:
    """All differences; texts are kept by Arrow, so that tens of thousands of rows take a few megabytes."""
    pages = [pd.DataFrame(page, columns=_COLUMNS) for page in run.ledger.differences.pages(run.run_id, 2000)]
    table = pd.concat(pages, ignore_index=True) if pages else pd.DataFrame(columns=_COLUMNS)
    texts = [name for name in _COLUMNS if name not in {"company_id", "store_id", "seen_at_utc"}]
    table = table.astype(dict.fromkeys(texts, "string[pyarrow]"))
    table["seen_at_utc"] = pd.to_datetime(table["seen_at_utc"], utc=True)
    return table.astype({"company_id": "int64", "store_id": "int64"})


def _write(folder: Path, name: str, table: pd.DataFrame) -> list[Path]:
    as_csv, as_parquet = files = [folder / f"{name}.csv", folder / f"{name}.parquet"]
    for file in files:
        make_private(file)
    write_table(table, as_csv)
    table.to_parquet(as_parquet, index=False)
    return files
