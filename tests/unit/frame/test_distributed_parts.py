"""The compose file is read as docker-compose reads it and moved to this machine; documents hold what is computed."""

import json
import re
from pathlib import Path

import pytest
from dotenv import dotenv_values

from demo.errors import DemoError
from distributed.compose_file import filled_in, read_services
from distributed.on_loopback import LOOPBACK, Machine
from distributed.scale_model import Shape, batches_of, first_load, tables

ROOT = Path(__file__).resolve().parents[3]
VALUES = {name: value or "" for name, value in dotenv_values(ROOT / ".env.example").items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a ${SET} b", "a value b"),
        ("${SET:-other}", "value"),
        ("${UNSET:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${UNSET}", ""),
        ("$${SET} and $$1", "${SET} and $1"),
        ("${SET:?why}", "value"),
    ],
)
def test_variables_are_filled_in_as_compose_does(text: str, expected: str) -> None:
    """Defaults, doubled dollars, values; nested in lists and mappings."""
    assert filled_in({"key": [text]}, {"SET": "value", "EMPTY": ""}) == {"key": [expected]}


def test_a_required_variable_is_named_when_it_is_missing() -> None:
    """As compose does, with the file's own words."""
    with pytest.raises(DemoError, match=r"needs SECRET: fill it in"):
        filled_in("${SECRET:?fill it in}", {})


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine whose connector files are the test's."""
    (tmp_path / "connectors").mkdir()
    return Machine(ROOT, tmp_path, {"/opt/connector/include/connectors": tmp_path / "connectors"})


def test_services_talk_to_each_other_on_the_loopback_interface_when_they_are_moved(
    machine: Machine, tmp_path: Path
) -> None:
    """Host names, ports and folders are this machine's; every other value is the compose file's."""
    services = read_services(ROOT / "docker-compose.yaml", VALUES)
    (scheduler,) = machine.launches(services["airflow-scheduler"])
    environment = scheduler.environment
    postgres, redis = (f"@{LOOPBACK}:{machine.port_of(name)}" for name in ("postgres", "redis"))
    for name in ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "CUSTOMER_SYNC_LEDGER_URL", "AIRFLOW__CELERY__RESULT_BACKEND"):
        assert postgres in environment[name], name
    assert redis in environment["AIRFLOW__CELERY__BROKER_URL"]
    api = f"http://{LOOPBACK}:{machine.port_of('airflow-apiserver')}/execution/"
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == api
    assert environment["AIRFLOW__CORE__DAGS_FOLDER"] == str(ROOT / "dags")
    assert environment["CUSTOMER_SYNC_CONNECTORS_DIR"] == str(tmp_path / "connectors")
    assert (
        environment["AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH"] == f"file://{tmp_path / 'volumes' / 'xcom-objects'}"
    )
    assert scheduler.command == ("bash", "-c", "umask 077 && exec airflow scheduler")
    changed = {
        name for name, value in environment.items() if services["airflow-scheduler"].environment.get(name) != value
    }
    assert not {name for name in changed if name.startswith("AIRFLOW__CORE__XCOM") or "TIMEOUT" in name}


def test_every_replica_of_a_worker_is_a_process_of_its_own(machine: Machine) -> None:
    """Two workers by default, each with its own name and home."""
    services = read_services(ROOT / "docker-compose.yaml", VALUES)
    workers = machine.launches(services["airflow-worker"])
    assert [each.name for each in workers] == ["airflow-worker-1", "airflow-worker-2"]
    assert len({each.environment["HOSTNAME"] for each in workers}) == 2
    assert len({each.environment["AIRFLOW_HOME"] for each in workers}) == 2
    assert all('--celery-hostname "worker@${HOSTNAME}"' in each.command[-1] for each in workers)


def test_no_other_address_is_listened_on_when_services_are_moved(machine: Machine) -> None:
    """What listens in a container on all interfaces listens here on the loopback interface."""
    services = read_services(ROOT / "docker-compose.yaml", VALUES)
    (api,) = machine.launches(services["airflow-apiserver"])
    (redis,) = machine.launches(services["redis"])
    assert api.environment["AIRFLOW__API__HOST"] == LOOPBACK
    assert api.environment["AIRFLOW__API__PORT"] == str(machine.port_of("airflow-apiserver"))
    assert f"--bind {LOOPBACK} --port {machine.port_of('redis')}" in redis.command[-1]
    assert f"-p {machine.port_of('redis')} ping" in redis.healthcheck[-1]


@pytest.mark.parametrize(("customers", "batches", "runs"), [(0, 0, 0), (1, 1, 1), (500, 1, 1), (1001, 3, 1)])
def test_batches_grow_as_extract_lets_them_grow(customers: int, batches: int, runs: int) -> None:
    """Batches and runs of a read, with the connector file's defaults."""
    assert batches_of(customers) == (batches, runs)


def test_a_long_read_takes_several_runs_when_the_batches_are_used_up() -> None:
    """At most 64 batches a run, and none of them larger than 5,000."""
    batches, runs = batches_of(10_000_000)
    assert batches >= 2_000
    assert 64 * (runs - 1) < batches <= 64 * runs


def test_the_document_holds_what_the_model_computes() -> None:
    """docs/scaling.md has the tables of the command, as they are."""
    document = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    assert all(table in document for table in tables().split("\n\n"))


def test_costs_follow_customers_and_not_connectors() -> None:
    """The same customers in more connectors: the same requests and rows, more tasks, less time per store."""
    one, many = first_load(Shape(1, 1_000_000)), first_load(Shape(100, 1_000_000))
    assert one[3] == many[3]
    assert one[5:] == many[5:]
    assert int(one[2].replace(",", "")) < int(many[2].replace(",", ""))


def test_every_panel_asks_for_a_metric_of_ours_or_of_airflow() -> None:
    """The dashboard is valid JSON, and its questions name what is sent."""
    board = json.loads((ROOT / "config" / "grafana" / "customer-sync.json").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(board["panels"]) == 12
    assert len({panel["id"] for panel in board["panels"]}) == 12
    assert all("airflow_" in expression for expression in asked)
    documented = re.findall(
        r"^\| `customer_sync\.(\w+)`", (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    ours = {name for expression in asked for name in re.findall(r"airflow_customer_sync_(\w+)", expression)}
    # The exporter adds the unit and the parts of a histogram.
    assert {re.sub(r"(_seconds)?(_bucket)?$", "", name) for name in ours} == set(documented)
