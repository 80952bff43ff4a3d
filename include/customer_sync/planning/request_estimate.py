"""How many requests a plan will take. Pure. (docs/performance.md#requests)"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from customer_sync.model.operation import CREATIONS, Action, Operation

_BULK = CREATIONS | {Action.UPDATE_COMPANY}
"""Actions that the store takes in bulk."""

_COMPANIES_PAGE = 100
_USERS_PAGE = 250


def expected_requests(
    operations: Iterable[Operation], bulk_size: int, *, single_creates: bool = False
) -> tuple[int, int]:
    """Count the requests that operations of one batch will take when nothing is refused.

    Args:
        operations: All operations of the batch.
        bulk_size: Rows of a bulk request.
        single_creates: Whether companies are made one by one.

    Returns:
        Requests to the store, with the reading back of new companies, and requests to the ERP.
    """
    counts = Counter(operation.action for operation in operations)
    to_erp = counts.pop(Action.WRITE_REFERENCE, 0)
    made = counts[Action.CREATE_COMPANY]
    in_bulk = _BULK - {Action.CREATE_COMPANY} if single_creates else _BULK
    to_store = sum(math.ceil(count / (bulk_size if action in in_bulk else 1)) for action, count in counts.items())
    if made:
        # One to find the first, then pages of what was made since.
        to_store += 1 + math.ceil(made / _COMPANIES_PAGE) + math.ceil(made / _USERS_PAGE)
    return to_store, to_erp
