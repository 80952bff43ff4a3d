"""Guards: how much a run may take away before a person must look. Pure."""

from __future__ import annotations

import sys

import msgspec

from customer_sync.settings.run_rules import GuardRules


class RunTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would do, beside what exists.

    Attributes:
        is_whole_read: The run read every customer of the ERP.
        extracted: Customers read.
        eligible: Customers that passed the filter.
        withdrawn: Companies to be deactivated or deleted.
        removed: Users and addresses to be removed.
        linked_companies: Companies that the ledger knows.
        linked_parts: Users and addresses that the ledger knows.
        created: Companies to be made.
        is_first_load: No run was good yet, none linked a company, or the first long read still goes on: companies are
            made by the thousand.
    """

    is_whole_read: bool
    extracted: int
    eligible: int
    withdrawn: int
    removed: int
    linked_companies: int
    linked_parts: int
    created: int = 0
    is_first_load: bool = False


def tripped_guards(totals: RunTotals, rules: GuardRules) -> list[str]:
    """Say in one sentence each which guards a run trips; an empty incremental run trips none.

    Args:
        totals: What the run would do.
        rules: The connector's limits.

    Returns:
        The sentences, each with the figures and the setting; empty when the run may go on.
    """
    tripped = []
    if totals.is_whole_read and not totals.extracted and totals.linked_companies:
        tripped.append(
            f"The ERP showed no customer at all, and {totals.linked_companies} companies are linked: "
            "check the API user's rights and the tenant."
        )
    elif totals.is_whole_read and totals.eligible < rules.least_eligible_share * totals.linked_companies:
        tripped.append(
            f"Only {totals.eligible} of {totals.extracted} customers are eligible, and {totals.linked_companies} "
            "companies are linked (guards.least_eligible_share): was a class, type or connection type renamed?"
        )
    tripped += _too_many(
        "withdraw",
        "companies",
        totals.withdrawn,
        totals.linked_companies,
        rules.most_withdrawn,
        rules.most_withdrawn_share,
        rules.always_allowed,
    )
    tripped += _too_many(
        "remove",
        "users and addresses",
        totals.removed,
        totals.linked_parts,
        rules.most_removed,
        rules.most_removed_share,
        rules.always_allowed,
    )
    if not totals.is_first_load:
        tripped += _too_many(
            "create",
            "companies",
            totals.created,
            totals.linked_companies,
            sys.maxsize,
            rules.most_created_share,
            rules.always_allowed,
        )
    return tripped


_PARTICIPLES = {"withdraw": "withdrawn", "remove": "removed", "create": "created"}


def _too_many(verb: str, what: str, count: int, linked: int, most: int, share: float, allowed: int) -> list[str]:
    participle = _PARTICIPLES[verb]
    if count > most:
        return [f"It would {verb} {count} {what}, more than {most} (guards.most_{participle})."]
    if count > allowed and count > share * linked:
        setting = f"guards.most_{participle}_share"
        of = f"{count} {what} beside {linked} linked ones" if verb == "create" else f"{count} of {linked} linked {what}"
        return [f"It would {verb} {of}, more than {share:.0%} ({setting})."]
    return []
