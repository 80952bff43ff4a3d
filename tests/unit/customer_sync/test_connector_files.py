"""A connector file is read, or a sentence says file, field and what is accepted."""

from pathlib import Path

import pytest

from customer_sync.errors import ConfigError
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import (
    connector_paths,
    connectors_directory,
    find_connector,
    load_connector,
    watched_connectors,
)
from tests.unit.customer_sync.builders import a_connector

SHIPPED = Path(__file__).parents[3] / "include" / "connectors" / "knb.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give an empty folder of connector files."""
    return tmp_path


def load(folder: Path, text: str | bytes, name: str = "knb.yaml") -> Connector:
    """Write a connector file and read it."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_connector(path)


def test_the_shipped_file_is_valid_and_names_the_defaults() -> None:
    """What ships is what the documents promise: B2B, KNB, Admin, Junior Buyer."""
    connector = load_connector(SHIPPED)
    assert connector.id == "knb"
    assert connector.eligibility == a_connector().eligibility
    assert connector.contacts == a_connector().contacts
    assert connector.source == a_connector().source


def test_an_id_is_enough() -> None:
    """Every other setting has a default."""
    assert a_connector().dag_id == "customer_sync__knb"
    assert a_connector().source_connection_id == "acumatica_knb"
    assert a_connector().target_connection_id == "better_b2b_knb"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id: knb\nname: 'x", ["line", "column"]),
        ("id: [knb", ["line", "column"]),
        ("id: knb\n\tname: x", ["line 2"]),
        ("id: knb\x00", ["cannot be parsed"]),
        (b"id: \xff\xfe", ["is not UTF-8 text", "byte 4"]),
        ("", ["must hold settings", "NoneType"]),
        ("- id: knb", ["must hold settings", "list"]),
        ("knb", ["must hold settings", "str"]),
        ("name: x", ["id:", "required"]),
        ("id: KNB", ["id:", "pattern", "given: 'KNB'"]),
        ("id: other", ["id is 'other'", "'knb'", "Make them equal"]),
        ("id: knb\nid: knb", ["'id' appears twice", "line 2"]),
        ("id: knb\nstore: {share: 0.5, share: 0.6}", ["'share' appears twice"]),
        ("id: knb\nshedule: x", ["shedule: unknown setting"]),
        ("id: knb\ncontacts: {role: x}", ["contacts.role: unknown setting"]),
        ("id: knb\nactive: perhaps", ["active:", "boolean", "given: 'perhaps'"]),
        ("id: knb\ncontacts: {admin_fallback: nobody}", ["contacts.admin_fallback", "'account' or 'refuse'"]),
        ("id: knb\npolicy: {customer: drop}", ["policy.customer", "'leave', 'deactivate' or 'delete'"]),
        ("id: knb\npolicy: {contact: deactivate}", ["policy.contact", "'leave' or 'delete'"]),
        ("id: knb\nterms: {30D: {days: 31}}", ["terms.30D.days", "0, 5, 15, 30, 45 or 60", "given: 31"]),
        ("id: knb\nterms: {30D: {}}", ["terms.30D", "'days', 'payment_methods' or both"]),
        ("id: knb\nterms: {30D: {days: 30}, 30d: {days: 30}}", ["terms", "differ only in case"]),
        ("id: knb\nstore: {share: 1.5}", ["store.share", "less than or equal to 1"]),
        ("id: knb\nstore: {bulk_size: 11}", ["store.bulk_size", "10"]),
        ("id: knb\nstore: {channel_ids: []}", ["store.channel_ids", "at least 1"]),
        ("id: knb\nerp: {page_size: 1}", ["erp.page_size", "greater than or equal to 2"]),
        ("id: knb\nbatch: {size: 600, largest: 500}", ["batch", "'largest' (500)", "'size' (600)"]),
        ("id: knb\nwindow_overlap_minutes: -1", ["window_overlap_minutes", "given: -1"]),
        ("id: knb\neligibility: {types: []}", ["eligibility.types", "at least 1"]),
        ("id: knb\neligibility: {types: B2B}", ["eligibility.types", "tuple"]),
        ("id: knb\neligibility: 5", ["eligibility", "given: 5"]),
        ("id: knb\nsource: {customer: {email: 5}}", ["source.customer.email", "a field's name"]),
        (
            "id: knb\nsource: {customer: {extra_fields: {acumatica customer id: Email}}}",
            ["extra_fields", "store.key_field"],
        ),
    ],
)
def test_a_wrong_file_is_refused_with_file_field_and_accepted_values(
    folder: Path, text: str | bytes, words: list[str]
) -> None:
    """Whoever wrote the file can mend it from this one sentence."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    message = str(caught.value)
    assert "knb.yaml" in message
    for word in words:
        assert word in message


