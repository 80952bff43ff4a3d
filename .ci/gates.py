# ruff: noqa: INP001, T201 - a script of the continuous integration, imported by nobody; what it prints is its answer
"""Take the checks that protect the store away, one at a time: a test must fail each time.

A mutant of a whole check says more than a mutant of one operator in it: when nobody notices that a check is gone,
its tests cannot fail. Every line of :data:`GATES` names a check, what stands in its place, and the tests that
promise it. The tests run on a copy of the tree; the tree itself is never changed.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / ".cache" / "gates"
PARTS = ("include", "plugins", "dags", "sandbox", "demo", "tests", "docs", "pyproject.toml", "README.md")
LONGEST_S = 300
"""A check whose absence makes its tests hang is noticed, too."""

SYNC = "tests/integration/sync"
FAILURES = "tests/integration/failures"
LEASE = "tests/integration/ledger/test_ledger_lease.py"
UNIT = "tests/unit/customer_sync"
APPROVAL = f"{SYNC}/test_approval.py"
AUDITED = f"{SYNC}/test_audited_again.py"
AS_BEFORE = "tests/conformance/pipeline/test_nothing_changed.py"
BALANCE = f"{SYNC}/test_balance.py"
CHANGES = f"{SYNC}/test_changes_of_customers.py"
CONTRACT = f"{SYNC}/test_contract_gate.py"
GUARDS = f"{SYNC}/test_guards_refuse.py"
PREVIEW = f"{SYNC}/test_plan_preview.py"
WINDOWS = f"{SYNC}/test_windows_of_runs.py"


@dataclass(frozen=True)
class Gate:
    """A check, and how it is taken away.

    Attributes:
        place: Module and function, ``steps.guard:_refusal``; of a method with its class.
        instead: The function's new body; or, with ``text``, what replaces that text.
        tests: Test files of which at least one test must fail.
        text: A piece of the function that is replaced; ``""`` replaces the whole body.
    """

    place: str
    instead: str
    tests: tuple[str, ...]
    text: str = ""

    @property
    def path(self) -> Path:
        """The module's file, relative to the root."""
        return Path("include/customer_sync", *self.place.partition(":")[0].split(".")).with_suffix(".py")


