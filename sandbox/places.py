"""Countries, cities and postal shapes of the seeded world, written for it; state codes are ISO 3166-2 suffixes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """A country as customers of the seeded world live in it.

    Attributes:
        code: ISO 3166-1 alpha-2.
        weight: Share among the customers.
        script: Which names are used (see `sandbox.word_lists`).
        phone: Shape of a telephone number; `#` is a digit.
        postal: Shape of a postal code; `#` is a digit, `@` a capital letter.
        cities: City and state code (empty where addresses carry no state).
        streets: Shapes of the first address line; `#` is the house number.
    """

    code: str
    weight: int
    script: str
    phone: str
    postal: str
    cities: tuple[tuple[str, str], ...]
    streets: tuple[str, ...]


_ENGLISH = ("# Harbor Ave", "# Mill Road", "# Foundry St", "# Station Way", "# Orchard Lane")
_GERMAN = ("Hauptstraße #", "Lindenallee #", "Am Güterbahnhof #", "Gerberweg #")

COUNTRIES: tuple[Country, ...] = (
    Country(
        "US",
        34,
        "english",
        "+1 (555) 01#-####",
        "#####",
        (
            ("Oakland", "CA"),
            ("Austin", "TX"),
            ("Portland", "OR"),
            ("Albany", "NY"),
            ("Tampa", "FL"),
            ("Chicago", "IL"),
            ("Denver", "CO"),
            ("Columbus", "OH"),
            ("Seattle", "WA"),
            ("Boston", "MA"),
            ("Honolulu", "HI"),
            ("Washington", "DC"),
        ),
        _ENGLISH,
    ),
    Country(
        "CA",
        9,
        "english",
        "+1 (555) 01#-####",
        "@#@ #@#",
        (("Toronto", "ON"), ("Montréal", "QC"), ("Vancouver", "BC"), ("Calgary", "AB"), ("Halifax", "NS")),
        (*_ENGLISH, "# rue Saint-Denis"),
    ),
    Country(
        "GB",
        7,
        "english",
        "+44 20 7946 0###",
        "@@# #@@",
        (("London", ""), ("Leeds", ""), ("Bristol", ""), ("Glasgow", "")),
        _ENGLISH,
    ),
    Country(
        "DE",
        7,
        "german",
        "+49 30 23125 ###",
        "#####",
        (("Berlin", "BE"), ("München", "BY"), ("Hamburg", "HH"), ("Köln", "NW"), ("Stuttgart", "BW")),
        _GERMAN,
    ),
    Country(
        "FR",
        5,
        "french",
        "+33 1 99 00 ## ##",
        "#####",
        (("Paris", ""), ("Lyon", ""), ("Besançon", ""), ("Orléans", "")),
        ("# rue de l'Église", "# avenue Émile-Zola", "# quai des Brumes"),
    ),
    Country(
        "NL",
        3,
        "dutch",
        "+31 85 001 ####",
        "#### @@",
        (("Amsterdam", ""), ("'s-Hertogenbosch", ""), ("Utrecht", "")),
        ("Keizersgracht #", "Stationsplein #"),
    ),
    Country(
        "JP",
        4,
        "japanese",
        "+81 3 0000 ####",
        "###-####",
        (("東京都千代田区", "13"), ("大阪市北区", "27"), ("京都市中京区", "26"), ("札幌市中央区", "01")),
        ("丸の内#丁目", "中央#番地"),
    ),
    Country(
        "CN",
        3,
        "chinese",
        "+86 10 5555 ####",
        "######",
        (("上海市", "SH"), ("广州市", "GD"), ("北京市", "BJ")),
        ("南京路#号", "人民路#号"),
    ),
    Country(
        "KR",
        2,
        "korean",
        "+82 2 555 ####",
        "#####",
        (("서울특별시", "11"), ("부산광역시", "26")),
        ("세종대로 #", "중앙로 #"),
    ),
    Country(
        "BR",
        3,
        "portuguese",
        "+55 11 5555-####",
        "#####-###",
        (("São Paulo", "SP"), ("Rio de Janeiro", "RJ"), ("Belo Horizonte", "MG")),
        ("Rua das Laranjeiras, #", "Avenida Brasil, #"),
    ),
    Country(
        "MX",
        3,
        "spanish",
        "+52 55 5555 ####",
        "#####",
        (("Ciudad de México", "CMX"), ("Guadalajara", "JAL"), ("Monterrey", "NLE")),
        ("Calle Reforma #", "Avenida Juárez #"),
    ),
    Country(
        "IN",
        3,
        "indian",
        "+91 22 5555 ####",
        "######",
        (("Mumbai", "MH"), ("Bengaluru", "KA"), ("Chennai", "TN"), ("New Delhi", "DL")),
        ("# MG Road", "Plot #, Industrial Area"),
    ),
    Country(
        "AE",
        2,
        "arabic",
        "+971 4 555 ####",
        "",
        (("دبي", "DU"), ("أبوظبي", "AZ")),
        ("شارع الشيخ زايد #", "شارع النخيل #"),
    ),
    Country(
        "GR",
        2,
        "greek",
        "+30 21 0555 ####",
        "### ##",
        (("Αθήνα", ""), ("Θεσσαλονίκη", "")),
        ("Οδός Ερμού #", "Λεωφόρος Συγγρού #"),
    ),
    Country(
        "RU",
        2,
        "russian",
        "+7 495 555-##-##",
        "######",
        (("Москва", "MOW"), ("Санкт-Петербург", "SPE")),
        ("ул. Ленина, #", "Невский проспект, #"),
    ),
    Country(
        "IL",
        2,
        "hebrew",
        "+972 3 555 ####",
        "#######",
        (("תל אביב", ""), ("ירושלים", "")),
        ("רחוב הרצל #", "שדרות רוטשילד #"),
    ),
    Country(
        "TH",
        2,
        "thai",
        "+66 2 555 ####",
        "#####",
        (("กรุงเทพมหานคร", "10"), ("เชียงใหม่", "50")),
        ("ถนนสุขุมวิท #", "ถนนเจริญกรุง #"),
    ),
    Country(
        "AU",
        3,
        "english",
        "+61 2 5550 ####",
        "####",
        (("Sydney", "NSW"), ("Melbourne", "VIC"), ("Perth", "WA")),
        _ENGLISH,
    ),
    Country("IT", 2, "italian", "+39 02 5555 ####", "#####", (("Milano", "MI"), ("Roma", "RM")), ("Via Garibaldi, #",)),
    Country(
        "ES", 2, "spanish", "+34 91 555 ## ##", "#####", (("Barcelona", "B"), ("Madrid", "M")), ("Calle Mayor, #",)
    ),
    Country("CH", 1, "german", "+41 44 555 ## ##", "####", (("Zürich", "ZH"), ("Genève", "GE")), _GERMAN),
    Country("SE", 1, "nordic", "+46 8 555 ### ##", "### ##", (("Göteborg", ""), ("Malmö", "")), ("Storgatan #",)),
    Country("PL", 1, "polish", "+48 22 555 ## ##", "##-###", (("Łódź", ""), ("Kraków", "")), ("ul. Długa #",)),
)
