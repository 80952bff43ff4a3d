"""What the ERP calls a country or a state, found in ISO 3166."""

import pytest

from customer_sync.rules.places import STATE_COUNTRIES, Country, State, resolve_country, resolve_state
from tests.unit.customer_sync.builders import a_connector

PLAIN = a_connector().geography
OWN = a_connector(geography={"countries": {"UK": "GB", "DEU1": "DE"}, "states": {"de": {"BAY": "BY"}}}).geography


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("US", "US"),
        ("us", "US"),
        ("USA", "US"),
        ("United States", "US"),
        ("germany", "DE"),
        ("Vietnam", "VN"),
        ("GB", "GB"),
        ("NO", "NO"),
        ("", None),
        ("UK", None),
        ("XX", None),
        ("United", None),
        ("U" * 1_000_000, None),
    ],
)
def test_a_country_is_known_by_code_or_name(text: str, code: str | None) -> None:
    """Two letters, three letters or the English name; nothing is guessed."""
    found = resolve_country(text, PLAIN)
    assert (found.code if found else None) == code


@pytest.mark.parametrize(("text", "code"), [("UK", "GB"), ("uk", "GB"), ("DEU1", "DE"), ("US", "US")])
def test_the_merchants_own_country_codes_are_translated(text: str, code: str) -> None:
    """The table of the connector file comes first."""
    assert resolve_country(text, OWN) == resolve_country(code, PLAIN)


@pytest.mark.parametrize(
    ("country", "text", "state"),
    [
        ("US", "CA", State("CA", "California")),
        ("US", "california", State("CA", "California")),
        ("US", "DC", State("DC", "District of Columbia")),
        ("US", "PR", State("PR", "Puerto Rico")),
        ("US", "ON", None),
        ("CA", "QC", State("QC", "Quebec")),
        ("AU", "NSW", State("NSW", "New South Wales")),
        ("JP", "13", State("13", "Tokyo")),
        ("DE", "BAY", None),
        ("DE", "", None),
        ("US", "C" * 1_000_000, None),
        ("AQ", "Ross Sea", None),
    ],
)
def test_a_state_is_known_within_its_country(country: str, text: str, state: State | None) -> None:
    """CA is California in the US and nothing in Canada."""
    assert resolve_state(text, Country(country, ""), PLAIN) == state


def test_the_merchants_own_state_codes_are_translated() -> None:
    """Per country, without regard to case."""
    assert resolve_state("bay", Country("DE", ""), OWN) == State("BY", "Bayern")
    assert resolve_state("BAY", Country("AT", ""), OWN) is None


def test_a_merchants_own_name_may_be_as_long_as_a_name_can_be() -> None:
    """The limit keeps a megabyte out of the look-up, not a long name."""
    longest, longer = "L" * 200, "L" * 201
    table = {"countries": {longest: "DE", longer: "DE"}, "states": {"DE": {longest: "BY", longer: "BY"}}}
    geography = a_connector(geography=table).geography
    germany = resolve_country("DE", PLAIN)
    assert germany is not None
    assert (resolve_country(longest, geography), resolve_country(longer, geography)) == (germany, None)
    assert resolve_state(longest, germany, geography) == State("BY", "Bayern")
    assert resolve_state(longer, germany, geography) is None


def test_every_country_that_needs_a_state_has_states() -> None:
    """A customer of these countries can be stored at all."""
    assert len(STATE_COUNTRIES) == 24
    for code in STATE_COUNTRIES:
        assert resolve_country(code, PLAIN) is not None
