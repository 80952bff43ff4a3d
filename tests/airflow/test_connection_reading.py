"""Airflow connections are read as the HTTP provider reads them, and wrong ones explain themselves."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.models.connection import Connection
from airflow.utils.session import create_session

from customer_sync.commands.connection_lookup import find_connection
from customer_sync.errors import ConfigError
from customer_sync.http.connection import http_settings
from customer_sync.http.transport import HttpSettings
from customer_sync.settings.connection_fields import ConnectionFields
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


TEXTS = [
    {"conn_type": "better-b2b", "host": "https://api.example.com", "password": "t", "extra": {"store_hash": "abc"}},
    {
        "conn_type": "acumatica",
        "host": "erp.example.com",
        "port": "8443",
        "schema": "https",
        "extra": '{"tenant": "A"}',
    },
    {"conn_type": "acumatica", "host": "http://127.0.0.1", "port": 8081, "login": "admin", "extra": {"X-Gate": "b2b"}},
    {"conn_type": "acumatica", "host": "https://h", "extra": {"verify": False, "timeout": 7, "headers": {"X-A": "1"}}},
    "better-b2b://:t%40ken@127.0.0.1:8082/http?store_hash=sandbox",
    "acumatica://admin:p%2Fw@https://Erp.Example.com:8443/?tenant=Live&X-Gate=b2b",
    "acumatica://https://erp.example.com?tenant=Live",
    "acumatica://admin:pw@erp.example.com/https?__extra__=%7B%22tenant%22%3A+%22Live%22%7D",
    "acumatica://admin:pw@127.0.0.1:8081",
]
"""Connections in both forms that Airflow reads from the environment."""


@pytest.mark.parametrize("text", TEXTS, ids=[str(number) for number in range(len(TEXTS))])
def test_command_line_reads_what_airflow_reads(monkeypatch: pytest.MonkeyPatch, text: dict[str, Any] | str) -> None:
    """A variable means the same with and without Airflow: address, user, secret, own fields and headers."""
    monkeypatch.setenv(CONN, text if isinstance(text, str) else json.dumps(text))
    by_airflow, by_command = outcome_of(read_connection), outcome_of(find_connection)
    assert by_command == by_airflow


def test_address_of_version_6_is_whole_in_a_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its brackets stay, without which the port could not be told from it."""
    monkeypatch.setenv(CONN, "acumatica://admin:pw@[::1]:8081/http?tenant=A")
    assert http_settings(find_connection("shop"), FIELDS, read_timeout_s=60).base_url == "http://[::1]:8081"


def outcome_of(read: Callable[[str], ConnectionFields]) -> tuple[Any, ...]:
    """What a reader makes of the connection `shop`, down to the settings of the transport."""
    try:
        found = read("shop")
        http = http_settings(found, FIELDS, read_timeout_s=60)
    except ConfigError:
        return ("refused",)
    own = {name: value for name, value in found.extra.items() if name in FIELDS}
    return found.conn_type, found.login, found.password, own, http


@pytest.mark.parametrize("text", ["{", "no connection", '{"port": "soon"}', "acumatica://h:port", '{"extra": [1]}'])
def test_unreadable_text_is_refused_without_quoting_it(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The sentence names the variable and the form; what the variable holds may be a secret."""
    monkeypatch.setenv(CONN, text)
    with pytest.raises(ConfigError) as caught:
        find_connection("shop")
    assert "AIRFLOW_CONN_SHOP" in caught.value.message or "extra" in caught.value.message
    assert "soon" not in caught.value.message


def test_connection_of_airflows_database_is_found_by_the_command_line(metadata_database: None) -> None:
    """What nobody put into the environment is looked for where Airflow keeps it; what it lacks is said to lack."""
    assert metadata_database is None
    with create_session() as session:
        session.add(Connection(conn_id="kept_in_airflow", conn_type="acumatica", host="https://erp", password="s3cret"))
    found = find_connection("kept_in_airflow")
    assert (found.host, found.password) == ("https://erp", "s3cret")
    with pytest.raises(ConfigError, match="There is no Airflow connection 'kept_nowhere'"):
        find_connection("kept_nowhere")