def test_every_wrong_setting_is_named_at_once(folder: Path) -> None:
    """Three mistakes take one reading."""
    with pytest.raises(ConfigError) as caught:
        load(folder, "id: knb\nactive: perhaps\nstore: {share: 2}\ncolour: blue")
    for place in ("active", "store.share", "colour"):
        assert f"{place}: " in str(caught.value)
    assert "docs/connector-file.md" in str(caught.value)


@pytest.mark.parametrize(
    "text", ["id: knb\npassword: hunter2", "id: knb\nerp: {api_token: hunter2}", "id: knb\nx: {secret: hunter2}"]
)
def test_a_secret_in_the_wrong_place_is_not_repeated(folder: Path, text: str) -> None:
    """Someone puts a password into the file: the error names the setting, never the value."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    assert "unknown setting" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_codes_stay_text_when_yaml_would_read_something_else(folder: Path) -> None:
    """NO is Norway, 01 is Hokkaido, 030 are terms: none becomes false, 1 or 24."""
    connector = load(
        folder,
        "id: knb\n"
        "eligibility: {classes: [100, ON, 007]}\n"
        "geography: {countries: {NO: NO, N: NO}, states: {JP: {1: 01, 8: 08}}}\n"
        "terms: {030: {days: 30}, 30: {days: 30}, 12:30: {days: 0}}\n",
    )
    assert connector.eligibility.classes == ("100", "ON", "007")
    assert connector.geography.countries == {"NO": "NO", "N": "NO"}
    assert connector.geography.states == {"JP": {"1": "01", "8": "08"}}
    assert list(connector.terms) == ["030", "30", "12:30"]


@pytest.mark.parametrize(("text", "value"), [("yes", True), ("no", False), ("true", True), ("off", False)])
def test_switches_are_read_in_every_usual_spelling(folder: Path, text: str, *, value: bool) -> None:
    """Nobody has to know which YAML this is."""
    assert load(folder, f"id: knb\nactive: {text}").active is value


def test_numbers_and_nulls_are_read(folder: Path) -> None:
    """A share is a number, an absent group is null."""
    store = load(folder, "id: knb\nstore: {share: 0.25, customer_group_id: null, origin_channel_id: 2}").store
    assert (store.share, store.customer_group_id, store.origin_channel_id) == (0.25, None, 2)


@pytest.mark.parametrize(("length", "is_cut"), [(58, False), (59, True), (10_000, True)])
def test_a_given_value_is_shown_in_sixty_characters_at_most(folder: Path, length: int, *, is_cut: bool) -> None:
    """A value pasted by mistake does not bury the sentence."""
    with pytest.raises(ConfigError) as caught:
        load(folder, f"id: {'X' * length}")
    shown = "'" + "X" * 56 + "..." if is_cut else "'" + "X" * length + "'"
    assert len(shown) == 60
    assert f"(given: {shown})" in str(caught.value)


def test_code_in_a_file_is_not_run(folder: Path) -> None:
    """YAML tags that would build Python objects are refused."""
    with pytest.raises(ConfigError, match="cannot be parsed"):
        load(folder, "id: !!python/object/apply:os.system ['true']")


def test_a_huge_file_is_refused(folder: Path) -> None:
    """A log file renamed by mistake does not fill the scheduler's memory."""
    with pytest.raises(ConfigError, match="larger than"):
        load(folder, "#" * 1_000_001)


