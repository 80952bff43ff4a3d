"""Registers the package's plugins where this folder is Airflow's plugins folder and the package is not installed.

The installed package registers them by its entry points; Airflow reports a plugin that comes twice as an error.
"""

from importlib.metadata import entry_points

_INSTALLED = entry_points(group="airflow.plugins").names

# Airflow looks for plugin classes among the names of this module.
if "connector_logs" not in _INSTALLED:
    from customer_sync_airflow.pages.plugin import ConnectorLogsPlugin  # noqa: F401 - see above
if "push_notifications" not in _INSTALLED:
    from customer_sync_airflow.push.plugin import PushNotificationsPlugin  # noqa: F401 - see above
if "connection_test" not in _INSTALLED:
    from customer_sync_airflow.connection_test_plugin import ConnectionTestPlugin  # noqa: F401 - see above
