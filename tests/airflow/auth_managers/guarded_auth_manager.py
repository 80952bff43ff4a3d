"""Airflow's simple auth manager, and one user more than its roles can express: one without rights on a DAG.

Loaded by Airflow by its module name (see `test_connector_logs_rights.py`).
"""

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

STRANGER = "stranger"
"""May log in and use Airflow as the role `user` may, but sees none of the connectors' DAGs."""

_CONNECTOR_DAGS = ("customer_sync__", "customer_reconcile__", "connector_")


class GuardedAuthManager(SimpleAuthManager):
    """Roles as in the simple auth manager; the stranger has no rights on the DAGs of connectors."""

    def is_authorized_dag(self, *, user: Any, details: Any = None, **asked: Any) -> bool:
        """Whether a user may do something with a DAG."""
        if user.username == STRANGER and details and (details.id or "").startswith(_CONNECTOR_DAGS):
            return False
        return super().is_authorized_dag(user=user, details=details, **asked)
