"""The package presents itself to Airflow's provider registry."""

import ast
import json
import sys
from pathlib import Path

import jsonschema
import pytest
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

import airflow
import customer_sync.sources.acumatica as erp_client
import customer_sync.sources.acumatica.connection as erp_connection
import customer_sync.targets.better_b2b.connection as store_connection
from airflow import plugins_manager
from customer_sync.http.connection import TRANSPORT_FIELDS
from customer_sync_airflow import provider


def test_provider_info_fits_when_checked_against_airflows_schema() -> None:
    """What we tell the registry is what Airflow's own schema asks for, names and versions included."""
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text(encoding="utf-8"))
    info = provider.get_provider_info()
    jsonschema.validate(info, schema)
    assert info["name"]
    assert info["versions"]


def test_form_behaviour_fits_when_checked_against_airflows_schema() -> None:
    """Hidden fields, labels and placeholders are of the shape that the connection form reads."""
    path = Path(airflow.__file__).parent / "customized_form_field_behaviours.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    for kind in provider.get_provider_info()["connection-types"]:
        behaviour = kind["ui-field-behaviour"]
        jsonschema.validate({name.replace("-", "_"): value for name, value in behaviour.items()}, schema)
        for field in kind["conn-fields"].values():
            jsonschema.Draft7Validator.check_schema(field["schema"])


def test_provider_module_imports_nothing_of_ours_when_airflow_starts() -> None:
    """A broken import here would keep Airflow from starting, so there is none beyond the standard library."""
    tree = ast.parse(Path(str(provider.__file__)).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"typing"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]


@pytest.mark.parametrize("conn_type", ["acumatica", "better-b2b", "better_b2b"])
def test_connection_type_is_offered_when_airflow_lists_providers(conn_type: str) -> None:
    """Both types are found through the entry point, their hooks load and can be tested."""
    hook = ProvidersManagerTaskRuntime().hooks[conn_type]
    assert hook is not None
    assert hook.connection_testable
    assert hook.package_name == "acumatica-better-b2b-sync"


@pytest.mark.parametrize("conn_type", ["acumatica", "better-b2b", "better_b2b"])
def test_form_fields_are_those_that_the_hook_reads_when_compared(conn_type: str) -> None:
    """Every field of the form is understood by the hook, and every field of the hook is in the form."""
    own = (erp_connection if conn_type == "acumatica" else store_connection).OWN_FIELDS
    kinds = {kind["connection-type"]: kind for kind in provider.get_provider_info()["connection-types"]}
    fields = set(kinds[conn_type]["conn-fields"])
    assert own <= fields
    assert fields - own <= TRANSPORT_FIELDS


def test_plugin_loader_stays_out_of_our_packages_when_airflow_starts() -> None:
    """No file of ours is run as a top-level module: adapters stay in their packages, `types` the standard one's."""
    _plugins, errors = plugins_manager._get_plugins()

    assert errors == {}
    assert "include" in Path(str(erp_client.__file__)).parts
    assert "customer_sync_airflow" not in str(getattr(sys.modules["types"], "__file__", ""))