GATES = (
    # -- the contract of the source
    Gate("steps.contract_gate:check_contract", "return None", (CONTRACT,)),
    Gate(
        "steps.extract:extract_batches",
        "extraction.unseen",
        (f"{CONTRACT}::test_nothing_is_written_when_a_field_is_gone",),
        "check_contract(run, source)\n            extraction.unseen",
    ),
    Gate(
        "steps.extract:extract_batches",
        "pass",
        (f"{CONTRACT}::test_nothing_is_written_when_a_field_is_gone",),
        "if ids:\n                check_contract(run, source)",
    ),
    Gate(
        "reconcile.reconciliation:compare_sides",
        "pass",
        (f"{CONTRACT}::test_nothing_is_compared_when_a_field_is_gone",),
        "check_contract(run, source)",
    ),
    # -- the limits of a run, and a person's say
    Gate("planning.guard_limits:tripped_guards", "return []", (f"{UNIT}/test_guards.py",)),
    Gate("planning.guard_limits:_too_many", "return []", (f"{UNIT}/test_guards.py",)),
    Gate("steps.guard:settle_plan", "[]", (GUARDS,), "tripped_guards(totals, run.connector.guards)"),
    Gate("steps.guard:_totals", "True", (GUARDS,), "run.ledger.runs.handed_on(run.run_id)[0] == len(descriptors)"),
    Gate(
        "steps.guard:_totals",
        "False",
        (GUARDS,),
        'bool(row.get("resume_after") or (row.get("window") or {}).get("resume_after"))',
    ),
    Gate("steps.guard:_refusal", 'return ""', (GUARDS,)),
    Gate(
        "steps.guard:_refusal",
        "False",
        (f"{PREVIEW}::test_withheld_customers_are_in_no_sum_and_change_the_hash",),
        "request.plan_hash and request.plan_hash != facts.plan_hash",
    ),
    Gate(
        "steps.guard:_refusal",
        "False",
        (f"{PREVIEW}::test_failed_batch_is_unknown_and_a_bound_run_is_refused",),
        "request.plan_hash and facts.unknown",
    ),
    Gate(
        "steps.guard:_refusal",
        "False",
        (f"{APPROVAL}::test_tripped_guard_asks_with_facts_or_refuses_as_the_connector_says",),
        'facts.tripped and run.connector.approval.ask == "never"',
    ),
    Gate(
        "steps.guard:_refusal",
        "False",
        (f"{APPROVAL}::test_tripped_guard_asks_with_facts_or_refuses_as_the_connector_says",),
        "not can_ask",
    ),
    Gate(
        "steps.guard:_why_ask",
        "return []",
        (f"{APPROVAL}::test_all_of_the_plan_is_skipped_by_name_and_comes_back_when_a_person_says_no",),
    ),
    Gate(
        "steps.guard:settle_plan",
        "if False:  # ",
        (f"{PREVIEW}::test_previewed_plan_is_the_applied_one_row_by_row",),
        "if request.dry_run:",
    ),
    Gate(
        "steps.as_before:remember",
        "{}",
        (f"{AS_BEFORE}::test_a_contact_that_moved_loses_access_while_its_former_customer_is_on_hold",),
        "run.ledger.runs.owners_of_moved(run.run_id)",
    ),
    Gate(
        "steps.as_before:AsBeforeCustomers.__call__",
        "[]",
        (f"{AS_BEFORE}::test_an_open_write_is_read_back",),
        "ledger.intents.unanswered()",
    ),
    Gate(
        "ledger.state.source_rows:_hash",
        "rows",
        (
            f"{AS_BEFORE}::test_whoever_is_marked_is_judged",
            f"{AS_BEFORE}::test_what_is_applied_no_more_is_judged",
            f"{AS_BEFORE}::test_the_reference_is_written_when_that_is_switched_on",
        ),
        'f"{rows} {rules} {facts.told} {facts.company_id} {facts.status} {facts.content_hash}"',
    ),
    Gate("steps.guard:_unknown", "return []", (f"{PREVIEW}::test_failed_batch_is_unknown_and_a_bound_run_is_refused",)),
    Gate("steps.batch_plan:_unknown", "return None", (f"{PREVIEW}::test_write_without_an_answer_is_unknown",)),
    Gate("steps.approval:approve_plan", "return []", (APPROVAL,)),
    Gate(
        "steps.approval:approve_plan",
        "[]",
        (f"{APPROVAL}::test_plan_is_refused_when_it_was_made_anew_while_the_answer_was_awaited",),
        "[descriptor.label for descriptor in approved if digests.get(descriptor.key) != descriptor.digest]",
    ),
    Gate(
        "ledger.story.plans:Plans.written_by_others",
        "return []",
        (f"{APPROVAL}::test_plan_is_refused_when_another_run_wrote_to_its_customers_meanwhile",),
    ),
    Gate(
        "ledger.story.plans:Plans.reopen",
        "return None",
        (f"{APPROVAL}::test_customers_are_planned_again_when_guard_is_cleared_after_a_no",),
    ),
    # -- one Account Email, one company
    Gate(
        "steps.guard:_settle_duplicates",
        "return set()",
        (f"{PREVIEW}::test_withheld_customers_are_in_no_sum_and_change_the_hash",),
    ),
    Gate(
        "steps.guard:_without_withheld",
        "return list(descriptors)",
        (f"{PREVIEW}::test_what_is_shown_adds_up_to_what_load_will_find",),
    ),
    Gate(
        "ledger.story.plans:Plans.withhold",
        "return None",
        (f"{PREVIEW}::test_what_is_shown_adds_up_to_what_load_will_find",),
    ),
    Gate(
        "steps.load:load_batch",
        "frozenset()",
        (f"{CHANGES}::test_customer_waits_in_quarantine_when_its_account_email_is_another_ones",),
        "frozenset(descriptor.withheld)",
    ),
    # -- batches arrive whole, and as they were planned
    Gate(
        "model.batch:check",
        "False",
        (f"{UNIT}/test_batches_arrive_whole.py",),
        "hashlib.blake2b(data, digest_size=16).hexdigest() != digest",
    ),
    Gate(
        "steps.load:load_batch",
        "False",
        (f"{SYNC}/test_load_refuses.py",),
        "descriptor.mapping != run.mapping_fingerprint()",
    ),
    # -- the store is as the connector file says
    Gate("steps.load:_Load._check_store", "return None", (f"{SYNC}/test_load_refuses.py",)),
    Gate("loading.context:LoadContext.check_roles", "return None", (f"{SYNC}/test_load_refuses.py",)),
    Gate("loading.context:LoadContext.check_payment_codes", "return None", (f"{SYNC}/test_load_refuses.py",)),
    Gate(
        "loading.setting_writes:stop_changed_elsewhere",
        "return None",
        (f"{CHANGES}::test_nothing_is_written_when_someone_else_changed_the_reference",),
    ),
    Gate("loading.setting_writes:_names_foreign_company", "return False", (f"{SYNC}/test_load_refuses.py",)),
    Gate(
        "loading.setting_writes:_names_foreign_company",
        "False",
        (f"{SYNC}/test_load_refuses.py",),
        "not reference.isdecimal() or len(reference) > MOST_ID_DIGITS",
    ),
    # -- one writer at a time, and nothing twice
    Gate("ledger.coordination.lease:Lease.confirm", "return None", (LEASE,)),
    Gate("ledger.coordination.lease:Lease._try_acquire", "return None", (LEASE,)),
    Gate("ledger.coordination.lease:Lease.check", "return None", (LEASE,)),
    Gate("ledger.coordination.sign_of_life:Watch.is_dead", "return False", (LEASE,)),
    Gate("ledger.coordination.sign_of_life:is_gone", "return False", (LEASE,)),
    Gate("http.exchange:Exchange._outwait", "return None", ("tests/unit/http_transport/test_late_writes.py",)),
    Gate("ledger.coordination.lease:Lease.unsettled_s", "return 0.0", (LEASE,)),
    Gate("ledger.coordination.lease:Lease.release", "return None", (LEASE,)),
    Gate(
        "loading.dispatch:Dispatcher._exchange",
        "pass",
        (f"{FAILURES}/test_systems_out_of_reach.py::test_older_try_stops_when_a_newer_try_of_the_same_load_took_over",),
        "self._lease.confirm(connection)",
    ),
    Gate(
        "steps.load:_lease_for",
        "pass",
        (f"{FAILURES}/test_systems_out_of_reach.py::test_second_run_gives_way_when_another_run_is_writing",),
        "lease.acquire()",
    ),
    Gate(
        "steps.load:_Load.answer_open_intents",
        "return None",
        (f"{FAILURES}/test_faults_on_every_write.py::test_store_is_as_undisturbed_when_reading_back_fails_too",),
    ),
    Gate(
        "steps.load:_Load._outwait_the_older_attempt",
        "return None",
        ("tests/reliability/test_at_the_same_time.py",),
    ),
    # -- quarantine
    Gate("model.company:attempt_hash", "return content_hash(company)", (f"{UNIT}/test_plan_differences.py",)),
    Gate("model.company:attempt_hash", 'return content_hash("")', (f"{UNIT}/test_plan_differences.py",)),
    Gate(
        "steps.transform:transform_batch",
        "held = {}",
        (f"{CHANGES}::test_refused_customer_is_not_sent_again_when_nothing_changed",),
        "held = {} if request.retry_quarantined else batch_plan.known",
    ),
    Gate(
        "steps.transform:transform_batch",
        "held = batch_plan.known",
        (f"{CHANGES}::test_refused_customer_is_sent_again_when_an_operator_asks",),
        "held = {} if request.retry_quarantined else batch_plan.known",
    ),
    Gate(
        "steps.batch_plan:plan_troubled",
        "()",
        ("tests/conformance/pipeline/test_parts_stand_alone.py",),
        "leaving.operations",
    ),
    # -- who is in the store
    Gate("rules.eligibility:decide_eligibility", "return Decision()", (f"{UNIT}/test_eligibility_rules.py",)),
    Gate("planning.set_aside:is_set_aside", "return False", (f"{UNIT}/test_set_aside.py",)),
    Gate("planning.set_aside:source_hash", 'return ""', (f"{UNIT}/test_set_aside.py",)),
    Gate("steps.filter:_pass_over", "return {}", (f"{SYNC}/test_set_aside_by_hand.py",)),
    Gate(
        "steps.filter:_pass_over",
        "True",
        (f"{SYNC}/test_set_aside_by_hand.py::test_a_dry_run_takes_no_mark_away",),
        'not (row and row["dry_run"])',
    ),
    Gate("steps.filter:_book_passed_over", "return None", (f"{SYNC}/test_set_aside_by_hand.py",)),
    Gate(
        "steps.filter:_follow_renames",
        "return set(run.ledger.links.load_hashes(item.customer_id for item in batch.items))",
        (f"{SYNC}/test_moved_and_renamed.py",),
    ),
    Gate(
        "steps.filter:filter_batch",
        "set()",
        (
            f"{FAILURES}/test_faults_on_every_write.py::test_company_of_a_lost_answer_is_withdrawn_when_its_customer_leaves_meanwhile",
        ),
        "run.ledger.intents.unanswered_by({item.customer_id: item.record_id for item in refused}).keys()",
    ),
    # -- the balance, and the watermarks that it moves
    Gate("steps.audit:_problems", "return []", (BALANCE,)),
    Gate("steps.audit:_problems", "False", (BALANCE,), 'total != row["extracted"]'),
    Gate("steps.audit:_problems", "False", (BALANCE,), "sum(batch.count for batch in extracted) != handed_on"),
    Gate("steps.audit:_problems", "False", (BALANCE,), 'report.intents.get("open") and not failed_tasks'),
    Gate("steps.audit:_problems", "if False:", (BALANCE,), "if failed_tasks:"),
    Gate("steps.audit:_problems", "if False:", (BALANCE,), "if missing:"),
    Gate("steps.audit:_problems", "if False:", (BALANCE,), "if extracted is None:"),
    Gate("steps.audit:_refusal", "return []", (f"{APPROVAL}::test_silence_is_a_no_that_says_so",)),
    Gate("steps.audit:_close_the_rest", "return []", (BALANCE,)),
    Gate(
        "steps.audit:audit_run",
        "True",
        (BALANCE, f"{WINDOWS}::test_failed_customer_is_read_again_when_its_stamp_lies_far_behind"),
        'not problems and row["moves_watermark"]',
    ),
    Gate("steps.audit:audit_run", 'row["moves_watermark"]', (BALANCE,), 'not problems and row["moves_watermark"]'),
    Gate("steps.audit:audit_run", "not problems", (BALANCE,), 'not problems and row["moves_watermark"]'),
    Gate("steps.audit:audit_run", "True", (AUDITED,), 'row["state"] != "success"'),
    Gate(
        "steps.audit:_move_watermarks",
        "return None",
        (f"{WINDOWS}::test_only_the_edited_customer_is_read_when_a_contact_or_a_location_alone_changes",),
    ),
    Gate("steps.stamps:safe_stamps", "return stamps", (f"{UNIT}/test_safe_stamps.py",)),
    Gate(
        "steps.extract:_Extraction.report_absent",
        "return None",
        (f"{WINDOWS}::test_absent_customers_are_named_when_they_were_selected",),
    ),
    Gate(
        "steps.extract:begin_run",
        "False",
        (f"{WINDOWS}::test_everything_is_read_again_when_the_mapping_changed",),
        "known is not None and known != run.mapping_fingerprint()",
    ),
)


