# ruff: noqa: INP001 - a script of the continuous integration, imported by nobody
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
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / ".cache" / "gates"
PARTS = ("include", "plugins", "dags", "sandbox", "tests", "docs", "pyproject.toml", "README.md")
LONGEST_S = 300
"""A check whose absence makes its tests hang is noticed, too."""

SYNC = "tests/integration/sync"
LEDGER = "tests/integration/ledger"
UNIT = "tests/unit/customer_sync"


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
    Gate("steps.contract_gate:check_contract", "return None", (f"{SYNC}/test_contract_gate.py",)),
    Gate("steps.load:_Load.perform", "pass", (f"{SYNC}/test_contract_gate.py",), "check_contract(context.run, context.source)"),
    Gate("planning.guard_limits:tripped_guards", "return []", (f"{UNIT}/test_guards.py",)),
    Gate("planning.guard_limits:_too_many", "return []", (f"{UNIT}/test_guards.py",)),
    Gate("steps.guard:settle_plan", "tripped = []", (f"{SYNC}/test_guards_refuse.py",), "tripped = [] if request.mode == \"selected\" else tripped_guards(_totals(run, settled), run.connector.guards)"),
    Gate("steps.guard:_refusal", 'return ""', (f"{SYNC}/test_guards_refuse.py", f"{SYNC}/test_approval.py", f"{SYNC}/test_plan_preview.py")),
    Gate("steps.guard:_refusal", "False", (f"{SYNC}/test_plan_preview.py",), "request.plan_hash and request.plan_hash != facts.plan_hash"),
    Gate("steps.guard:_refusal", "False", (f"{SYNC}/test_plan_preview.py",), "request.plan_hash and facts.unknown"),
    Gate("steps.guard:_refusal", "False", (f"{SYNC}/test_approval.py",), 'facts.tripped and run.connector.approval.ask == "never"'),
    Gate("steps.guard:_refusal", "False", (f"{SYNC}/test_approval.py",), "not can_ask"),
    Gate("steps.guard:_why_ask", "return []", (f"{SYNC}/test_approval.py",)),
    Gate("steps.guard:_settle_duplicates", "return set()", (f"{SYNC}/test_plan_preview.py", f"{SYNC}/test_bad_input.py")),
    Gate("steps.guard:_without_withheld", "return list(descriptors)", (f"{SYNC}/test_plan_preview.py",)),
    Gate("steps.guard:_unknown", "return []", (f"{SYNC}/test_plan_preview.py",)),
    Gate("steps.guard:settle_plan", "if False:\n", (f"{SYNC}/test_plan_preview.py", f"{SYNC}/test_first_sync.py"), "if request.dry_run:\n"),
    Gate("steps.guard:_totals", "is_complete = True", (f"{SYNC}/test_guards_refuse.py",), "is_complete = run.ledger.runs.batch_count(run.run_id) == len(descriptors)"),
    Gate("steps.guard:_totals", "is_continued = False", (f"{SYNC}/test_guards_refuse.py", f"{SYNC}/test_windows_of_runs.py"), 'is_continued = bool(row.get("resume_after") or (row.get("window") or {}).get("resume_after"))'),
    Gate("steps.approval:approve_plan", "return []", (f"{SYNC}/test_approval.py",)),
    Gate("steps.approval:approve_plan", "", (f"{SYNC}/test_approval.py",), "descriptor.label for descriptor in approved if digests.get(descriptor.key) != descriptor.digest"),
    Gate("ledger.story.plans:Plans.written_by_others", "return []", (f"{SYNC}/test_approval.py",)),
    Gate("ledger.story.plans:Plans.reopen", "return None", (f"{SYNC}/test_approval.py",)),
    Gate("ledger.story.plans:Plans.withhold", "return None", (f"{SYNC}/test_plan_preview.py",)),
    Gate("steps.load:load_batch", "withheld = frozenset()", (f"{SYNC}/test_plan_preview.py", f"{SYNC}/test_bad_input.py", f"{SYNC}/test_changes_of_customers.py"), "withheld = frozenset(descriptor.withheld)"),
    Gate("steps.load:_Load._check_store", "return None", (f"{SYNC}/test_bad_input.py", f"{SYNC}/test_first_sync.py", f"{SYNC}/test_synced_content.py")),
    Gate("loading.context:LoadContext.check_roles", "return None", (f"{SYNC}/test_bad_input.py", f"{SYNC}/test_first_sync.py")),
    Gate("loading.context:LoadContext.check_payment_codes", "return None", (f"{SYNC}/test_bad_input.py", f"{SYNC}/test_first_sync.py")),
    Gate("steps.load:_Load._answer_open_intents", "return None", (f"{SYNC}/test_bad_input.py", "tests/integration/failures/test_faults_on_every_write.py")),
    Gate("steps.load:_Load._outwait_the_older_attempt", "return None", ("tests/reliability/test_at_the_same_time.py",)),
    Gate("loading.setting_writes:stop_changed_elsewhere", "return None", (f"{SYNC}/test_changes_of_customers.py",)),
    Gate("loading.setting_writes:_names_foreign_company", "return False", (f"{SYNC}/test_changes_of_customers.py",)),
    Gate("loading.setting_writes:_names_foreign_company", "False", (f"{SYNC}/test_changes_of_customers.py",), "not reference.isdecimal() or len(reference) > _MOST_ID_DIGITS"),
    Gate("ledger.coordination.lease:Lease.confirm", "return None", (f"{LEDGER}/test_ledger_lease.py",)),
    Gate("ledger.coordination.lease:Lease._try_acquire", "return True", (f"{LEDGER}/test_ledger_lease.py",)),
    Gate("ledger.coordination.lease:Lease.unsettled_s", "return 0.0", (f"{LEDGER}/test_ledger_lease.py",)),
    Gate("ledger.coordination.lease:Lease.release", "return None", (f"{LEDGER}/test_ledger_lease.py",)),
    Gate("loading.dispatch:Dispatcher._exchange", "pass", ("tests/reliability/test_at_the_same_time.py",), "self._lease.confirm(connection)"),
    Gate("steps.load:load_batch", "pass", ("tests/reliability/test_at_the_same_time.py",), "lease.acquire()"),
    Gate("model.company:attempt_hash", 'return content_hash([company])', (f"{SYNC}/test_changes_of_customers.py", f"{SYNC}/test_bad_input.py")),
    Gate("model.company:attempt_hash", 'return "x"', (f"{SYNC}/test_changes_of_customers.py", f"{SYNC}/test_bad_input.py")),
    Gate("steps.transform:_held_back", "return ()", (f"{SYNC}/test_bad_input.py", f"{SYNC}/test_changes_of_people_and_places.py")),
    Gate("steps.transform:_unknown", "return None", (f"{SYNC}/test_plan_preview.py",)),
    Gate("steps.transform:transform_batch", "held = batch_plan.known", (f"{SYNC}/test_bad_input.py", f"{SYNC}/test_windows_of_runs.py"), "held = {} if request.retry_quarantined else batch_plan.known"),
    Gate("steps.transform:transform_batch", "held = {}", (f"{SYNC}/test_bad_input.py", f"{SYNC}/test_changes_of_people_and_places.py"), "held = {} if request.retry_quarantined else batch_plan.known"),
    Gate("steps.transform:_without_unchanged", "return set(desired)", (f"{SYNC}/test_request_counts.py", f"{SYNC}/test_first_sync.py")),
    Gate("steps.filter:_pass_over", "return {}", (f"{SYNC}/test_set_aside_by_hand.py",)),
    Gate("steps.filter:_pass_over", "if True:", (f"{SYNC}/test_set_aside_by_hand.py",), 'if not (row and row["dry_run"]):'),
    Gate("steps.filter:_book_passed_over", "return None", (f"{SYNC}/test_set_aside_by_hand.py",)),
    Gate("steps.filter:_follow_renames", "return None", (f"{SYNC}/test_moved_and_renamed.py",)),
    Gate("steps.filter:filter_batch", "pass", (f"{SYNC}/test_changes_of_customers.py", "tests/integration/failures/test_faults_on_every_write.py"), "linked |= {intent.customer_id for intent in run.ledger.intents.unanswered(refused_ids)}"),
    Gate("planning.set_aside:is_set_aside", "return False", (f"{UNIT}/test_set_aside.py",)),
    Gate("planning.set_aside:source_hash", 'return "x"', (f"{UNIT}/test_set_aside.py",)),
    Gate("rules.eligibility:decide_eligibility", "return Decision()", (f"{UNIT}/test_eligibility_rules.py",)),
    Gate("model.batch:unpack", "False", (f"{UNIT}/test_batches_arrive_whole.py",), "hashlib.blake2b(data, digest_size=16).hexdigest() != descriptor.digest"),
    Gate("steps.audit:_problems", "return []", (f"{SYNC}/test_audited_again.py", f"{SYNC}/test_approval.py")),
    Gate("steps.audit:_problems", "False", (f"{SYNC}/test_audited_again.py",), 'total != row["extracted"]'),
    Gate("steps.audit:_problems", "False", (f"{SYNC}/test_audited_again.py",), 'sum(batch.count for batch in extracted) != row["extracted"]'),
    Gate("steps.audit:_problems", "False", (f"{SYNC}/test_audited_again.py", "tests/integration/failures/test_faults_on_every_write.py"), 'report.intents.get("open") and not failed_tasks'),
    Gate("steps.audit:_problems", "if False:", (f"{SYNC}/test_audited_again.py", f"{SYNC}/test_approval.py"), "if failed_tasks:"),
    Gate("steps.audit:_problems", "if False:", (f"{SYNC}/test_audited_again.py",), "if missing:"),
    Gate("steps.audit:_refusal", "return []", (f"{SYNC}/test_approval.py",)),
    Gate("steps.audit:_close_the_rest", "return []", (f"{SYNC}/test_plan_preview.py", f"{SYNC}/test_audited_again.py")),
    Gate("steps.audit:_move_watermarks", "return None", (f"{SYNC}/test_windows_of_runs.py",)),
    Gate("steps.audit:audit_run", "if True:", (f"{SYNC}/test_windows_of_runs.py", f"{SYNC}/test_audited_again.py"), 'if not problems and row["moves_watermark"] and row["state"] != "success":'),
    Gate("steps.audit:audit_run", 'if not problems and row["moves_watermark"]:', (f"{SYNC}/test_audited_again.py",), 'if not problems and row["moves_watermark"] and row["state"] != "success":'),
    Gate("steps.audit:audit_run", 'if not problems and row["state"] != "success":', (f"{SYNC}/test_windows_of_runs.py",), 'if not problems and row["moves_watermark"] and row["state"] != "success":'),
    Gate("steps.audit:audit_run", 'if row["moves_watermark"] and row["state"] != "success":', (f"{SYNC}/test_windows_of_runs.py", f"{SYNC}/test_approval.py"), 'if not problems and row["moves_watermark"] and row["state"] != "success":'),
    Gate("steps.audit:_compare_with_push", "return {}", (f"{SYNC}/test_run_metrics.py", "tests/integration/push/test_push_ledger.py")),
    Gate("steps.extract:safe_stamps", "return stamps", (f"{UNIT}/test_safe_stamps.py",)),
    Gate("steps.extract:_Extraction.report_absent", "return None", (f"{SYNC}/test_windows_of_runs.py",)),
    Gate("steps.extract:begin_run", "mapping_changed=False", (f"{SYNC}/test_windows_of_runs.py",), "mapping_changed=known is not None and known != run.connector.mapping_fingerprint()"),
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
        node = next((each for each in found if isinstance(each, ast.ClassDef | ast.FunctionDef) and each.name == name), None)
        if not isinstance(node, ast.ClassDef | ast.FunctionDef):
            raise LookupError(f"There is no {'.'.join(names)}.")
        found = node.body
    if not isinstance(node, ast.FunctionDef):
        raise LookupError(f"{'.'.join(names)} is no function.")
    return node


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


