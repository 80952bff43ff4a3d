"""The package in the layouts that others have, as far as they can be tried without their containers."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.packaging.bare import DAGS, OWN_DAG_FILE, ROOT, TOOLS, Bare, listed

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

ONE_LINE = "from customer_sync_airflow import dag_factory; globals().update(dag_factory.dags())\n"


@pytest.fixture
def elsewhere(bare: Bare, tmp_path: Path) -> Bare:
    """The same environment with a home that holds nothing yet, and no way to know the other's connectors."""
    alone = replace(bare, home=tmp_path)
    (tmp_path / "dags").mkdir()
    assert alone.run("airflow", "db", "migrate").returncode == 0
    return alone


def plugins_without_error(bare: Bare) -> set[str]:
    """Names of the plugins that Airflow has loaded; one that could not be loaded fails the test."""
    script = (
        "import json; from airflow import plugins_manager; plugins_manager.ensure_plugins_loaded(); "
        "names = [each['name'] for each in plugins_manager.get_plugin_info()]; "
        "print(json.dumps([names, plugins_manager.get_import_errors()]))"
    )
    names, errors = bare.json("python", "-c", script)
    assert errors == {}
    assert len(names) == len(set(names))
    return set(names)


def with_push(example: Path, folder: Path) -> None:
    """The example connector, taking push notifications, in a folder of connector files."""
    folder.mkdir(parents=True)
    text = example.read_text(encoding="utf-8")
    (folder / "knb.yaml").write_text(f"{text}\npush: {{enabled: true}}\n", encoding="utf-8")


def example_of(environment: Path) -> Path:
    """The example connector of the installed package."""
    (example,) = environment.glob("lib/python3*/site-packages/customer_sync/examples/knb.yaml")
    return example


@pytest.mark.parametrize("dag_file", [ONE_LINE, OWN_DAG_FILE], ids=["one line", "two lines"])
def test_astro_project_has_the_dags_when_only_its_root_is_on_the_path(
    elsewhere: Bare, environment: Path, dag_file: str
) -> None:
    """`dags/ plugins/ include/` below the home, connector files in `include/`, whose name takes nothing from us."""
    root = elsewhere.home
    (root / "plugins").mkdir()
    (root / "include").mkdir()
    (root / "include" / "__init__.py").write_text("", encoding="utf-8")
    with_push(example_of(environment), root / "include" / "connectors")
    (root / "dags" / "customers.py").write_text(dag_file, encoding="utf-8")
    variables = {"PYTHONPATH": str(root), "CUSTOMER_SYNC_CONNECTORS_DIR": str(root / "include" / "connectors")}
    astro = replace(elsewhere, variables={**elsewhere.variables, **variables})
    assert listed(astro) == dict.fromkeys(DAGS, "dags-folder")
    assert {"connection_test", "connector_logs", "push_notifications"} <= plugins_without_error(astro)


def test_managed_service_has_all_with_requirements_and_plugins_zip(elsewhere: Bare, environment: Path) -> None:
    """The wheel and connector files come in `plugins.zip`, unpacked beside the DAGs; requirements name the wheel there.

    What is installed and what lies in the plugins folder do not get into each other's way.
    """
    root = elsewhere.home
    (wheel,) = (environment.parent / "dist").glob("*.whl")
    archive = root / "plugins.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(wheel, wheel.name)
        packed.write(example_of(environment), "connectors/knb.yaml")
    shutil.unpack_archive(archive, root / "plugins")
    with (root / "plugins" / "connectors" / "knb.yaml").open("a", encoding="utf-8") as file:
        file.write("\npush: {enabled: true}\n")
    requirements = root / "requirements.txt"
    managed = (ROOT / "requirements-managed.txt").read_text(encoding="utf-8")
    requirements.write_text(f"--constraint {ROOT / 'requirements.txt'}\n{managed}", encoding="utf-8")
    install = [str(TOOLS / "uv"), "pip", "install", "--offline", "--no-deps"]
    target = ["--python", str(environment / "bin" / "python")]
    # Offline: everything that is asked for must be there already, in a version that the constraints allow.
    for asked in (["-r", str(requirements)], [str(root / "plugins" / wheel.name)]):
        done = subprocess.run([*install, *target, *asked], check=False, capture_output=True, text=True, timeout=120)  # noqa: S603 - our own
        assert done.returncode == 0, done.stderr
    (root / "dags" / "customers.py").write_text(ONE_LINE, encoding="utf-8")
    variables = {"CUSTOMER_SYNC_CONNECTORS_DIR": str(root / "plugins" / "connectors")}
    managed_airflow = replace(elsewhere, variables={**elsewhere.variables, **variables})
    assert listed(managed_airflow) == dict.fromkeys(DAGS, "dags-folder")
    assert {"connection_test", "connector_logs", "push_notifications"} <= plugins_without_error(managed_airflow)


def test_bundle_stands_beside_the_dags_folder_of_others(elsewhere: Bare, environment: Path) -> None:
    """With the bundle list of the documentation's chart values, foreign DAGs stay and ours come from the package."""
    root = elsewhere.home
    with_push(example_of(environment), root / "connectors")
    foreign = "from airflow.sdk import DAG\ndag = DAG(dag_id='theirs', schedule=None)\n"
    (root / "dags" / "theirs.py").write_text(foreign, encoding="utf-8")
    page = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    values = next(part for part in page.split("```yaml\n")[1:] if "dagBundleConfigList" in part).partition("```")[0]
    bundles = yaml.safe_load(values)["dagProcessor"]["dagBundleConfigList"]
    variables = {"AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles)}
    charted = replace(elsewhere, variables={**elsewhere.variables, **variables})
    assert listed(charted) == {**dict.fromkeys(DAGS, "customer-sync"), "theirs": "dags-folder"}
