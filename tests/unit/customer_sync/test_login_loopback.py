"""The code of a consent is taken from this attempt's browser only, and never shown."""

from __future__ import annotations

import socket
import threading

import pytest
import requests

from customer_sync.commands.loopback import Loopback, code_of, read_pasted
from customer_sync.errors import ConfigError, NoConsent

STATE = "the-state"


@pytest.fixture
def redirect_uri() -> str:
    """An address of this machine that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return f"http://localhost:{port}/"


def browse(*addresses: str) -> list[requests.Response]:
    """Open addresses one after the other, in a browser beside the test."""
    answers: list[requests.Response] = []

    def go() -> None:
        answers.extend(requests.get(address, timeout=10) for address in addresses)

    threading.Thread(target=go, daemon=True).start()
    return answers


def test_code_is_taken_when_the_state_fits(redirect_uri: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever else is opened there before is answered and ignored; nothing is written to the terminal."""
    with Loopback(redirect_uri, STATE) as loopback:
        browse(
            f"{redirect_uri}favicon.ico",
            f"{redirect_uri}?code=forged&state=guessed",
            f"{redirect_uri}?error=access_denied&state=guessed",
            f"{redirect_uri}?code=the-code&state={STATE}",
        )
        assert loopback.wait(10) == "the-code"
    assert capfd.readouterr() == ("", "")


def test_refusal_ends_the_wait(redirect_uri: str) -> None:
    """A person who denies it, or a wrong set-up of the application, is not waited for."""
    for error, sentence in (("access_denied", "did not allow it"), ("invalid_scope", r"refused \(invalid_scope\)")):
        with Loopback(redirect_uri, STATE) as loopback:
            browse(f"{redirect_uri}?error={error}&state={STATE}")
            with pytest.raises(NoConsent, match=sentence):
                loopback.wait(10)


def test_wait_ends(redirect_uri: str) -> None:
    """Nobody comes."""
    with Loopback(redirect_uri, STATE) as loopback, pytest.raises(NoConsent, match="No answer came"):
        loopback.wait(0.1)


@pytest.mark.parametrize(
    "address",
    ["https://localhost:8765/", "http://shop.example.com:8765/", "http://localhost/", "http://0.0.0.0:8765/"],
)
def test_server_is_reachable_from_this_machine_only(address: str) -> None:
    """A redirect URI of another machine cannot be waited for."""
    with pytest.raises(ConfigError, match="--paste"):
        Loopback(address, STATE)


def test_port_in_use_is_named(redirect_uri: str) -> None:
    """The sentence names the port and the way out."""
    with Loopback(redirect_uri, STATE), pytest.raises(ConfigError, match="cannot be used"):
        Loopback(redirect_uri, STATE)


@pytest.mark.parametrize(
    ("pasted", "sentence"),
    [
        ("http://localhost/?code=x&state=forged", "copy it as a whole"),
        ("http://localhost/?code=x", "copy it as a whole"),
        (f"http://localhost/?state={STATE}", "holds no code"),
        (f"http://localhost/?error=access_denied&state={STATE}", "did not allow it"),
        ("nonsense", "copy it as a whole"),
        ("", "copy it as a whole"),
    ],
)
def test_pasted_address_must_belong_to_this_attempt(pasted: str, sentence: str) -> None:
    """Forged, cut or foreign addresses give no code."""
    with pytest.raises(NoConsent) as caught:
        code_of(pasted, STATE)
    assert sentence in caught.value.message
    assert "code=x" not in caught.value.message


def test_end_of_input_is_said() -> None:
    """A command without a terminal ends with a sentence."""

    def nothing() -> str:
        raise EOFError

    with pytest.raises(NoConsent, match="No address was given"):
        read_pasted(STATE, nothing)
