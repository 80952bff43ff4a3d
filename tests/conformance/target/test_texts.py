from __future__ import annotations

import pytest

from customer_sync.errors import RecordRejected
from customer_sync.targets.port import Target
from tests.conformance.records import Records

TEXTS = {
    "umlauts": "Bäckerei Größe & Söhne GmbH",
    "accents": "Café Zoë Nuñez Łódź Ærø",
    "four bytes": "𠮷野家 🍞 𓀀",
    "right to left": "מאפייה אלון",
    "markup": "<b>Smith</b> & \"Sons\" 'Ltd'",
    "backslashes": "C:\\path\\n % _ {0} ${x}",
    "combining": "Ba\u0308ckerei",
}
FILL = {"ascii": "x", "umlaut": "ü", "four bytes": "🍞"}


def at_limit(limit: int, fill: str) -> str:
    """A text of exactly so many characters, with one that shows where it begins and ends."""
    return f"[{FILL[fill] * (limit - 2)}]"


@pytest.mark.parametrize("which", TEXTS)
def test_a_company_keeps_its_name_to_the_letter(records: Records, which: str) -> None:
    """No character is lost or changed on the way."""
    made = records.make_company(company_name=TEXTS[which], address_line2=TEXTS[which])
    assert (made.fields.company_name, made.fields.address_line2) == (TEXTS[which], TEXTS[which])


@pytest.mark.parametrize("which", TEXTS)
def test_a_user_keeps_its_name_to_the_letter(records: Records, which: str) -> None:
    """No character is lost or changed on the way."""
    made = records.make_user(records.make_company().id, first_name=TEXTS[which], last_name=TEXTS[which])
    assert (made.fields.first_name, made.fields.last_name) == (TEXTS[which], TEXTS[which])


@pytest.mark.parametrize("which", TEXTS)
def test_an_address_keeps_its_texts_to_the_letter(records: Records, which: str) -> None:
    """No character is lost or changed on the way."""
    names = ("first_name", "address_line1", "city", "label")
    made = records.make_address(records.make_company().id, **dict.fromkeys(names, TEXTS[which]))
    assert [getattr(made.fields, name) for name in names] == [TEXTS[which]] * len(names)


@pytest.mark.parametrize("fill", FILL)
@pytest.mark.parametrize("name", ["company_name", "address_line1", "address_line2", "city"])
def test_a_company_holds_texts_as_long_as_the_table_says(
    target: Target, records: Records, name: str, fill: str
) -> None:
    """The longest text that the field table allows is stored whole, whatever its characters."""
    text = at_limit(target.limits.fields.company[name].most_chars, fill)
    assert getattr(records.make_company(**{name: text}).fields, name) == text


@pytest.mark.parametrize("fill", FILL)
@pytest.mark.parametrize("name", ["first_name", "last_name"])
def test_a_user_holds_texts_as_long_as_the_table_says(target: Target, records: Records, name: str, fill: str) -> None:
    """The longest text that the field table allows is stored whole, whatever its characters."""
    text = at_limit(target.limits.fields.user[name].most_chars, fill)
    made = records.make_user(records.make_company().id, **{name: text})
    assert getattr(made.fields, name) == text


@pytest.mark.parametrize("fill", FILL)
@pytest.mark.parametrize("name", ["first_name", "last_name", "address_line1", "address_line2", "city", "label"])
def test_an_address_holds_texts_as_long_as_the_table_says(
    target: Target, records: Records, name: str, fill: str
) -> None:
    """The longest text that the field table allows is stored whole, whatever its characters."""
    text = at_limit(target.limits.fields.address[name].most_chars, fill)
    made = records.make_address(records.make_company().id, **{name: text})
    assert getattr(made.fields, name) == text


def test_a_text_that_does_not_fit_is_refused_and_never_cut(target: Target, records: Records) -> None:
    """What is longer than the table allows is not stored in part."""
    have = records.make_company()
    longer = "x" * (target.limits.fields.company["company_name"].most_chars + 1)
    with pytest.raises(RecordRejected):
        records.send(records.company_change(have, company_name=longer))
    assert records.only_company().fields.company_name == have.fields.company_name


@pytest.mark.parametrize("entity", ["company", "user", "address"])
def test_the_field_table_names_every_field(target: Target, records: Records, entity: str) -> None:
    """Each field of the model has its rule, and there is none besides."""
    fields = {"company": records.company(), "user": records.user(), "address": records.address()}[entity]
    assert set(getattr(target.limits.fields, entity)) == set(fields.__struct_fields__)


@pytest.mark.parametrize(
    ("entity", "name", "kind"),
    [
        ("company", "company_email", "email"),
        ("company", "company_phone", "phone"),
        ("user", "email", "email"),
        ("user", "first_name", "name"),
        ("user", "last_name", "name"),
        ("user", "phone_number", "phone"),
        ("address", "first_name", "name"),
        ("address", "phone_number", "phone"),
    ],
)
def test_personal_data_is_marked_in_the_field_table(target: Target, entity: str, name: str, kind: str) -> None:
    """What people without the right must not see is masked by the table."""
    assert getattr(target.limits.fields, entity)[name].mask == kind


@pytest.mark.parametrize("kind", ["company", "user", "address"])
def test_a_record_as_text_shows_no_personal_data(records: Records, kind: str) -> None:
    """A record in a log or an error message gives nobody away."""
    company = records.make_company()
    made = {
        "company": company,
        "user": records.make_user(company.id),
        "address": records.make_address(company.id),
    }[kind]
    assert "@" not in repr(made)
    assert "Rivera" not in repr(made)
    assert "555010" not in "".join(filter(str.isdigit, repr(made)))
