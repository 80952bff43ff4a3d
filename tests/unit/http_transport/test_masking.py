"""What the one redactor hides, and what it leaves readable."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_sync.redaction import kind_of_key, mask_email, mask_name, mask_phone, mask_text, redact_body


@pytest.mark.parametrize(
    ("plain", "masked"),
    [
        ("maria@example.com", "ma•••@ex•••.com"),
        ("m@x.co.uk", "m•••@x.•••.uk"),
        (" Maria.Lopez@Sub.Example.com ", "Ma•••@Su•••.com"),
        ("a@b", "a•••@b•••"),
        ("not an address", "no•••"),
        ("", ""),
    ],
)
def test_email_is_masked_when_it_stands_alone(plain: str, masked: str) -> None:
    """Two characters of each side and the ending stay, so that an operator recognises it and nobody else can use it."""
    assert mask_email(plain) == masked


@pytest.mark.parametrize(
    ("plain", "masked"),
    [("Northwind Kitchen", "No•••"), ("李小龙", "李小•••"), ("Jo", "Jo•••"), ("", ""), ("  ", "")],
)
def test_name_is_masked_when_it_stands_alone(plain: str, masked: str) -> None:
    """Two characters stay."""
    assert mask_name(plain) == masked


@pytest.mark.parametrize(("plain", "masked"), [("+1 (555) 010-4420", "•••20"), ("none", "•••"), ("", "")])
def test_phone_is_masked_when_it_stands_alone(plain: str, masked: str) -> None:
    """Two digits stay."""
    assert mask_phone(plain) == masked


@pytest.mark.parametrize(
    ("plain", "hidden"),
    [
        ("Email already exists. ['lee@northwind.example']", "lee@northwind"),
        ("mail <lee@northwind.example>.", "northwind"),
        ("call +49 30 901820 now", "901820"),
        ("call (555) 010-4421 now", "010-4421"),
        ("call 555-010-4421", "010-4421"),
        ("call 555.010.4421.", "010.4421"),
        ("Authorization: Bearer abc.def.ghi", "abc.def"),
        ("password=hunter2&tenant=X", "hunter2"),
        ('{"client_secret": "hunter2"', "hunter2"),
        ("name=a;ASP.NET_SessionId=hunter2; x", "hunter2"),
        ("grant_type=refresh_token&refresh_token=hunter2", "hunter2"),
        ("code_verifier=hunter2&scope=api", "hunter2"),
        ('{"access_token": "hunter2", "refresh_token": "hun', "hunter2"),
    ],
)
def test_secret_is_hidden_when_it_stands_in_a_sentence(plain: str, hidden: str) -> None:
    """Addresses, numbers and secrets are found inside free text."""
    assert hidden not in mask_text(plain)


@pytest.mark.parametrize(
    "plain",
    [
        "customer C001042 at 2026-03-04 15:21:07.483 +00:00",
        "company 61427, user 20517, 12345678901",
        "6f3c1f0e-51a9-ee11-8359-0690322d016b",
        "GET /entity/Default/24.200.001/Customer",
        "150 times/60 s",
        "a @ b",
    ],
)
def test_text_is_unchanged_when_it_holds_nothing_personal(plain: str) -> None:
    """Ids, versions, dates and GUIDs stay readable: a log that hides them helps nobody."""
    assert mask_text(plain) == plain


@given(st.text() | st.emails() | st.from_regex(r"\+?[0-9 ()-]{5,30}"))
def test_masking_is_stable_when_repeated(text: str) -> None:
    """A text that passes the redactor twice reads as after once."""
    for mask in (mask_text, mask_email, mask_name):
        assert mask(mask(text)) == mask(text)


@given(st.emails(), st.text(alphabet="ab ,.;:'\"()<>", max_size=10))
def test_address_never_survives_when_it_is_anywhere(email: str, around: str) -> None:
    """No e-mail address is left whole by text masking or by excerpts."""
    sentence = f"{around} {email} {around}"
    assert email not in mask_text(sentence)
    assert email not in redact_body({"text": sentence, "email": email})


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("companyEmail", "email"),
        ("admin_phone_number", "phone"),
        ("Phone1", "phone"),
        ("CustomerName", "name"),
        ("first_name", "name"),
        ("Attention", "name"),
        ("X-Auth-Token", "secret"),
        ("client_secret", "secret"),
        ("Set-Cookie", "secret"),
        ("fieldName", None),
        ("CustomerID", None),
        ("stateName", None),
    ],
)
def test_kind_is_told_when_a_key_names_it(key: str, kind: str | None) -> None:
    """Keys of both APIs and of settings are sorted the same way, whatever their spelling."""
    assert kind_of_key(key) == kind


def test_body_is_masked_by_key_when_it_is_json() -> None:
    """Values of both APIs' forms are masked by their key; ids and codes stay."""
    body = (
        b'{"CustomerID": {"value": "C1"}, "CustomerName": {"value": "Northwind"}, "adminFirstName": "Dana",'
        b' "Phone1": {"value": "555"}, "data": [{"companyEmail": "a@b.example"}], "password": "hunter2"}'
    )
    shown = redact_body(body)
    assert '"C1"' in shown
    for hidden in ("Northwind", "Dana", '"555"', "a@b", "hunter2"):
        assert hidden not in shown


def test_body_is_masked_when_it_was_cut() -> None:
    """JSON that cannot be parsed is masked as text, by the same keys."""
    shown = redact_body(b'[{"CustomerName": {"value": "Northwind"}, "email": "x", "token": "hunter2", "lastName": "Riv')
    for hidden in ("Northwind", "hunter2", "Riv"):
        assert hidden not in shown


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<html>a@b.example</html>", b"[" * 100_000, b"null", b'"x"'])
def test_excerpt_is_short_text_when_the_body_is_anything(body: bytes) -> None:
    """Whatever came back, there is an excerpt of at most 500 characters without addresses."""
    shown = redact_body(body)
    assert len(shown) <= 500
    assert "a@b" not in shown


@pytest.mark.parametrize("unit", ["a@", "1 ", "+1", "((", "a", "password=", '"email":"', "Bearer ", "-1"])
def test_time_is_linear_when_a_value_is_hostile(unit: str) -> None:
    """Twenty times the input takes about twenty times as long, never four hundred."""

    def seconds(count: int) -> float:
        text = unit * (count // len(unit))
        started = time.process_time()
        mask_text(text)
        redact_body(text.encode())
        return time.process_time() - started

    small, large = seconds(10_000), seconds(200_000)
    assert large < max(small, 0.005) * 100
