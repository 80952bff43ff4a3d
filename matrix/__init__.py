"""The wheel on the versions of Airflow that people have: ``make matrix`` (docs/deploying.md#versions)."""
