"""Our errors by consequence; the root and those of the APIs live in ``http_transport.errors``. (DESIGN section 9)

::

    SyncError
    ├── ConfigError            a setting is wrong: fail at once
    ├── TransientApiError      may pass: the client retries, then the task
    ├── PermanentApiError      refused: fail, no retry
    ├── AmbiguousWriteError    sent, outcome unknown: read back
    ├── ContractError          the reply does not fit: stop before blanking anything
    ├── PlanRefused            a guard tripped: a person must say yes
    ├── LeaseLost              another attempt writes: stop
    ├── BatchDamaged           what came through XCom is not what was sent
    └── RunUnbalanced          the audit found customers or writes unaccounted for
"""

from __future__ import annotations

from http_transport.errors import (
    AmbiguousWriteError,
    ApiError,
    ConfigError,
    ContractError,
    PermanentApiError,
    SyncError,
    TransientApiError,
)

__all__ = [
    "AmbiguousWriteError",
    "ApiError",
    "BatchDamaged",
    "ConfigError",
    "ContractError",
    "LeaseLost",
    "PermanentApiError",
    "PlanRefused",
    "RunUnbalanced",
    "SyncError",
    "TransientApiError",
]


class PlanRefused(SyncError):
    """The plan may not be applied as it is: a guard tripped, or it is not the plan that was approved."""


class LeaseLost(SyncError):
    """Another attempt took over the writing to the store."""


class BatchDamaged(SyncError):
    """A batch is missing, incomplete or not what the earlier task wrote."""


class RunUnbalanced(SyncError):
    """Customers without an outcome, failed batches, or writes without a confirmation."""
