"""Looking single texts up in a catalog of GNU gettext."""

from __future__ import annotations

import gettext
from pathlib import Path

import pycountry
import pytest

from customer_sync.model.gettext_catalog import translations_in


@pytest.mark.parametrize("language", ["de", "ja", "ru"])
def test_a_catalog_says_of_each_text_what_gettext_says(language: str) -> None:
    """Every text that a catalog translates is found, as the standard library reads it, and no other."""
    path = Path(pycountry.LOCALES_DIR, language, "LC_MESSAGES", "iso3166-2.mo")
    with path.open("rb") as file:
        catalog = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined] # all of it
    expected = {text: said for text, said in catalog.items() if isinstance(text, str) and text}
    sought = [*expected, "Nowhere", "", "\uffff"]
    found = dict(translations_in(path.read_bytes(), sought))
    found.pop("", None)  # the header, which gettext keeps apart
    assert found == expected
