"""Which of the store's countries and states a text of the ERP means."""

from __future__ import annotations

import json
from pathlib import Path

import pycountry
import pytest

from customer_sync.model import place_names
from customer_sync.model.customer import PostalAddress
from customer_sync.model.place import Place
from customer_sync.rules.places import STATE_COUNTRIES, Match, StorePlaces
from customer_sync.settings.mapping import Geography
from tests.unit.customer_sync.builders import a_connector, a_customer, an_address

COUNTRIES = [
    Place("US", "United States"),
    Place("DE", "Germany"),
    Place("GB", "United Kingdom"),
    Place("KR", "South Korea"),
    Place("CG", "Congo (Brazzaville)"),
    Place("CD", "Congo (Kinshasa)"),
    Place("MM", "Myanmar"),
    Place("XK", "Republic of Kosovo"),
    Place("NO", "Norway"),
]
STATES = {
    "US": [
        Place("CA", "California"),
        Place("NY", "New York"),
        Place("AE", "Armed Forces Africa"),
        Place("AE", "Armed Forces Europe"),
        Place("AP", "Armed Forces Pacific"),
        Place("AA", "Armed Forces Americas"),
    ],
    "DE": [Place("BY", "Bayern"), Place("BE", "Berlin"), Place("BW", "Baden-Württemberg")],
    "AR": [Place("DF", "Ciudad Autónoma de Buenos Aires"), Place("BA", "Buenos Aires")],
    "IN": [
        Place("TS", "Telangana"),
        Place("MH", "Maharashtra"),
        Place("OR", "Orissa"),
        Place("DN", "Dadra and Nagar Haveli"),
        Place("DD", "Daman & Diu"),
    ],
    "MX": [Place("JL", "Jalisco"), Place("DF", "Ciudad de México"), Place("ME", "México")],
    "AT": [Place("WI", "Wien"), Place("TR", "Tirol")],
    "JP": [Place("TK", "Tokyo"), Place("TS", "Tokushima")],
    "ES": [Place("B", "Barcelona"), Place("GI", "Girona"), Place("M", "Madrid"), Place("LO", "La Rioja")],
    "IT": [Place("25", "Lombardia"), Place("52", "Toscana")],
    # Two letters of its own: what ISO means by them is another.
    "CL": [Place("AR", "Arica y Parinacota"), Place("AU", "La Araucanía")],
}


def places(**geography: object) -> StorePlaces:
    """The store's lists, and corrections."""
    return StorePlaces(COUNTRIES, STATES, geography=a_connector(geography=geography).geography)


STORE = places()


def state(country: str, text: str, store: StorePlaces = STORE) -> Match:
    """What a text means in a country."""
    return store.state(text, Place(country, country))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *[
            (text, "US")
            for text in ("US", "us", "USA", "U.S.A.", "United States", "États-Unis", "Estados Unidos", "美国")
        ],
        *[(text, "DE") for text in ("DEU", "Germany", "germany", "Deutschland", "Allemagne", "Германия", "ドイツ")],
        *[(text, "DE") for text in ("The Germany", "\uff24\uff25", " de ", "D.E.")],
        *[(text, "GB") for text in ("UK", "Great Britain", "Vereinigtes Königreich", "england")],
        *[
            (text, "KR")
            for text in ("KR", "South Korea", "Korea, Republic of", "Republic of Korea", "Südkorea", "대한민국")
        ],
        *[(text, "XK") for text in ("XK", "Kosovo", "Republic of Kosovo")],
        *[(text, "MM") for text in ("Burma", "Myanmar (Burma)", "Birmanie")],
        ("NO", "NO"),
        ("Congo (Kinshasa)", "CD"),
        ("Zaire", "CD"),
    ],
)
def test_a_country_is_known_by_code_or_name_in_any_language(text: str, code: str) -> None:
    """ISO codes, the store's name, names in other languages, and former ones; with and without accents."""
    assert STORE.country(text) == Match(next(place for place in COUNTRIES if place.code == code))


@pytest.mark.parametrize("text", ["", "ZZ", "XX", "XK1", "United", "Sweden", "SE", "The", "U" * 1_000_000])
def test_a_country_that_the_store_does_not_list_is_none(text: str) -> None:
    """Sweden is a country, but not one that this store takes."""
    assert STORE.country(text).place is None


