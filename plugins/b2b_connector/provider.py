"""What Airflow's provider registry learns of us; free of imports, since Airflow loads it at every start."""


def get_provider_info() -> dict[str, object]:
    """Describe the package to Airflow's provider registry."""
    return {"package-name": "acumatica-better-b2b-sync", "name": "Acumatica to Better B2B", "description": "", "versions": ["0.1.0"]}
