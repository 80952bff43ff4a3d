#!/bin/bash
# What must be there before Airflow's services start; may run any number of times.
set -euo pipefail
umask 077

# A secret that stands in a public file is none.
for name in AIRFLOW__CORE__FERNET_KEY AIRFLOW__API_AUTH__JWT_SECRET AIRFLOW__API__SECRET_KEY \
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN AIRFLOW__CELERY__BROKER_URL AIRFLOW__CELERY__RESULT_BACKEND CUSTOMER_SYNC_LEDGER_URL AIRFLOW_ADMIN_PASSWORD; do
    if [[ "${!name:-}" == *change-me* ]]; then
        echo "The value behind $name still says change-me: replace every change-me in .env, then start again." >&2
        exit 1
    fi
done

airflow db migrate

# An administrator that exists is left as it is, password included.
airflow users create --role Admin --username "$AIRFLOW_ADMIN_USER" --password "$AIRFLOW_ADMIN_PASSWORD" \
    --email "$AIRFLOW_ADMIN_EMAIL" --firstname Airflow --lastname Admin

prepared="$(mktemp -d)"
trap 'rm -rf "$prepared"' EXIT

# A task whose pool is missing waits for ever without a word. Which ones there must be, the connector files say.
customer-sync pools > "$prepared/pools.json"
airflow pools import "$prepared/pools.json"

# From the environment into Airflow's database, encrypted, so that they can be seen, tested and changed under
# Admin > Connections. One that is there already is left as it is.
connections="$prepared/connections.json"
python - "$connections" <<'PYTHON'
import json
import os
import sys

prefix = "AIRFLOW_CONN_"
found = {}
for name, value in os.environ.items():
    if name.startswith(prefix) and value:
        try:
            found[name.removeprefix(prefix).lower()] = json.loads(value)
        except ValueError:
            # Not the error itself: it would quote the password.
            sys.exit(f"{name} is not JSON; .env.example shows the form.")
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump(found, file)
PYTHON
# The variables would hide what the database holds.
for name in "${!AIRFLOW_CONN_@}"; do unset "$name"; done
airflow connections import "$connections"