@pytest.mark.parametrize("text", ["&", "!@#$%^&*()`~", "(&)", "-us-", "U S"])
def test_a_sign_is_no_code(text: str) -> None:
    """The sign for *and* stands for a word of a name, and is not the code of Andorra."""
    assert StorePlaces(geography=a_connector().geography).country(text).place is None


def test_a_country_that_fits_two_is_not_guessed() -> None:
    """People are asked which Congo they mean, and whether they meant Germany."""
    assert STORE.country("Congo") == Match(None, ("Congo (Brazzaville)", "Congo (Kinshasa)"))
    assert STORE.country("Congo").hint == "; did you mean Congo (Brazzaville) or Congo (Kinshasa)?"
    assert STORE.country("Germny").hint == "; did you mean Germany?"
    assert STORE.country("ZZ").hint == ""


@pytest.mark.parametrize(
    ("country", "text", "code"),
    [
        *[
            ("US", text, "CA")
            for text in ("CA", "ca", "US-CA", "California", "california", "Kalifornien", "State of California")
        ],
        *[("US", text, "NY") for text in ("N.Y.", "New York State", "Nueva York")],
        *[
            ("DE", text, "BY")
            for text in (
                "BY",
                "Bayern",
                "Bavaria",
                "BAVIÈRE",
                "Freistaat Bayern",
                "バイエルン",
                "Free State of Bavaria",
            )
        ],
        *[("DE", text, "BW") for text in ("Baden Württemberg", "Baden-Wuerttemberg", "BADEN WUERTTEMBERG")],
        *[("AR", text, "DF") for text in ("C", "CABA", "Capital Federal", "Ciudad de Buenos Aires")],
        *[("AR", text, "BA") for text in ("B", "Buenos Aires", "Provincia de Buenos Aires")],
        *[("IN", text, "TS") for text in ("TS", "TG", "Telangana", "Telangāna")],
        *[("IN", text, "MH") for text in ("MH", "Mahārāshtra", "Maharashtra", "महाराष्ट्र")],
        *[("IN", text, "OR") for text in ("OR", "OD", "Odisha", "Orissa")],
        *[("MX", text, "JL") for text in ("JL", "JAL", "Jalisco", "MX-JAL", "Халиско")],
        *[("MX", text, "DF") for text in ("CMX", "DF", "CDMX", "Mexico City", "Distrito Federal", "Ciudad de Mexico")],
        *[("MX", text, "ME") for text in ("MEX", "Estado de México", "mexico")],
        *[("AT", text, "WI") for text in ("9", "Wien", "Vienna", "AT-9", "Vienne")],
        *[("JP", text, "TK") for text in ("13", "Tōkyō", "東京都", "東京", "Tokyo-to", "Tokyo Prefecture")],
        # A province that is a region of its own; a region where the store lists regions and the ERP holds provinces.
        *[("ES", text, "M") for text in ("MD", "Madrid, Comunidad de", "Comunidad de Madrid")],
        *[("ES", text, "LO") for text in ("LO", "RI", "La Rioja")],
        *[("IT", text, "25") for text in ("MI", "Milano", "Lombardy")],
    ],
)
def test_a_state_is_known_by_code_or_name_in_any_language(country: str, text: str, code: str) -> None:
    """What is sent is the store's own code and name, whatever the ERP calls it."""
    assert state(country, text).place in [place for place in STATES[country] if place.code == code]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("AE", "Armed Forces Europe"),
        ("Armed Forces Africa", "Armed Forces Africa"),
        ("AP", "Armed Forces Pacific"),
        ("AA", "Armed Forces Americas"),
        ("Armed Forces the Americas", "Armed Forces Americas"),
    ],
)
def test_a_military_address_has_the_states_of_the_armed_forces(text: str, name: str) -> None:
    """A store lists one code under several names: a code alone takes the usual one."""
    found = state("US", text).place
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("country", "text", "suggested"),
    [
        ("IN", "DH", ("Dadra and Nagar Haveli", "Daman & Diu")),
        ("ES", "CT", ("Barcelona", "Girona")),
        ("ES", "Catalunya [Cataluña]", ("Barcelona", "Girona")),
        ("US", "Calif", ("California",)),
        ("IN", "Maharastra", ("Maharashtra",)),
        ("CL", "AR", ("Arica y Parinacota", "La Araucanía")),
        ("US", "ON", ()),
        ("DE", "", ()),
        ("US", "C" * 1_000_000, ()),
    ],
)
def test_a_state_that_fits_none_or_two_is_not_guessed(country: str, text: str, suggested: tuple[str, ...]) -> None:
    """A region of several provinces, a slip, a code that the store and ISO use differently."""
    assert state(country, text) == Match(None, suggested)


