"""Texts are cut to what the store holds, names split in two."""

import pytest

from customer_sync.model.outcome import Finding, Reason
from customer_sync.rules.text_limit import TextLimits, cut, split_name


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Dana Rivera", ("Dana", "Rivera")),
        ("Dana  Rivera", ("Dana", "Rivera")),
        (" Dana Rivera ", ("Dana", "Rivera")),
        ("Jo van der Berg", ("Jo van der", "Berg")),
        ("Reception", ("Reception", "Reception")),
        ("山田太郎", ("山田太郎", "山田太郎")),
        ("山田 太郎", ("山田", "太郎")),
        ("", ("", "")),
    ],
)
def test_a_name_is_split_at_its_last_blank(text: str, names: tuple[str, str]) -> None:
    """The store wants two names; one word stands for both."""
    assert split_name(text) == names


@pytest.mark.parametrize(
    ("text", "kept", "detail"),
    [
        ("abcde", "abcde", None),
        ("abcdef", "abcde", "6 characters cut to 5"),
        ("abcd ef", "abcd", "7 characters cut to 5"),
        ("名前名前名前", "名前名前名", "6 characters cut to 5"),
        ("", "", None),
    ],
)
def test_a_text_is_cut_to_whole_characters_and_the_cut_is_said(text: str, kept: str, detail: str | None) -> None:
    """Five fit: the sixth goes, no blank is left hanging, and the log hears of it."""
    findings: list[Finding] = []
    assert cut(text, 5, "City", findings, entity="location", key="EAST") == kept
    said = Finding(reason=Reason.VALUE_CUT, entity="location", key="EAST", field="City", detail=detail or "")
    assert findings == ([said] if detail else [])


def test_a_cut_is_the_customers_when_nothing_else_is_said() -> None:
    """The fields of the customer itself need neither entity nor key."""
    findings: list[Finding] = []
    assert cut("abc", 2, "name", findings) == "ab"
    assert list(TextLimits(("name", 2)).cut(["abc"], findings)) == ["ab"]
    said = Finding(reason=Reason.VALUE_CUT, entity="customer", key="", field="name", detail="3 characters cut to 2")
    assert findings == [said, said]


def test_each_text_has_its_own_limit() -> None:
    """The shortest limit only says when a look at each is needed, and no text goes without one."""
    limits = TextLimits(("name", 4), ("phone", 2))
    findings: list[Finding] = []
    assert list(limits.cut(["abcd", "12"], findings)) == ["abcd", "12"]
    assert findings == []
    assert list(limits.cut(["abcd", "123"], findings)) == ["abcd", "12"]
    assert [finding.field for finding in findings] == ["phone"]
    with pytest.raises(ValueError, match="zip"):
        limits.cut(["abcde"], findings)
