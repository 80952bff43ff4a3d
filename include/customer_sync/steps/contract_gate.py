"""The contract gate: before anything is written, the source must still have every field that the mapping reads.

A field that was renamed or taken away reads like an empty one, and an empty one would blank the store. The source's
answer is kept for a day for what it serves and the connector's mapping.
"""

from __future__ import annotations

from datetime import timedelta

from customer_sync.errors import ConfigError
from customer_sync.model.company import content_hash
from customer_sync.run import Run
from customer_sync.sources.port import Source

KEPT_FOR = timedelta(days=1)
_NAME = "contract_gate"


def check_contract(run: Run, source: Source) -> None:
    """Check that the source has every field that the connector file names.

    Costs what :meth:`~customer_sync.sources.port.Source.contract` costs while the last answer holds.

    Args:
        run: The run.
        source: The source.

    Raises:
        ConfigError: Fields are missing; the message names each.
    """
    contract = source.contract()
    mark = content_hash([contract.fingerprint, run.connector.mapping_fingerprint()])
    if run.ledger.watermarks.is_fresh(_NAME, mark, KEPT_FOR):
        return
    missing = source.missing_fields()
    if missing:
        served_by = contract.served_by[:1].upper() + contract.served_by[1:]
        raise ConfigError(
            f"{served_by} lacks what {run.connector.id}.yaml reads: {'; '.join(missing)}. Correct the section 'source' "
            f"of the file, or {contract.remedy}. Nothing was written.",
            setting=f"{run.connector.id}.yaml: source",
        )
    with run.ledger.write() as connection:
        run.ledger.watermarks.put(connection, run.run_id, {_NAME: mark})
