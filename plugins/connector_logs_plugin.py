"""Registers the Connector Logs pages where this folder is Airflow's plugins folder.

The installed package registers them by its entry point; Airflow reports a plugin that comes twice as an error.
"""

from importlib.metadata import entry_points

if not entry_points(group="airflow.plugins", name="connector_logs"):
    from customer_sync_airflow.pages.plugin import ConnectorLogsPlugin  # noqa: F401 - Airflow looks for plugin classes in this module
