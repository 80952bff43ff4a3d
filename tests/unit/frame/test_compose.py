"""docker-compose.yaml, its image and its settings, held against what the code needs. No container engine is used."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values
from packaging.specifiers import SpecifierSet

from customer_sync.commands.pools import pools_of
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import connector_paths, load_connector
from customer_sync_airflow.provider import get_provider_info

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
AIRFLOW = ("airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")
WORKER = "airflow-worker"
# service -> the profiles in which it runs; those without a profile always do.
PROFILES = {
    "redis": ["distributed", "flower"],
    WORKER: ["distributed"],
    "flower": ["flower"],
    "statsd-exporter": ["metrics"],
    "twin-acumatica": ["sandbox"],
    "twin-better-b2b": ["sandbox"],
}
TWINS = ("twin-acumatica", "twin-better-b2b")
EXAMPLE = dotenv_values(ROOT / ".env.example")


def connectors() -> list[Connector]:
    """The connectors that ship."""
    found = [load_connector(path) for path in connector_paths(ROOT / "include" / "connectors")]
    assert found
    return found


def mounts(service: str) -> dict[str, str]:
    """What is mounted where: path in the container -> volume or folder."""
    return {each.split(":")[1]: each.split(":")[0] for each in SERVICES[service]["volumes"]}


def covered(path: str, service: str) -> bool:
    """Whether a path lies in something that is mounted."""
    return any(Path(path).is_relative_to(place) for place in mounts(service))


def command_of(service: str) -> str:
    """A service's command as one line of shell."""
    command = SERVICES[service]["command"]
    return str(command[2]) if command[:2] == ["bash", "-c"] else shlex.join(command)


def test_the_api_server_sends_nothing_to_hosts_that_a_person_names_by_default() -> None:
    """*Test* is off until an operator turns it on."""
    environment = SERVICES["airflow-apiserver"]["environment"]
    assert environment["AIRFLOW__CORE__TEST_CONNECTION"] == "${AIRFLOW_TEST_CONNECTION:-Disabled}"
    assert EXAMPLE["AIRFLOW_TEST_CONNECTION"] == "Disabled"


def test_every_part_of_airflow_runs_when_the_services_are_up() -> None:
    """Scheduler, api-server, DAG processor, triggerer, an init that runs once, PostgreSQL; the rest on request."""
    assert set(SERVICES) == {"postgres", "airflow-init", *AIRFLOW, *PROFILES}
    started = {command_of(name).partition("exec ")[2] for name in AIRFLOW}
    assert started == {"airflow api-server", "airflow scheduler", "airflow dag-processor", "airflow triggerer"}
    assert {name: SERVICES[name]["profiles"] for name in SERVICES if SERVICES[name].get("profiles")} == PROFILES
    assert SERVICES["airflow-init"]["restart"] == "no"


def test_tasks_are_spread_over_workers_when_the_shape_is_distributed() -> None:
    """Two Celery workers or more, which start when queue and databases are there."""
    worker = SERVICES[WORKER]
    assert worker["scale"] == 2
    assert "airflow celery worker" in command_of(WORKER)
    assert set(worker["depends_on"]) == {"postgres", "redis", "airflow-init"}
    assert worker["environment"]["AIRFLOW__CORE__EXECUTOR"] == "${AIRFLOW_EXECUTOR:-LocalExecutor}"
    assert "@redis:6379/" in worker["environment"]["AIRFLOW__CELERY__BROKER_URL"]


def test_a_lost_worker_is_noticed_before_its_message_comes_back_when_settings_are_as_shipped() -> None:
    """The queue must not hand a task out again while its first attempt may be at work."""
    environment = {
        name: str(value).rpartition(":-")[2].rstrip("}")
        for name, value in SERVICES["airflow-scheduler"]["environment"].items()
    }
    heartbeat_s = int(environment["AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT"])
    visible_s = int(environment["AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"])
    assert heartbeat_s < int(environment["AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT"]) < visible_s
    assert visible_s >= 6 * 3600


def test_no_service_takes_the_machine_down_when_it_runs_wild() -> None:
    """Memory and container logs are bounded, and what dies comes back."""
    for name, service in SERVICES.items():
        if name not in TWINS:
            assert service["mem_limit"], name
            assert service["logging"]["options"] == {"max-size": "50m", "max-file": "5"}, name
        assert service["restart"] == ("no" if name == "airflow-init" else "unless-stopped"), name


