"""`GET /countries` and `GET /states` (docs/api/better_b2b.md#places)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.better_b2b.envelope import SUCCESS, Reply, field_refusal, ok, plain_refusal
from sandbox.better_b2b.geography import Country, countries, country_by_code, country_by_name

if TYPE_CHECKING:
    from sandbox.better_b2b.request import Request
    from sandbox.better_b2b.state import Store

_BY_CODE = "1"
_DEFAULT_COUNTRY = "US"


def get_country(store: Store, request: Request) -> Reply:
    """`GET /countries` lists all; `?searchType=0|1&q=` finds one by English name or by ISO code."""
    if _asks_for_list(store, request, "searchType", "q"):
        rows = [{"countryCode": each.code, "countryName": each.name} for each in countries().values()]
        return ok(rows, SUCCESS)
    search_type, text = _search(request)
    country = _country(search_type, text)
    if country is None:
        raise plain_refusal(404, "Resource not found")
    return ok({"countryCode": country.code, "countryName": country.name}, SUCCESS)


def get_state(store: Store, request: Request) -> Reply:
    """`GET /states?countryCode=` lists a country's; `?searchType=0|1&q=&country=` finds one, by default in the US."""
    if _asks_for_list(store, request, "searchType", "q"):
        of_country = country_by_code(request.value("countryCode") or _DEFAULT_COUNTRY)
        if of_country is None:
            raise plain_refusal(404, "Resource not found")
        return ok([{"stateCode": each.code, "stateName": each.name} for each in of_country.states], SUCCESS)
    search_type, text = _search(request)
    asked = request.value("country")
    country = _country(search_type, asked) if asked is not None else country_by_code(_DEFAULT_COUNTRY)
    state = None
    if country is not None:
        found = country.states_by_code(text)
        state = next(iter(found), None) if search_type == _BY_CODE else country.state_by_name(text)
    if state is None:
        raise plain_refusal(404, "Please enter a valid state name or state abbreviation for the country.")
    return ok({"stateCode": state.code, "stateName": state.name}, SUCCESS)


def _asks_for_list(store: Store, request: Request, *search: str) -> bool:
    return store.settings["list_places"] and not any(request.value(name) for name in search)


def _search(request: Request) -> tuple[str, str]:
    search_type, text = request.value("searchType"), request.value("q")
    errors = {
        name: ["This field may not be null."] for name, value in (("searchType", search_type), ("q", text)) if not value
    }
    if search_type is None or text is None:
        raise field_refusal(errors)
    if search_type not in ("0", _BY_CODE):
        raise field_refusal({"searchType": [f'"{search_type}" is not a valid choice.']})
    return search_type, text


def _country(search_type: str, text: str) -> Country | None:
    return country_by_code(text) if search_type == _BY_CODE else country_by_name(text)
