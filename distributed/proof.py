"""What must be true when all is over: store equal to ERP, nothing twice, nothing lost, no budget exceeded."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from distributed.merchants import ERP_PER_MINUTE, MERCHANTS, STORE_PER_MINUTE, TrialEnvironment
from tests.integration.second_calculation import expected_book
from tests.integration.twin_world import store_book

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MINUTE_S = 60.0


def differences(environment: TrialEnvironment, taken: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """Hold each store against a second calculation from its ERP.

    Args:
        environment: The twins.
        taken: Connector id -> e-mails that the store's own users had before the first sync.

    Returns:
        Connector id -> customers that are missing, too many, or differ; all lists empty when all is well.
    """
    found = {}
    for each in MERCHANTS:
        expected = expected_book(environment.state(f"erp-{each.erp}"), taken[each.connector_id])
        book = store_book(environment.state(f"store-{each.connector_id}"))
        keys = sorted(set(expected) | set(book))
        found[each.connector_id] = [_difference(key, expected.get(key), book.get(key)) for key in keys]
        found[each.connector_id] = [text for text in found[each.connector_id] if text]
    return found


def _difference(key: str, expected: Any, held: Any) -> str:
    if expected == held:
        return ""
    if expected is None or held is None:
        return f"{key} is {'missing' if held is None else 'too many'}"
    fields = [name for name in expected if expected[name] != held.get(name)]
    return f"{key} differs in {', '.join(fields)}: {[held.get(name) for name in fields]}"


def user_emails(environment: TrialEnvironment) -> dict[str, set[str]]:
    """E-mails of the users that each store has, case-folded."""
    return {
        each.connector_id: {
            user["email"].casefold() for user in environment.state(f"store-{each.connector_id}")["users"]
        }
        for each in MERCHANTS
    }


def writes(environment: TrialEnvironment) -> dict[str, int]:
    """Connector id -> requests that wrote to its store."""
    return {
        each.connector_id: sum(
            call["method"] != "GET" and "/api/" in call["path"]
            for call in environment.calls(f"store-{each.connector_id}")
        )
        for each in MERCHANTS
    }


def writes_since(environment: TrialEnvironment, connector_id: str, moment_utc: datetime) -> int:
    """Requests that have written to a connector's store since a moment."""
    return sum(
        call["method"] != "GET" and "/api/" in call["path"] and datetime.fromisoformat(call["at_utc"]) >= moment_utc
        for call in environment.calls(f"store-{connector_id}")
    )


def company_ids(environment: TrialEnvironment) -> dict[str, set[int]]:
    """Ids of the companies that each store has."""
    return {
        each.connector_id: {
            company["companyId"] for company in environment.state(f"store-{each.connector_id}")["companies"]
        }
        for each in MERCHANTS
    }


def unaccounted(environment: TrialEnvironment, before: Mapping[str, set[int]]) -> list[str]:
    """Companies that came into being without belonging to exactly one customer, such as doubles.

    Args:
        environment: The twins.
        before: Connector id -> ids of the companies that its store had before the first sync.
    """
    found = []
    for connector_id, ids in company_ids(environment).items():
        book = store_book(environment.state(f"store-{connector_id}"))
        if len(ids - before[connector_id]) != len(book):
            found.append(
                f"{connector_id}: {len(ids - before[connector_id])} companies were made for {len(book)} customers"
            )
    return found


def budgets(environment: TrialEnvironment) -> list[tuple[str, int, int, int]]:
    """(twin, its limit, most requests in any sliding minute, refusals) of every twin."""
    limits = {
        **dict.fromkeys(environment.erps, ERP_PER_MINUTE),
        **dict.fromkeys(environment.stores, STORE_PER_MINUTE),
    }
    found = []
    for name, limit in limits.items():
        counted = [call for call in environment.calls(name) if not call["path"].startswith("/_sandbox")]
        refused = sum(call["status"] == 429 for call in counted)  # noqa: PLR2004 - an HTTP status
        found.append((name, limit, _most_in_a_minute(call["at_utc"] for call in counted), refused))
    return found


def _most_in_a_minute(moments: Iterable[str]) -> int:
    times = sorted(datetime.fromisoformat(each).timestamp() for each in moments)
    return max((bisect_left(times, begin + _MINUTE_S) - index for index, begin in enumerate(times)), default=0)


def ledger_problems(url: str) -> list[str]:
    """What the ledger shows to be lost: customers without an outcome, sums that do not add up, open writes."""
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            lost = connection.execute(
                sa.text("SELECT connector_id, run_id, sum(open_count) FROM batch WHERE open_count > 0 GROUP BY 1, 2")
            ).all()
            sums = connection.execute(
                sa.text(
                    "SELECT r.connector_id, r.run_id, r.extracted, coalesce(sum(b.size), 0) FROM run r LEFT JOIN "
                    "batch b ON b.run_id = r.run_id AND b.connector_id = r.connector_id "
                    "GROUP BY 1, 2, 3 HAVING r.extracted <> coalesce(sum(b.size), 0)"
                )
            ).all()
            unanswered = connection.execute(
                sa.text("SELECT connector_id, sum(part_count) FROM journal WHERE state = 'open' GROUP BY 1")
            ).all()
    finally:
        engine.dispose()
    return [
        *(f"{row[0]}: {row[2]} customers of {row[1]} have no outcome" for row in lost),
        *(f"{row[0]}: {row[1]} extracted {row[2]} and recorded {row[3]}" for row in sums),
        *(f"{row[0]}: {row[1]} writes have no answer" for row in unanswered),
    ]
