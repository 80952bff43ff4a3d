"""What an api-server with the installed package serves; run by the bare environment's interpreter, prints JSON.

Argument: the connection to test, as JSON.
"""

import json
import sys
from pathlib import Path

from airflow.api_fastapi.app import create_app
from fastapi.testclient import TestClient

import customer_sync
import customer_sync_airflow

with TestClient(create_app(apps="core"), base_url="http://127.0.0.1") as client:
    client.headers["Authorization"] = f"Bearer {client.get('/auth/token').json()['access_token']}"
    page = client.get("/connector-logs/")
    print(  # noqa: T201 - the answer
        json.dumps(
            {
                "places": sorted(
                    {str(Path(str(each.__file__)).parent) for each in (customer_sync, customer_sync_airflow)}
                ),
                "path": sys.path,
                "plugins": sorted(each["name"] for each in client.get("/api/v2/plugins").json()["plugins"]),
                "plugin_errors": client.get("/api/v2/plugins/importErrors").json()["import_errors"],
                "push": client.post("/push-notifications/knb", json={}).status_code,
                "page": page.status_code,
                "page_title": "Connector Logs" in page.text,
                "style": client.get("/connector-logs/static/pages.css").status_code,
                "test": client.post("/api/v2/connections/test", json=json.loads(sys.argv[1])).json(),
            }
        )
    )
