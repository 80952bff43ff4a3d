# ruff: noqa: INP001, T201 - a script of the continuous integration, imported by nobody; what it prints is its answer
"""Change the product's decisions in one small place at a time (mutmut): a test must fail each time.

mutmut takes module names from paths below `src`, so it works on a copy in which `include` is called that
(`.cache/mutants`); its settings are in `pyproject.toml`. The copy is kept: a run that was broken off goes on, and
functions that did not change keep their verdict as long as no test changed.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / ".cache" / "mutants"
ACCEPTED = ROOT / ".ci" / "mutants_accepted.toml"
MUTMUT = Path(sys.executable).with_name("mutmut")
PARTS = ("include", "plugins", "dags", "tests", "docs", "pyproject.toml", "README.md")
TESTS = ("tests/unit/customer_sync", "tests/properties")
NOTICED = frozenset({"killed", "timeout", "caught by type check"})
_RESULT = re.compile(r"^\s+(?P<name>customer_sync\.\S+): (?P<verdict>.+)$")


def prepare() -> None:
    """Bring the copy up to date; where a test changed, all verdicts go."""
    tests = hashlib.blake2b(digest_size=16)
    for path in sorted(path for folder in TESTS for path in (ROOT / folder).rglob("*.py")):
        tests.update(path.read_bytes())
    stamp = COPY / "tests.digest"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != tests.hexdigest():
        shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        _copy(ROOT / part, COPY / part)
    _copy(ROOT / "include", COPY / "src")
    stamp.write_text(tests.hexdigest(), encoding="utf-8")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)


def run(only: str, processes: int, minutes: int) -> None:
    """Try every mutant, or those of the modules that ``only`` names, for so many minutes at most.

    Raises:
        subprocess.CalledProcessError: mutmut could not run; its own words say why.
    """
    names = [f"customer_sync.{only}*"] if only else []
    command = [str(MUTMUT), "run", "--max-children", str(processes), *names]
    with subprocess.Popen(command, cwd=COPY) as process:  # noqa: S603 - arguments are our own
        try:
            code = process.wait(timeout=minutes * 60)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            print(f"\nStopped after {minutes} minutes; the next run goes on.")
            process.wait()
            return
    if code:
        raise subprocess.CalledProcessError(code, command)


def verdicts(only: str) -> dict[str, str]:
    """What became of each mutant, by its name."""
    said = _mutmut("results", "--all", "True")
    found = {match["name"]: match["verdict"] for line in said.splitlines() if (match := _RESULT.match(line))}
    return {name: verdict for name, verdict in found.items() if name.startswith(f"customer_sync.{only}")}


def report(found: dict[str, str]) -> int:
    """Print the figures and what went unnoticed; returns how much of that nobody accepted."""
    by_module: dict[str, Counter[str]] = {}
    for name, verdict in found.items():
        by_module.setdefault(name.rpartition(".")[0], Counter())[verdict] += 1
    print(f"\n{'module':<44}{'mutants':>8}{'noticed':>8}{'score':>7}")
    for module, counts in [*sorted(by_module.items()), ("all", sum(by_module.values(), Counter()))]:
        tried = counts.total() - counts["not checked"]
        noticed = sum(counts[verdict] for verdict in NOTICED)
        print(f"{module:<44}{tried:>8}{noticed:>8}{noticed / max(tried, 1):>7.1%}")
    left = [name for name, verdict in found.items() if verdict not in NOTICED | {"not checked"}]
    reasons = {name: _reason(name, _mutmut("show", name)) for name in left}
    unexplained = [name for name, reason in reasons.items() if not reason]
    for reason, count in Counter(reason for reason in reasons.values() if reason).most_common():
        print(f"  accepted {count:>3}: {reason}")
    for name in unexplained:
        print(f"\n{name} ({found[name]})")
        print("\n".join(line for line in _mutmut("show", name).splitlines() if re.match(r"[-+](?![-+])", line)))
    untried = Counter(found.values())["not checked"]
    print(f"\n{len(unexplained)} mutants went unnoticed, {len(left) - len(unexplained)} more are accepted", end="")
    print(f", {untried} were not tried." if untried else ".")
    return len(unexplained)


def _reason(name: str, diff: str) -> str:
    """Why a mutant that no test notices changes nothing that anybody could see; ``""`` when nobody said."""
    added = "\n".join(line for line in diff.splitlines() if re.match(r"[-+](?![-+])", line))
    for entry in tomllib.loads(ACCEPTED.read_text(encoding="utf-8"))["accepted"]:
        if re.search(entry["function"], name) and re.search(entry.get("change", ""), added):
            return str(entry["reason"])
    return ""


def _mutmut(*arguments: str) -> str:
    done = subprocess.run([str(MUTMUT), *arguments], cwd=COPY, check=True, capture_output=True, text=True)  # noqa: S603 - arguments are our own
    return done.stdout


def main() -> int:
    """Run the command; 1 when a change went unnoticed that nobody accepted."""
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="modules, as rules.eligibility; all by default")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--minutes", type=int, default=60, help="the longest run")
    chosen = parser.parse_args()
    prepare()
    run(chosen.only, chosen.processes, chosen.minutes)
    return 1 if report(verdicts(chosen.only)) else 0


if __name__ == "__main__":
    sys.exit(main())
