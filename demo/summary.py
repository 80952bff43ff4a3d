"""The connector log of one run, as tables on a terminal. Everything is read from the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from customer_sync.ledger import Ledger
from customer_sync.ledger.story.lines import each_customer

if TYPE_CHECKING:
    from rich.console import Console

_REASONS_SHOWN = 10
_EXAMPLES_SHOWN = 10
_ROWS_READ = 20_000


@dataclass(frozen=True)
class Summary:
    """What one run did.

    Attributes:
        extracted: Customers that the run read.
        outcomes: Customers by outcome; the empty word counts those without one.
        reasons: Customers by reason code, the most frequent first.
        examples: Rows of the connector log, one for each kind of thing that happened.
    """

    extracted: int
    outcomes: dict[str, int]
    reasons: dict[str, int]
    examples: list[dict[str, Any]]

    @property
    def balanced(self) -> bool:
        """Whether every extracted customer has exactly one outcome."""
        return "" not in self.outcomes and self.extracted == sum(self.outcomes.values())


def read(ledger_url: str, connector_id: str, run_id: str) -> Summary:
    """Read a run's summary from the ledger.

    Args:
        ledger_url: SQLAlchemy URL of the ledger.
        connector_id: The connector.
        run_id: The run.

    Raises:
        ConfigError: The ledger cannot be opened.
    """
    with Ledger.open(connector_id, ledger_url) as ledger:
        run = ledger.runs.get(run_id) or {}
        return Summary(
            extracted=int(run.get("extracted", 0)),
            outcomes=ledger.runs.outcome_counts(run_id),
            reasons=ledger.runs.reason_counts(run_id),
            examples=examples(list(each_customer(ledger.log.rows(run_id=run_id, limit=_ROWS_READ)))),
        )


def examples(rows: list[dict[str, Any]], shown: int = _EXAMPLES_SHOWN) -> list[dict[str, Any]]:
    """Pick rows that differ: one for each outcome and reasons, by customer id.

    Args:
        rows: Rows of the connector log, in any order.
        shown: How many at most.
    """
    kinds: dict[tuple[str, str], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["customer_id"], row["id"])):
        if row["entity"] == "customer" and row["outcome"]:
            kinds.setdefault((row["outcome"], row["reasons"]), row)
    # Round by round through the outcomes, so that ten kinds of `filtered` do not hide the only `created`.
    by_outcome: dict[str, list[dict[str, Any]]] = {}
    for (outcome, _), row in kinds.items():
        by_outcome.setdefault(outcome, []).append(row)
    rounds = range(max(map(len, by_outcome.values()), default=0))
    picked = [group[number] for number in rounds for group in by_outcome.values() if number < len(group)]
    return sorted(picked[:shown], key=lambda row: str(row["customer_id"]))


def show(summary: Summary, console: Console) -> None:
    """Print a summary.

    Args:
        summary: Result of `read`.
        console: Where.
    """
    outcomes = Table(title="Customers by outcome", title_justify="left")
    outcomes.add_column("outcome")
    outcomes.add_column("customers", justify="right")
    for outcome, count in sorted(summary.outcomes.items(), key=lambda item: (-item[1], item[0])):
        outcomes.add_row(outcome or "(none)", str(count))
    outcomes.add_section()
    outcomes.add_row("extracted", str(summary.extracted))
    console.print(outcomes)
    if summary.reasons:
        reasons = Table(title="Most frequent reasons", title_justify="left")
        reasons.add_column("reason")
        reasons.add_column("customers", justify="right")
        for reason, count in list(summary.reasons.items())[:_REASONS_SHOWN]:
            reasons.add_row(reason, str(count))
        console.print(reasons)
    if summary.examples:
        console.print(_rows_table(summary.examples))


def _rows_table(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="From the connector log", title_justify="left")
    for heading in ("customer", "name", "outcome", "reasons", "store id", "what happened", "what to do"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        shown = ("customer_id", "customer_name", "outcome", "reasons", "store_id", "message", "next_step")
        # As plain text: a customer's name may look like markup.
        table.add_row(*(Text(str(row[name] or "")) for name in shown))
    return table
