#!/bin/bash
# Three databases with an owner each: Airflow's metadata; the ledger, which is never in Airflow's; and what Celery's workers
# report, so that they need not have the password of Airflow's.
# The image runs this once, when the volume is empty.
set -euo pipefail

make_database() {
    # Values go in as psql variables: it quotes them, whatever they contain.
    psql --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 \
        --set name="$1" --set password="$2" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}

make_database airflow "$AIRFLOW_DB_PASSWORD"
make_database customer_sync "$LEDGER_DB_PASSWORD"
make_database celery "$CELERY_DB_PASSWORD"