@pytest.mark.parametrize("service", sorted({*AIRFLOW, WORKER, *TWINS}))
def test_files_are_for_their_owner_only_when_a_service_writes_them(service: str) -> None:
    """Each long-running command sets the mask before anything else, and replaces the shell."""
    assert command_of(service).startswith("umask 077 && exec ")


def test_health_is_asked_when_a_service_runs_on() -> None:
    """Every service but the init has a health check with patience for a slow start."""
    for name, service in SERVICES.items():
        if name == "airflow-init":
            assert "healthcheck" not in service
        else:
            assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"]), name


def test_nothing_of_airflow_starts_when_database_or_init_are_not_done() -> None:
    """The order: PostgreSQL healthy, init completed, then the rest."""
    assert SERVICES["airflow-init"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in AIRFLOW:
        assert SERVICES[name]["depends_on"] == {
            "postgres": {"condition": "service_healthy"},
            "airflow-init": {"condition": "service_completed_successfully"},
        }


@pytest.mark.parametrize("service", [*AIRFLOW, WORKER, "airflow-init"])
def test_code_settings_and_data_are_in_place_when_airflow_starts(service: str) -> None:
    """Each part of Airflow sees the same DAGs, plugins, packages, connector files, XCom objects and logs."""
    environment = SERVICES[service]["environment"]
    for folder in ("dags", "plugins", "include", "config"):
        assert mounts(service)[f"/opt/connector/{folder}"] == f"./{folder}"
        assert (ROOT / folder).is_dir()
    for name in ("AIRFLOW__CORE__DAGS_FOLDER", "AIRFLOW__CORE__PLUGINS_FOLDER", "CUSTOMER_SYNC_CONNECTORS_DIR"):
        assert covered(environment[name], service), name
        assert (ROOT / Path(environment[name]).relative_to("/opt/connector")).is_dir(), name
    assert environment["PYTHONPATH"] == "/opt/connector/include:/opt/connector/plugins"
    default = re.fullmatch(
        r"\$\{AIRFLOW_XCOM_PATH:-file://(.+)\}", environment["AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH"]
    )
    assert default
    xcom = default[1]
    for path, volume in ((xcom, "xcom-objects"), ("/opt/airflow/logs", "airflow-logs")):
        assert mounts(service)[path] == volume
        assert volume in COMPOSE["volumes"]


def test_all_parts_share_one_environment_when_they_talk_to_each_other() -> None:
    """Signing key, Fernet key, databases and XCom place are the same everywhere."""
    first = SERVICES[AIRFLOW[0]]["environment"]
    assert all(SERVICES[name]["environment"] == first for name in AIRFLOW)
    assert first.items() <= SERVICES["airflow-init"]["environment"].items()
    worker = SERVICES[WORKER]["environment"]
    assert worker.items() <= first.items()
    assert set(first) - set(worker) == {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__API_AUTH__JWT_SECRET"}
    assert first["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://airflow-apiserver:8080/execution/"
    assert first["AIRFLOW__API__PORT"] == "8080"


def test_batches_stay_out_of_the_metadata_database_when_they_are_handed_on() -> None:
    """Object storage is on, from one kibibyte up; the default threshold would keep it off."""
    environment = SERVICES["airflow-scheduler"]["environment"]
    assert environment["AIRFLOW__CORE__XCOM_BACKEND"].endswith(".XComObjectStorageBackend")
    assert environment["AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD"] == "1024"


def test_databases_and_their_owners_are_made_when_postgres_starts_empty() -> None:
    """Each URL names a database and role that the first start of PostgreSQL makes, and the password it gives them."""
    script = (ROOT / "config" / "postgres" / "10-databases.sh").read_text(encoding="utf-8")
    made = dict(re.findall(r'^make_database (\S+) "\$(\w+)"$', script, re.MULTILINE))
    assert mounts("postgres")["/docker-entrypoint-initdb.d"] == "./config/postgres"
    assert mounts("postgres")["/var/lib/postgresql/data"] in COMPOSE["volumes"]
    environment = SERVICES["airflow-scheduler"]["environment"]
    results = environment["AIRFLOW__CELERY__RESULT_BACKEND"].removeprefix("db+")
    urls = [environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], environment["CUSTOMER_SYNC_LEDGER_URL"], results]
    form = re.compile(r"postgresql\+psycopg://(\w+):\$\{(\w+):[^}]*\}@postgres/(\w+)")
    parsed = [match.groups() for match in map(form.fullmatch, urls) if match]
    assert [(role, database) for role, _, database in parsed] == [
        (name, name) for name in ("airflow", "customer_sync", "celery")
    ]
    assert {role: password for role, password, _ in parsed} == made
    assert set(made.values()) <= set(SERVICES["postgres"]["environment"])


def test_every_connection_is_imported_when_a_connector_names_it() -> None:
    """The init gets the connections of all connectors, of types that the provider registers."""
    types = {each["connection-type"] for each in get_provider_info()["connection-types"]}
    given = {name for name in SERVICES["airflow-init"]["environment"] if name.startswith("AIRFLOW_CONN_")}
    needed = {
        f"AIRFLOW_CONN_{connection.upper()}": kind
        for each in connectors()
        for connection, kind in (
            (each.source_connection_id, "acumatica"),
            (each.target_connection_id, "better-b2b"),
        )
    }
    assert given == set(needed)
    for name, kind in needed.items():
        example = json.loads(EXAMPLE[name] or "")
        assert example["conn_type"] == kind
        assert kind in types
        # They point at the twins' services, at the ports on which these listen.
        twin = example["host"].removeprefix("http://")
        assert f"--port {example['port']} " in command_of(twin)


def test_no_service_but_init_knows_the_connections_when_they_are_stored() -> None:
    """A connection in the environment would hide the one that people see and change in Airflow."""
    for name in AIRFLOW:
        assert not [each for each in SERVICES[name]["environment"] if each.startswith("AIRFLOW_CONN_")]


def test_every_pool_is_made_when_a_connector_names_it() -> None:
    """Init makes those of all connector files; the file that the demo imports holds those of the one that ships."""
    pools = json.loads((ROOT / "config" / "pools.json").read_text(encoding="utf-8"))
    assert pools == pools_of(connectors())
    assert "customer-sync pools" in (ROOT / "config" / "airflow_init.sh").read_text(encoding="utf-8")
    assert command_of("airflow-init") == "bash /opt/connector/config/airflow_init.sh"


def test_every_variable_has_an_example_when_compose_reads_it() -> None:
    """`.env.example` lists what compose substitutes, no more and no less."""
    text = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
    code = "\n".join(line.partition(" #")[0] for line in text.splitlines() if not line.lstrip().startswith("#"))
    read = dict(re.findall(r"(?<!\$)\$\{(\w+)(:[-?])", code))
    assert len(read) > 10
    assert set(read) == set(EXAMPLE)
    for name, default in read.items():
        if name.startswith("AIRFLOW_SECRETS_BACKEND"):
            continue  # names where secrets are kept, and is none
        if re.search("PASSWORD|SECRET|KEY|CONN_|USER|EMAIL", name):
            assert default == ":?", f"{name} must not have a default"
        if re.search("PASSWORD|SECRET|KEY", name):
            assert EXAMPLE[name] == "change-me", f"{name} must not come filled in"


def test_airflow_does_not_start_when_a_secret_was_not_replaced() -> None:
    """The first service to run refuses a secret that stands in the public example, and names it."""
    said = subprocess.run(  # noqa: S603 - our own script
        ["bash", str(ROOT / "config" / "airflow_init.sh")],  # noqa: S607 - the shell that the service uses
        env={"PATH": os.environ["PATH"], "AIRFLOW__API__SECRET_KEY": "change-me"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert said.returncode == 1
    assert "AIRFLOW__API__SECRET_KEY still says change-me" in said.stderr


@pytest.mark.parametrize(
    "name", ["POSTGRES_PASSWORD", "AIRFLOW_DB_PASSWORD", "LEDGER_DB_PASSWORD", "CELERY_DB_PASSWORD"]
)
def test_no_database_is_made_when_its_password_was_not_replaced(name: str) -> None:
    """PostgreSQL's own service refuses before it makes anything: a database keeps the password it was made with."""
    command = SERVICES["postgres"]["command"]
    assert command[2:4] == ["docker-entrypoint.sh", "postgres"]
    script = ROOT / "config" / "postgres" / Path(command[1]).name
    assert Path(command[1]).parent == Path("/docker-entrypoint-initdb.d")
    # The image runs what ends so, in its place.
    assert script.suffix not in {".sh", ".sql"}
    for value, ending in (("change-me", 1), ("s3cret", 0)):
        said = subprocess.run(  # noqa: S603 - our own script
            ["bash", str(script), "echo", "started"],  # noqa: S607 - the shell that the service uses
            env={"PATH": os.environ["PATH"], name: value},
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == ending
        assert (said.stdout == "started\n") is (ending == 0)
        assert (f"{name} still says change-me" in said.stderr) is (ending == 1)


def test_a_service_has_no_right_that_it_does_not_need() -> None:
    """No capability but those of PostgreSQL's own image, no way to more, read-only where it can be."""
    for name, service in SERVICES.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged")
        assert not [each for each in service.get("volumes", ()) if "docker.sock" in each]
    assert {name for name, service in SERVICES.items() if service.get("cap_add")} == {"postgres"}
    assert {name for name, service in SERVICES.items() if service.get("read_only")} == {
        *TWINS,
        "redis",
        "statsd-exporter",
    }
    assert SERVICES["redis"]["user"] == "redis"


def test_databases_are_out_of_reach_when_something_outside_is_taken_over() -> None:
    """PostgreSQL and Redis are in a network without a way out, twins and exporter are not; neither is published."""
    inside = {name for name, service in SERVICES.items() if "databases" in service["networks"]}
    assert COMPOSE["networks"]["databases"] == {"internal": True}
    assert inside == {"postgres", "redis", "airflow-init", "flower", WORKER, *AIRFLOW}
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["databases"]
        assert "ports" not in SERVICES[name]
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert all(port.startswith(("127.0.0.1:", "${AIRFLOW_PUBLISH:-127.0.0.1:")) for port in published)


def test_a_secret_is_where_it_is_used_and_nowhere_else() -> None:
    """The superuser's password is PostgreSQL's alone; the first administrator's is not with tasks; see SECURITY.md."""

    def holders(secret: str) -> set[str]:
        return {name for name, each in SERVICES.items() if f"${{{secret}" in json.dumps(each.get("environment", {}))}

    assert holders("POSTGRES_PASSWORD") == {"postgres"}
    assert holders("AIRFLOW_ADMIN_PASSWORD") == {"airflow-init", "flower"}
    assert holders("AIRFLOW_CONN_ACUMATICA_KNB") == {"airflow-init"}
    assert holders("AIRFLOW_CONN_BETTER_B2B_KNB") == {"airflow-init"}
    for of_services_alone in ("AIRFLOW_DB_PASSWORD", "AIRFLOW_JWT_SECRET"):
        assert holders(of_services_alone) == {"airflow-init", *AIRFLOW} | (
            {"postgres"} if of_services_alone.endswith("PASSWORD") else set()
        )
    assert holders("CELERY_DB_PASSWORD") == {"postgres", "airflow-init", "flower", WORKER, *AIRFLOW}
    assert holders("LEDGER_DB_PASSWORD") == {"postgres", "airflow-init", "flower", WORKER, *AIRFLOW}


@pytest.mark.parametrize("service", TWINS)
def test_a_twin_starts_when_its_command_is_run(service: str, tmp_path: Path) -> None:
    """The twins understand the options that compose gives them; address and state file are moved for the test."""
    words = shlex.split(command_of(service).partition("exec python ")[2])
    assert "--allow-remote" in words
    moved = {"--host": "127.0.0.1", "--port": "0", "--state": str(tmp_path / "state.json")}
    assert covered(words[words.index("--state") + 1], service)
    for option, value in moved.items():
        words[words.index(option) + 1] = value
    command = [sys.executable, *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as twin:  # noqa: S603 - our own command
        try:
            assert twin.stdout is not None
            assert "listening on http://127.0.0.1:" in twin.stdout.readline()
        finally:
            twin.terminate()


def test_the_image_holds_what_the_tests_ran_on_when_it_is_built() -> None:
    """Base image and lock name the same Airflow; every copied file exists and is not ignored."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    base = re.search(r"AIRFLOW_IMAGE=apache/airflow:([\d.]+)-python([\d.]+)$", dockerfile, re.MULTILINE)
    lock = (ROOT / "requirements-compose.txt").read_text(encoding="utf-8")
    assert base
    assert f"apache-airflow=={base[1]} " in lock
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert SpecifierSet(project["requires-python"]).contains(base[2])
    copied = [
        source
        for line in re.findall(r"^COPY (?:--\S+ )*(.+)$", dockerfile, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in allowed, source
