"""The tables of countries and states are read from pycountry's files, and say what its own objects say."""

from collections import defaultdict

import pycountry

from customer_sync.rules.places import Country, resolve_country, resolve_state
from customer_sync.settings.mapping import Geography

NONE = Geography()


def test_every_name_and_code_of_a_country_is_known() -> None:
    """Names in three forms, codes of two and three letters, in any case."""
    for entry in pycountry.countries:
        expected = Country(entry.alpha_2, entry.name)
        for text in (entry.name, entry.alpha_2.lower(), entry.alpha_3, getattr(entry, "official_name", entry.name)):
            assert resolve_country(text, NONE) == expected, text


def test_every_code_of_a_state_is_known_and_every_name_leads_to_a_state_of_it() -> None:
    """Where two subdivisions bear one name, which one is meant is the same in every process: the table's first."""
    first: dict[tuple[str, str], str] = {}
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    codes = {(each.country_code, each.code.partition("-")[2].casefold()) for each in pycountry.subdivisions}
    for each in pycountry.subdivisions:
        key = (each.country_code, each.name.casefold())
        names[key].add(each.code)
        first.setdefault(key, each.code)
        country = Country(each.country_code, "")
        code = each.code.partition("-")[2]
        found = resolve_state(code, country, NONE)
        assert found is not None
        assert (found.code, found.name) == (code, each.name)
    for (country_code, name), code in first.items():
        found = resolve_state(name, Country(country_code, ""), NONE)
        assert found is not None
        if (country_code, name) not in codes:
            assert f"{country_code}-{found.code}" == code, names[country_code, name]
