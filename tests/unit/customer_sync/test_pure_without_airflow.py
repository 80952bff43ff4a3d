"""The product runs where Airflow is not installed."""

import subprocess
import sys

import pytest

PURE = [
    *(f"model.{name}" for name in ("customer", "company", "operation", "outcome", "batch", "difference")),
    *(f"rules.{name}" for name in ("eligibility", "company_mapping", "company_users", "address_book", "places")),
    *(f"planning.{name}" for name in ("diff", "window", "user_match", "guard_limits", "plan_facts")),
    "settings.connector_file",
    "reporting.log_entry",
]

CHECK = """
import importlib, sys
for name in sys.argv[2].split(","):
    importlib.import_module(f"customer_sync.{name}")
print(",".join(name for name in sys.argv[1].split(",") if name in sys.modules))
"""


def loaded(wanted: list[str], modules: list[str]) -> list[str]:
    """Import modules of the product in a process of their own; give those of ``wanted`` that came along."""
    command = [sys.executable, "-c", CHECK, ",".join(wanted), ",".join(modules)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 - our own words
    return [name for name in done.stdout.strip().split(",") if name]


@pytest.mark.parametrize("modules", [PURE, ["pipeline", "ledger"]], ids=["rules", "pipeline"])
def test_airflow_is_not_imported_when_the_product_is(modules: list[str]) -> None:
    """Rules, ledger and pipeline can be embedded, tested and measured without Airflow."""
    assert loaded(["airflow"], modules) == []


def test_the_rules_bring_no_database_and_no_network_along() -> None:
    """What decides is cheap to import: the DAG processor pays for it at every parse."""
    assert loaded(["sqlalchemy", "alembic", "sqlite3", "requests", "urllib3"], PURE) == []


@pytest.mark.parametrize("step", ["filter", "transform", "guard", "audit"])
def test_a_step_that_calls_no_system_brings_no_client_along(step: str) -> None:
    """A task is a process of its own; both clients take longer to import than such a step to run."""
    clients = ["customer_sync.sources.acumatica.client", "customer_sync.targets.better_b2b.adapter"]
    assert loaded(clients, [f"steps.{step}"]) == []
