"""Who asks, and what that person may see and do: always the rights that Airflow gives on the connectors' DAGs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.configuration import conf
from fastapi import Depends, HTTPException, Request

from customer_sync.errors import ConfigError
from customer_sync.settings.connector_file import find_connector

DAG_PREFIX = "customer_sync__"
"""The DAG of a connector is this and the connector's id."""

OWN_HEADER = "x-connector-logs"
"""Sent by our script with every change; a form of another site cannot send it."""

may_read_runs = requires_access_dag("GET", DagAccessEntity.RUN)
"""The least that every page asks for; with ``dag_id`` in the address, for that DAG."""


def shows_names(connector_id: str) -> bool:
    """Whether the connector file lets pages show names to whom that is allowed (``masking.pages``)."""
    try:
        return find_connector(connector_id).masking.pages == "by_right"
    except ConfigError:
        return False


@dataclass(frozen=True)
class Viewer:
    """A logged-in user of Airflow.

    Attributes:
        user: As the auth manager knows it.
        name: Shown, and recorded with what the person does.
        connectors: Connectors whose DAG the person may read.
    """

    user: Any
    name: str
    connectors: frozenset[str]

    def may_act(self, connector_id: str) -> bool:
        """Whether the person may start runs of a connector's DAG; the same right is asked for every action."""
        return connector_id in self.connectors and get_auth_manager().is_authorized_dag(
            method="POST",
            access_entity=DagAccessEntity.RUN,
            details=DagDetails(id=f"{DAG_PREFIX}{connector_id}"),
            user=self.user,
        )

    def may_see_names(self, connector_id: str) -> bool:
        """Whether the person may read names and e-mails of a connector's customers: who may edit its DAG may."""
        return self.may_edit(connector_id)

    def may_edit(self, connector_id: str) -> bool:
        """Whether the person may edit a connector's DAG."""
        return connector_id in self.connectors and get_auth_manager().is_authorized_dag(
            method="PUT", details=DagDetails(id=f"{DAG_PREFIX}{connector_id}"), user=self.user
        )

    def may_make_pools(self) -> bool:
        """Whether the person may make pools in Airflow."""
        return get_auth_manager().is_authorized_pool(method="POST", user=self.user)

    def named(self) -> frozenset[str]:
        """The connectors whose customers the person may read and find by name and e-mail."""
        by_right = (name for name in self.connectors if shows_names(name))
        return frozenset(name for name in by_right if self.may_see_names(name))

    def must_see(self, connector_id: str) -> None:
        """Refuse a connector that the person may not see; the answer does not tell whether it exists.

        Raises:
            HTTPException: 404.
        """
        if connector_id not in self.connectors:
            raise HTTPException(404, "There is no such connector, or you may not read its DAG.")

    def must_edit(self, connector_id: str) -> None:
        """Refuse what concerns a whole run to who may not edit the connector's DAG and start its runs.

        Raises:
            HTTPException: 404 or 403.
        """
        self.must_act(connector_id)
        if not self.may_edit(connector_id):
            raise HTTPException(403, f"Only who may edit the DAG {DAG_PREFIX}{connector_id} may undo its runs.")

    def must_act(self, connector_id: str) -> None:
        """Refuse an action to who may not start runs of the connector's DAG.

        Raises:
            HTTPException: 404 or 403.
        """
        self.must_see(connector_id)
        if not self.may_act(connector_id):
            raise HTTPException(403, f"You may read but not run the DAG {DAG_PREFIX}{connector_id}.")


def current_viewer(user: GetUserDep) -> Viewer:
    """The person behind a request.

    Raises:
        HTTPException: 401 without a login, by Airflow's own dependency.
    """
    dag_ids = get_auth_manager().get_authorized_dag_ids(user=user, method="GET")
    connectors = frozenset(dag_id.removeprefix(DAG_PREFIX) for dag_id in dag_ids if dag_id.startswith(DAG_PREFIX))
    return Viewer(user, user.get_name(), connectors)


def same_site_only(request: Request) -> None:
    """Refuse changes that another site's page asks for with the person's cookie.

    Raises:
        HTTPException: 403, or 415 when the body is not declared as JSON.
    """
    origin = request.headers.get("origin")
    own = {request.headers.get("host", ""), urlsplit(conf.get("api", "base_url", fallback="") or "").netloc}
    if origin is not None and urlsplit(origin).netloc not in own - {""}:
        raise HTTPException(403, "Refused: the request comes from a page of another site.")
    if OWN_HEADER not in request.headers:
        raise HTTPException(403, f"Refused: the header {OWN_HEADER} is missing.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "Send JSON.")


CurrentViewer = Annotated[Viewer, Depends(current_viewer)]
"""Asks for a login, and gives the person."""
