"""Addresses in Airflow's UI, as far as it is configured where that is."""

from urllib.parse import quote, urlencode

from airflow.sdk.configuration import conf


def dag_address(dag_id: str, run_id: str = "") -> str:
    """Address of a DAG, or of a run of it; ``""`` where the UI's address is not configured."""
    place = f"/dags/{quote(dag_id)}" + (f"/runs/{quote(run_id, safe='')}" if run_id else "")
    return f"{_ui()}{place}" if _ui() else ""


def logs_address(page: str, **query: str) -> str:
    """Address of a page of Connector Logs; without the host where the UI's address is not configured."""
    return f"{_ui()}/connector-logs/{page}?{urlencode(query)}"


def _ui() -> str:
    return (conf.get("api", "base_url", fallback="") or "").rstrip("/")
