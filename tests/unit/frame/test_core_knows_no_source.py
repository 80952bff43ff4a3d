"""The core of the product speaks of a source of customers, never of the system behind it."""

import re
from pathlib import Path

import pytest

PRODUCT = Path(__file__).resolve().parents[3] / "include" / "customer_sync"
ADAPTERS = (PRODUCT / "sources" / "acumatica", PRODUCT / "targets")
OWN_WORDS = re.compile(r"acumatica|kensium|MainContact|BusinessAccount|CustomerClass|LastModifiedDateTime|Phone1")
"""Names that only the adapter has a reason to use; also in other cases of letters where they stand for the system."""

ALLOWED = {
    "settings/source_section.py": 'DEFAULT_KIND = "acumatica"',
    "settings/connector.py": 'key_field: str = Field(default="Acumatica Customer ID", min_length=1)',
}
"""What a merchant finds where the connector file says nothing."""

CITATION = re.compile(r"docs/api/acumatica\.md")


def core_files() -> list[Path]:
    """Every module outside of the adapters."""
    return [path for path in sorted(PRODUCT.rglob("*.py")) if not any(path.is_relative_to(each) for each in ADAPTERS)]


def lines_that_name_a_source(path: Path) -> list[str]:
    """Lines with a word of the adapter's, citations of the documentation left out."""
    lines = (CITATION.sub("", line) for line in path.read_text(encoding="utf-8").splitlines())
    return [line.strip() for line in lines if OWN_WORDS.search(line) or "acumatica" in line.casefold()]


@pytest.mark.parametrize("path", core_files(), ids=lambda path: str(path.relative_to(PRODUCT)))
def test_a_module_of_the_core_names_no_source(path: Path) -> None:
    """Who exchanges the source touches one folder; the two defaults of the connector file are the only exceptions."""
    allowed = ALLOWED.get(str(path.relative_to(PRODUCT)))
    assert lines_that_name_a_source(path) == ([allowed] if allowed else [])
