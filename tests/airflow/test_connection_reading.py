"""Airflow connections are read as the HTTP provider reads them, and wrong ones explain themselves."""

import json
from typing import Any

import pytest

from customer_sync.errors import ConfigError
from customer_sync.http.connection import http_settings
from customer_sync.http.transport import HttpSettings
from customer_sync.settings.connection import ConnectionFields
from customer_sync_airflow.hooks.connections import read_connection

CONN = "AIRFLOW_CONN_SHOP"
FIELDS = frozenset({"store_hash", "tenant"})


def read(monkeypatch: pytest.MonkeyPatch, **connection: Any) -> ConnectionFields:
    """Read the connection `shop` that holds the given fields."""
    monkeypatch.setenv(CONN, json.dumps({"conn_type": "acumatica", **connection}))
    return read_connection("shop")


def http_of(monkeypatch: pytest.MonkeyPatch, **connection: Any) -> HttpSettings:
    """The way to the server that the connection `shop` names."""
    return http_settings(read(monkeypatch, **connection), FIELDS, read_timeout_s=60)


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        ({"host": "http://127.0.0.1:8081"}, "http://127.0.0.1:8081"),
        ({"host": "http://127.0.0.1", "port": 8081}, "http://127.0.0.1:8081"),
        ({"host": "http://127.0.0.1:8081", "port": 8081}, "http://127.0.0.1:8081"),
        ({"host": "https://erp.example.com/AcumaticaERP", "port": 443}, "https://erp.example.com:443/AcumaticaERP"),
        ({"host": "https://erp.example.com/AcumaticaERP"}, "https://erp.example.com/AcumaticaERP"),
        ({"host": "erp.example.com", "schema": "https"}, "https://erp.example.com"),
        ({"host": "erp.example.com", "schema": "https", "port": 8443}, "https://erp.example.com:8443"),
    ],
)
def test_base_url_is_whole_when_port_stands_anywhere(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, Any], expected: str
) -> None:
    """Scheme, host, port and path end up in the right places, wherever the form held them."""
    assert http_of(monkeypatch, **connection).base_url == expected


def test_transport_settings_are_carried_over_when_in_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS, proxies, time-out and headers of the connection reach our transport; our own fields are no headers."""
    found = http_of(
        monkeypatch,
        host="https://erp.example.com",
        extra={
            "tenant": "Live",
            "verify": "/etc/ca.pem",
            "cert": ["/etc/c.pem", "/etc/k.pem"],
            "proxies": {"https": "http://proxy:3128"},
            "timeout": 42,
            "X-Gate": "b2b",
            "headers": {"X-Other": "1"},
        },
    )
    assert found.verify == "/etc/ca.pem"
    assert found.cert == ("/etc/c.pem", "/etc/k.pem")
    assert found.proxies["https"] == "http://proxy:3128"
    assert found.read_timeout_s == 42
    assert found.headers == {"X-Gate": "b2b", "X-Other": "1"}


def test_proxy_of_the_environment_counts_when_connection_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy that the machine prescribes is used, as for every other HTTP connection of Airflow."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example.com")
    assert http_of(monkeypatch, host="https://erp.example.com").proxies["https"] == "http://proxy:3128"
    assert http_of(monkeypatch, host="https://inside.example.com").proxies == {}


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        ({}, "has no Base URL"),
        ({"host": "  "}, "has no Base URL"),
        ({"host": "http://h:1", "port": 2}, "names two ports, 1 in Base URL and 2 in Port"),
        ({"host": "http://h:abc", "port": 2}, "holds a wrong port"),
        ({"host": "ftp://h"}, "is no address"),
        ({"host": "http://h", "extra": {"tennant": "x"}}, "unknown fields in extra: tennant"),
        ({"host": "http://h", "extra": ["tenant"]}, "must be a JSON object"),
        ({"host": "http://h", "extra": {"timeout": "soon"}}, "has the timeout 'soon'"),
    ],
)
def test_wrong_connection_explains_itself_when_read(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, Any], expected: str
) -> None:
    """Each wrong field gives one sentence that names connection, field and remedy."""
    with pytest.raises(ConfigError) as caught:
        http_of(monkeypatch, **connection)
    assert expected in caught.value.message


def test_missing_connection_says_how_to_create_it_when_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that nobody made is named, with the place and the variable to make it."""
    monkeypatch.delenv("AIRFLOW_CONN_NOWHERE", raising=False)
    with pytest.raises(ConfigError) as caught:
        read_connection("nowhere")
    assert "AIRFLOW_CONN_NOWHERE" in caught.value.message
    assert "Admin > Connections" in caught.value.message


def test_secrets_stay_out_of_repr_when_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who prints what was read sees the password or our extra fields."""
    found = read(monkeypatch, host="http://127.0.0.1", password="pa55-word", extra={"store_hash": "h4sh"})
    assert "pa55-word" not in repr(found)
    assert "h4sh" not in repr(found)
