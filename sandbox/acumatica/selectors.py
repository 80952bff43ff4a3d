"""What the ERP's selector fields know: any other value is refused (docs/api/acumatica.md#customer).

Countries are ISO 3166-1 codes as a new site lists them, and Kosovo's. A country whose states are not listed here lets
them be typed.
"""

from __future__ import annotations

from typing import Any

from sandbox.acumatica.contract import fields_of
from sandbox.places import COUNTRIES

_COUNTRY_CODES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
_STATE_CODES = {
    "US": """
AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK
OR PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI AA AE AP
""",
    "CA": "AB BC MB NB NL NS NT NU ON PE QC SK YT",
    "AU": "ACT NSW NT QLD SA TAS VIC WA",
}
_COUNTRIES = frozenset(_COUNTRY_CODES.split())
_STATES = {country: frozenset(codes.split()) for country, codes in _STATE_CODES.items()}
_TAX_ZONES = frozenset({"EXEMPT", *(state for country in COUNTRIES for _, state in country.cities if state)})
_TITLES = {"CustomerClass": "Customer Class", "CurrencyID": "Currency ID", "TaxZone": "Tax Zone"}


def complaint(name: str, value: Any, reach: str, country: str = "") -> str | None:
    """What the ERP says to a value of a selector field; none when it takes it.

    Args:
        name: The field.
        value: What was sent for it.
        reach: Of the switch `selectors`.
        country: Of a state, the address's country.
    """
    if value is None or _knows(name, str(value), reach, country):
        return None
    return f"'{_TITLES.get(name, name)}' cannot be found in the system."


def _knows(name: str, value: str, reach: str, country: str) -> bool:
    if name == "Terms":
        return value in fields_of("Customer")["Terms"].options
    if name in _TITLES and reach != "terms":
        known = _TAX_ZONES if name == "TaxZone" else fields_of("Customer")[name].options
        return value.upper() in known
    if name == "Country" and reach == "all":
        return value.upper() in _COUNTRIES
    if name == "State" and reach == "all":
        states = _STATES.get(country.upper())
        return states is None or value.upper() in states
    return True
