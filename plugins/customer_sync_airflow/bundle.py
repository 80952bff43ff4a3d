"""The DAG bundle of this package: with it, no DAG file needs to be copied or written.

In Airflow's configuration, under ``[dag_processor] dag_bundle_config_list``::

    [{"name": "customer-sync", "classpath": "customer_sync_airflow.bundle.PackagedDags", "kwargs": {}}]
"""

from pathlib import Path

from airflow.dag_processing.bundles.base import BaseDagBundle


class PackagedDags(BaseDagBundle):
    """Serves the DAG file that is installed with the package; its version is the package's own."""

    supports_versioning = False

    @property
    def path(self) -> Path:
        """The folder of DAG files."""
        return Path(__file__).parent / "packaged_dags"

    def get_current_version(self) -> None:
        """No versions: what is installed is what runs."""

    def refresh(self) -> None:
        """Nothing to fetch: an upgrade of the package brings newer DAGs."""
