"""Taking over a store that another connector filled: match, adopt, and the shadow run beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from customer_sync.model.outcome import LogEntry
from customer_sync.reconcile.adopt.adoption_plan import CHUNK, adopted_link, match_all, match_by_person
from customer_sync.reconcile.adopt.matching import Match
from customer_sync.reconcile.adopt.shadow import Agreement, agreement_rows, count_agreement
from customer_sync.reconcile.compare.ledger_side import ledger_sides
from customer_sync.reconcile.compare.real_state import read_real_state
from customer_sync.reconcile.compare.sides import ErpSide, LedgerSide, StoreSide
from customer_sync.reconcile.compare.spool import Spool
from customer_sync.reconcile.compare.target_side import StoreSides
from customer_sync.reconcile.repair.plan_repair import RepairItem, ledger_only
from customer_sync.run import Run
from customer_sync.targets.port import Target

_WORDS = {
    "accepted": "company {company} is this customer's, by {sign}",
    "proposed": "company {company} may be this customer's, by {sign}: {detail}; adopted by the list of matches only",
    "ambiguous": "companies {candidates}: {detail}; decide in the list of matches",
    "refused": "company {company} cannot be adopted: {detail}",
    "none": "no company of the store matches; the next sync makes one",
}


class Takeover:
    """Works on a spool that holds both sides."""

    def __init__(self, run: Run, spool: Spool, target: Target) -> None:
        self._run = run
        self._spool = spool
        self._store = StoreSides(target, run.connector)

    def match(self, chosen: Mapping[str, int] | None) -> list[Match]:
        """Match customers without a link, or follow a person's decisions; each match is logged."""
        matches = match_all(self._run, self._spool) if chosen is None else match_by_person(self._spool, chosen)
        entries = [_entry(match) for match in matches]
        with self._run.ledger.write() as connection:
            self._run.record(connection, entries)
        counts = ", ".join(f"{count} {verdict}" for verdict, count in self.counts(matches).items())
        self._run.sink(f"{len(matches)} customers without a link: {counts or 'nothing to match'}", entries)
        return matches

    def counts(self, matches: Sequence[Match]) -> dict[str, int]:
        """Customers by verdict."""
        return dict(sorted(Counter(match.verdict for match in matches).items()))

    def adoptions(self, matches: Iterable[Match]) -> Iterator[RepairItem]:
        """Turn accepted matches into changes of the ledger; nothing is written to the store or the ERP.

        The link holds what the store holds now, so that the next sync writes only what really
        differs. Payment settings are read where the connector sets any: up to two requests each.
        """
        for match in matches:
            if match.verdict == "accepted":
                side = self._spool.erp_sides([match.customer_id])[match.customer_id]
                (company,) = self._spool.companies([], [match.company_id])
                link = adopted_link(self._run, side, company, self._spool, self._store)
                yield ledger_only(side, link, evidence=match.matched_by)

    def agreement(self) -> list[dict[str, Any]]:
        """Compare every field of every matched company with what the sync would hold; writes nothing anywhere."""
        agreement: Agreement = Counter()
        matched = {
            match.customer_id: match.company_id for match in match_all(self._run, self._spool) if match.company_id
        }
        for keys in self._spool.keys(CHUNK):
            erp = {key: side for key, side in self._spool.erp_sides(keys).items() if side.claim == "eligible"}
            ledger = ledger_sides(self._run.ledger, erp, {}, with_writes=False)
            for key, side in erp.items():
                self._count(side, ledger[key], matched.get(key, 0), agreement)
        return agreement_rows(agreement)

    def _count(self, erp: ErpSide, ledger: LedgerSide, matched: int, agreement: Agreement) -> None:
        company_id = ledger.applied.company_id if ledger.applied else matched
        companies = self._spool.companies([], [company_id]) if company_id else []
        if erp.desired is None:
            return
        agreement[("company", "(record)", "equal" if companies else "only_erp")] += 1
        if not companies:
            return
        if ledger.applied is None:
            # Payment settings have no list; a shadow run does not ask for them one by one.
            real = adopted_link(self._run, erp, companies[0], self._spool, None)
        else:
            side = StoreSide(
                companies=(companies[0],),
                users=tuple(self._spool.users([company_id])),
                addresses=tuple(self._spool.addresses([company_id])),
            )
            real = read_real_state(erp, ledger, side, companies[0]).applied
        count_agreement(erp.desired, real, agreement)


def _entry(match: Match) -> LogEntry:
    candidates = ", ".join(map(str, match.candidates))
    words = {"company": match.company_id, "sign": match.matched_by, "candidates": candidates, "detail": match.detail}
    return LogEntry(
        customer_id=match.customer_id,
        customer_name=match.customer_name,
        action="match",
        level="info" if match.verdict in {"accepted", "none"} else "warning",
        store_id=str(match.company_id or ""),
        message=_WORDS[match.verdict].format(**words),
    )
