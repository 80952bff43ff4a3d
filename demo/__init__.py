"""The demonstration: both twins and a whole Airflow on this machine, and a first sync between them."""