def test_the_merchants_own_codes_are_translated() -> None:
    """A correction is a code or a name; it settles also what fits two, without regard to case."""
    store = places(
        countries={"DEU1": "DE", "NORD": "Norway"},
        states={"de": {"BAY": "BY"}, "CL": {"AR": "La Araucanía"}},
        default_states={"de": "Berlin"},
    )
    assert store.country("deu1") == STORE.country("DE")
    assert store.country("NORD") == STORE.country("NO")
    assert state("DE", "bay", store) == Match(Place("BY", "Bayern"))
    assert state("CL", "ar", store) == Match(Place("AU", "La Araucanía"))
    assert state("AT", "BAY", store).place is None


def test_an_address_without_a_state_takes_the_countrys_default() -> None:
    """Only where the connector file gives one; what the ERP says comes first."""
    germany, store = Place("DE", "Germany"), places(default_states={"DE": "Berlin"})
    nowhere, bavaria = PostalAddress(country="DE"), PostalAddress(country="DE", state="BY")
    assert store.state_of(nowhere, germany) == Match(Place("BE", "Berlin"))
    assert store.state_of(bavaria, germany) == Match(Place("BY", "Bayern"))
    assert STORE.state_of(nowhere, germany) == Match(None)


def test_the_states_of_a_countrys_customers_are_asked_for() -> None:
    """Only of countries that have states, of main, billing and location addresses."""
    customers = [a_customer(main_address=an_address(country=country)) for country in ("USA", "Deutschland", "GB", "")]
    assert STORE.needed(customers) >= {"US", "DE"}
    assert "GB" not in STORE.needed(customers)


def test_a_store_that_lists_nothing_gets_the_names_of_iso_and_cldr() -> None:
    """English where there is an English name, without brackets and transliterations."""
    store = StorePlaces(geography=a_connector().geography)
    assert store.country("KOR").place == Place("KR", "South Korea")
    assert state("IN", "MH", store).place == Place("MH", "Maharashtra")
    assert state("ES", "B", store).place == Place("B", "Barcelona")
    assert state("US", "AE", store).place == Place("AE", "Armed Forces Europe")
    for code in STATE_COUNTRIES:
        assert store.country(code).place is not None
        assert state(code, "no such state", store).place is None


def test_no_country_is_called_in_english_what_iso_calls_another() -> None:
    """So the names of ISO 3166 are enough where one of them is meant, and those of CLDR need not be read."""
    iso, english = place_names._countries(), place_names._countries_in_english()
    assert {
        name: (iso[name], english[name]) for name in iso.keys() & english.keys() if iso[name] != english[name]
    } == {}


LISTS = json.loads(Path("sandbox/better_b2b/places.json").read_text(encoding="utf-8"))
# Larger regions, younger ones, and what the lists do not have.
NOT_LISTED = frozenset(
    "ID-KR ID-KU ID-PA ID-PD ID-PE ID-PS ID-PT ID-SR IN-DH IN-LA IT-SU PH-COM PH-MGS US-UM".split()  # noqa: SIM905 - short
)


@pytest.mark.parametrize("country", sorted(STATE_COUNTRIES))
def test_every_state_of_iso_is_found_in_the_lists_of_a_store(country: str) -> None:
    """By its code, its name, and its whole code: a strict store takes what is found, so none of these meets a 422."""
    listed = [Place(*row) for row in LISTS["states"][country]]
    store = StorePlaces([Place(*row) for row in LISTS["countries"]], {country: listed}, geography=Geography())
    entries = pycountry.subdivisions.get(country_code=country)  # type: ignore[no-untyped-call] # pycountry has no types
    parents = {entry.parent_code for entry in entries if entry.parent_code}
    meant = [entry for entry in entries if entry.code not in parents and entry.code not in NOT_LISTED]
    texts = [text for entry in meant for text in (entry.code.partition("-")[2], entry.name, entry.code)]
    assert texts
    assert [text for text in texts if state(country, text, store).place not in listed] == []
