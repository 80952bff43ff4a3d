"""Which pools Airflow has, for whoever stands beside its database: the command line, and the api-server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def slots_of(names: Sequence[str]) -> Mapping[str, int] | None:
    """Look for pools.

    What the entry point of the group ``customer_sync.pools`` gives to the command line.

    Args:
        names: Those that are asked about.

    Returns:
        Name -> slots, of those that there are; ``None`` where Airflow's database cannot be read from here.
    """
    import sqlalchemy as sa  # noqa: PLC0415 - Airflow's models take seconds to import
    from airflow.models.pool import Pool  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415

    try:
        with create_session(scoped=False) as session:
            rows = session.execute(sa.select(Pool.pool, Pool.slots).where(Pool.pool.in_(list(names))))
            return {str(name): int(slots) for name, slots in rows}
    except (sa.exc.SQLAlchemyError, RuntimeError):
        # No database was made here, or this process may not read it: that is no finding.
        return None
