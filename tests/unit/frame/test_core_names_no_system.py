"""The core of the product speaks of a source of customers and a target, never of the systems behind them."""

import re
from pathlib import Path

import pytest

PRODUCT = Path(__file__).resolve().parents[3] / "include" / "customer_sync"
ADAPTERS = (PRODUCT / "sources" / "acumatica", PRODUCT / "targets" / "better_b2b")
OWN_WORDS = re.compile(
    r"kensium|\bKNB\b|MainContact|BusinessAccount|CustomerClass|LastModifiedDateTime|Phone1"
    r"|companyName|adminEmail|addressLine1|companyRoleId|paymentTerms"
)
"""Names that only an adapter has a reason to use."""

ALLOWED = {
    "settings/source_section.py": 'DEFAULT_KIND = "acumatica"',
    "settings/target_section.py": 'DEFAULT_KIND = "better_b2b"',
}
"""What a merchant finds where the connector file says nothing."""

SYSTEMS = re.compile(r"acumatica|better.?b2b|bigcommerce", re.IGNORECASE)
CITATION = re.compile(r"docs/api/(acumatica|better_b2b)\.md")


def core_files() -> list[Path]:
    """Every module outside of the adapters."""
    return [path for path in sorted(PRODUCT.rglob("*.py")) if not any(path.is_relative_to(each) for each in ADAPTERS)]


def lines_that_name_a_system(path: Path) -> list[str]:
    """Lines with a word of an adapter's, citations of the documentation left out."""
    lines = (CITATION.sub("", line) for line in path.read_text(encoding="utf-8").splitlines())
    return [line.strip() for line in lines if OWN_WORDS.search(line) or SYSTEMS.search(line)]


@pytest.mark.parametrize("path", core_files(), ids=lambda path: str(path.relative_to(PRODUCT)))
def test_a_module_of_the_core_names_no_system(path: Path) -> None:
    """Who exchanges a system touches one folder; the defaults of the connector file are the only exceptions."""
    allowed = ALLOWED.get(str(path.relative_to(PRODUCT)))
    assert lines_that_name_a_system(path) == ([allowed] if allowed else [])