def is_noticed(gate: Gate) -> tuple[bool, str]:
    """Whether a test fails without the check, and which."""
    path = COPY / gate.path
    whole = path.read_text(encoding="utf-8")
    path.write_text(without(whole, gate), encoding="utf-8")
    options = ("-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-m", "not long and not live", "--tb=no")
    command = [sys.executable, "-m", "pytest", *options, *gate.tests]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (COPY / "include", COPY / "plugins", COPY)))}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    try:
        done = subprocess.run(command, cwd=COPY, env=environment, capture_output=True, text=True, timeout=LONGEST_S, check=False)  # noqa: S603 - arguments are our own
    except subprocess.TimeoutExpired:
        return True, "it hangs"
    finally:
        path.write_text(whole, encoding="utf-8")
    if done.returncode not in (0, 1):
        raise RuntimeError(f"pytest could not run without {gate.place}:\n{done.stdout}{done.stderr}")
    failed = next((line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))), "")
    return done.returncode == 1, failed.partition("::")[2].partition(" - ")[0]


def main() -> int:
    """Run the command; 1 when the absence of a check went unnoticed."""
    parser = argparse.ArgumentParser(prog="gates", description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="a part of the names of checks")
    only = parser.parse_args().only
    chosen = [gate for gate in GATES if only in gate.place]
    copy_tree()
    unnoticed = []
    for gate in chosen:
        started_s = time.monotonic()
        noticed, test = is_noticed(gate)
        what = f"{gate.place} [{gate.text or 'body'} -> {gate.instead}]"
        print(f"{'noticed  ' if noticed else 'UNNOTICED'} {time.monotonic() - started_s:4.0f} s  {what}  {test}", flush=True)
        if not noticed:
            unnoticed.append(what)
    print(f"{len(chosen) - len(unnoticed)} of {len(chosen)} checks are missed by a test when they are gone.")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
