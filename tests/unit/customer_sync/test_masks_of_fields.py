"""Which fields hold something of a person, whatever record they are of."""

from __future__ import annotations

from customer_sync.model.fields import EntityFields, FieldRule

FIELDS = EntityFields(
    company={"name": FieldRule("companyName"), "email": FieldRule("companyEmail", mask="email")},
    user={"name": FieldRule("fullName", mask="name"), "email": FieldRule("email", mask="email")},
    address={"name": FieldRule("label"), "city": FieldRule("city")},
)


def test_a_field_is_masked_where_any_record_of_that_name_holds_a_person() -> None:
    """One name in two tables is masked by the one that says so, in whatever order they come."""
    masks = FIELDS.masks()
    assert (masks["name"], masks["email"], masks["city"]) == ("name", "email", "")


def test_the_first_user_of_a_new_company_is_masked_like_every_user() -> None:
    """What a creation says of its admin is masked as the user's own fields are."""
    assert FIELDS.masks().keys() == {"name", "email", "city", "admin_name", "admin_email"}
    assert (FIELDS.masks()["admin_name"], FIELDS.masks()["admin_email"]) == ("name", "email")
