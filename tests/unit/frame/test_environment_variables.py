"""Every environment variable that the code reads, or that a file of ours sets, is documented."""

import ast
import re
from pathlib import Path

import yaml
from dotenv import dotenv_values

from demo.ports import Ports
from demo.settings import Place, airflow_environment, load_secrets

ROOT = Path(__file__).resolve().parents[3]
OURS = ("include", "plugins", "dags", "sandbox", "demo", "distributed", "matrix", "real", "tests")
DOCUMENTED = set(
    re.findall(r"`([A-Z][A-Z0-9_]+)(?:=[^`]*)?`", (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8"))
)


def variables_read_in(source: str) -> set[str]:
    """Names of the environment variables that a module reads; constants of the module are looked up."""
    if "environ" not in source and "getenv" not in source:
        return set()
    tree = ast.parse(source)
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    keys: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            keys.append(node.slice)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"os.environ.get", "os.getenv"}:
            keys.append(node.args[0])
    literal = {key.value for key in keys if isinstance(key, ast.Constant)}
    named = {constants[key.id] for key in keys if isinstance(key, ast.Name) and key.id in constants}
    return {str(name) for name in literal | named}


def test_the_search_finds_a_variable_when_it_is_read_in_any_of_the_usual_ways() -> None:
    """Index, get, getenv and a constant's name are seen; a dictionary of another name is not."""
    source = "A='ONE'\nimport os\nos.environ[A]; os.environ.get('TWO', 1); os.getenv('THREE'); other.get('FOUR')"
    assert variables_read_in(source) == {"ONE", "TWO", "THREE"}


def test_a_variable_is_documented_when_the_code_reads_it() -> None:
    """docs/configuration.md knows every variable that a module reads."""
    read = {
        name
        for folder in OURS
        for path in (ROOT / folder).rglob("*.py")
        for name in variables_read_in(path.read_text(encoding="utf-8"))
    }
    assert {"CUSTOMER_SYNC_LEDGER_URL", "CUSTOMER_SYNC_CONNECTORS_DIR"} <= read
    assert read <= DOCUMENTED


def test_a_variable_is_set_in_compose_when_it_belongs_to_the_product() -> None:
    """Nothing of the product is left to a default in the containers."""
    compose = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
    own = {name for name in DOCUMENTED if name.startswith("CUSTOMER_SYNC_")}
    assert own == {"CUSTOMER_SYNC_LEDGER_URL", "CUSTOMER_SYNC_CONNECTORS_DIR", "CUSTOMER_SYNC_REPORTS_DIR"}
    assert own <= set(compose["services"]["airflow-scheduler"]["environment"])


def test_a_variable_is_documented_when_the_env_file_has_it() -> None:
    """docs/configuration.md explains every line of .env.example."""
    assert set(dotenv_values(ROOT / ".env.example")) <= DOCUMENTED


def test_advised_settings_are_those_in_use_when_the_documentation_lists_them(tmp_path: Path) -> None:
    """Every AIRFLOW__ setting of the documentation is set by compose; the demo sets the same but for its own needs."""
    advised = {name for name in DOCUMENTED if name.startswith("AIRFLOW__")}
    compose = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
    in_compose = set(compose["services"]["airflow-scheduler"]["environment"])
    place = Place(tmp_path)
    place.home.mkdir()
    in_demo = set(airflow_environment(place, Ports(), load_secrets(place)))
    assert len(advised) > 10
    assert advised <= in_compose
    # A machine of one's own needs no queue, no recovery from lost workers and no collector.
    distributed_only = ("AIRFLOW__SCHEDULER__T", "AIRFLOW__SCHEDULER__NUM_STUCK", "AIRFLOW__WORKERS__EXECUTION_API_")
    sections = ("AIRFLOW__CELERY", "AIRFLOW__METRICS__STATSD", "AIRFLOW__SECRETS__")
    assert {name for name in advised - in_demo if not name.startswith((*distributed_only, *sections))} == set()