def without(source: str, gate: Gate) -> str:
    """Source text of a module in which one check does nothing.

    Raises:
        LookupError: The function, or the text in it, is not there: the line of :data:`GATES` is out of date.
    """
    node = _function(ast.parse(source), gate.place.partition(":")[2].split("."))
    lines = source.splitlines(keepends=True)
    first, last = node.body[0].lineno - 1, node.end_lineno or node.lineno
    body = "".join(lines[first:last])
    if gate.text:
        if body.count(gate.text) != 1:
            raise LookupError(f"{gate.place} holds {gate.text!r} {body.count(gate.text)} times, not once.")
        body = body.replace(gate.text, gate.instead)
    else:
        body = f"{' ' * node.body[0].col_offset}{gate.instead}\n"
    return "".join([*lines[:first], body, *lines[last:]])


def _function(tree: ast.Module, names: list[str]) -> ast.FunctionDef:
    found: list[ast.stmt] = tree.body
    node: ast.stmt | None = None
    for name in names:
        named = (each for each in found if isinstance(each, ast.ClassDef | ast.FunctionDef) and each.name == name)
        node = next(named, None)
        found = node.body if node else []
    if isinstance(node, ast.FunctionDef):
        return node
    raise LookupError(f"There is no function {'.'.join(names)}.")