def test_the_folder_is_named_when_it_does_not_exist(folder: Path) -> None:
    """The message says which folder was meant and which variable names it."""
    missing = folder / "nowhere"
    with pytest.raises(ConfigError, match=r"does not exist: .*CUSTOMER_SYNC_CONNECTORS_DIR") as caught:
        connector_paths(missing)
    assert str(missing) in str(caught.value)


def test_folders_are_looked_at_in_their_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's folder, also one that is missing; else the checkout's."""
    monkeypatch.setenv("CUSTOMER_SYNC_CONNECTORS_DIR", str(folder / "none"))
    assert connectors_directory() == folder / "none"
    monkeypatch.delenv("CUSTOMER_SYNC_CONNECTORS_DIR")
    monkeypatch.setenv("AIRFLOW_HOME", str(folder))
    (folder / "connectors").mkdir()
    assert connectors_directory() == Path(__file__).resolve().parents[3] / "include" / "connectors"


def test_a_missing_file_is_named_with_the_ones_that_exist(folder: Path) -> None:
    """A mistyped id is told together with the right ones."""
    load(folder, "id: knb")
    with pytest.raises(ConfigError, match=r"no connector file acme\.yaml .*found: knb"):
        find_connector("acme", folder)
    assert find_connector("knb", folder).id == "knb"


def test_a_folder_instead_of_a_file_is_named(folder: Path) -> None:
    """Even this has a sentence."""
    (folder / "knb.yaml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        find_connector("knb", folder)


def test_files_are_found_in_the_order_of_their_names(folder: Path) -> None:
    """Both endings count, other files do not."""
    for name in ("b.yml", "a.yaml", "c.txt"):
        (folder / name).touch()
    assert [path.name for path in connector_paths(folder)] == ["a.yaml", "b.yml"]


@pytest.mark.parametrize(
    ("settings", "is_same"),
    [
        ({"schedule": "@hourly", "owner": "ops", "active": False, "masking": {"emails": False}}, True),
        ({"erp": {"page_size": 100}, "batch": {"size": 10}}, True),
        ({"eligibility": {"types": ["B2C"]}}, False),
        ({"source": {"customer": {"email": "MainContact/Email"}}}, False),
        ({"contacts": {"other_role": "Clerk"}}, False),
        ({"terms": {"30D": {"days": 30}}}, False),
        ({"geography": {"countries": {"UK": "GB"}}}, False),
        ({"policy": {"customer": "leave"}}, False),
        ({"store": {"default_phone": "1"}}, False),
        ({"store": {"key_field": "ERP No"}}, False),
    ],
)
def test_the_fingerprint_changes_when_a_rule_or_the_mapping_does(settings: dict[str, object], *, is_same: bool) -> None:
    """Other rules make the next run a full one; another schedule does not."""
    same = a_connector(**settings).mapping_fingerprint() == a_connector().mapping_fingerprint()
    assert same is is_same


def test_somebody_is_told_although_the_file_is_wrong_elsewhere(folder: Path) -> None:
    """Of a wrong file the section alerts still holds; a file that names nobody, or cannot be read, has nobody."""
    for name, text in {
        "good": "id: good\nalerts: {webhook: {connection: chat}}",
        "wrong": "id: wrong\nschedul: daily\nalerts: {email: {to: [ops@example.com]}}",
        "silent": "id: silent",
        "wronger": "id: wronger\nalerts: {email: {to: []}}",
        "torn": "id: [",
        "Bad Name": "alerts: {webhook: {connection: chat}}",
    }.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    found = watched_connectors(folder)
    assert list(found) == ["good", "wrong"]
    assert found["wrong"].alerts.email is not None