def copy_tree() -> None:
    """Make the copy afresh."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, COPY / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, COPY / part)


def failing(tests: Iterable[str]) -> str | None:
    """The first of some tests that fails on the copy; ``None`` when all pass.

    Raises:
        RuntimeError: pytest could not run them.
    """
    options = ("-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-m", "not long and not live", "--tb=no")
    command = [sys.executable, "-m", "pytest", *options, *tests]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (COPY / "include", COPY / "plugins", COPY)))}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(  # noqa: S603 - arguments are our own
        command, cwd=COPY, env=environment, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"pytest could not run {' '.join(tests)}:\n{done.stdout}{done.stderr}")
    if done.returncode == 0:
        return None
    failed = next((line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))), "")
    return failed.partition("::")[2].partition(" - ")[0]


def noticed_by(gate: Gate) -> str | None:
    """The test that fails without the check; ``None`` when its absence goes unnoticed."""
    path = COPY / gate.path
    whole = path.read_text(encoding="utf-8")
    path.write_text(without(whole, gate), encoding="utf-8")
    try:
        return failing(gate.tests)
    except subprocess.TimeoutExpired:
        return "they do not end"
    finally:
        path.write_text(whole, encoding="utf-8")


def main() -> int:
    """Run the command; 1 when the absence of a check went unnoticed."""
    parser = argparse.ArgumentParser(prog="gates", description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="a part of the names of checks")
    only = parser.parse_args().only
    chosen = [gate for gate in GATES if only in gate.place]
    copy_tree()
    for tests in sorted({gate.tests for gate in chosen}):
        # A test that fails anyway would seem to notice everything.
        if broken := failing(tests):
            print(f"{broken} fails with every check in its place.", file=sys.stderr)
            return 1
    unnoticed = []
    for gate in chosen:
        started_s = time.monotonic()
        test = noticed_by(gate)
        what = f"{gate.place} ({' '.join((gate.text or 'body').split())} -> {gate.instead})"
        print(f"{'noticed' if test else 'UNNOTICED':<10}{time.monotonic() - started_s:4.0f} s  {what}", flush=True)
        if test is None:
            unnoticed.append(what)
        else:
            print(f"{'':<18}{test}")
    print(f"{len(chosen) - len(unnoticed)} of {len(chosen)} checks are missed by a test when they are gone.")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
