"""What is filtered, as a file, streamed: CSV for spreadsheets, Parquet for everything else."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from customer_sync.reporting.log_entry import LOG_COLUMNS
from customer_sync.reporting.spreadsheet import SpreadsheetWriter


def csv_lines(pages: Iterable[list[dict[str, Any]]]) -> Iterator[str]:
    """The file in pieces, heading first; UTF-8 with a mark, so that spreadsheets read names right."""
    buffer = io.StringIO()
    buffer.write("\ufeff")
    writer = SpreadsheetWriter(buffer, LOG_COLUMNS)
    for rows in pages:
        writer.write([_text(row[name]) for name in LOG_COLUMNS] for row in rows)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _text(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return value


class _Outbox(io.RawIOBase):
    """Takes what the Parquet writer writes, and gives it away in pieces."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """It is written to."""
        return True

    def write(self, data: Any, /) -> int:
        """Take some bytes."""
        self._pieces.append(bytes(data))
        return len(self._pieces[-1])

    def taken(self) -> bytes:
        """What came since the last call."""
        piece = b"".join(self._pieces)
        self._pieces.clear()
        return piece


def parquet_pieces(pages: Iterable[list[dict[str, Any]]]) -> Iterator[bytes]:
    """The file in pieces: one row group per page of rows."""
    # Half a second that only this export pays for; the package brings no types.
    import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415

    types = {"logged_at_utc": pa.timestamp("us", tz="UTC"), "try_number": pa.int32()}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in LOG_COLUMNS])
    outbox = _Outbox()
    with pq.ParquetWriter(outbox, schema, compression="zstd") as writer:
        for rows in pages:
            table = pa.Table.from_pydict({name: [row[name] for row in rows] for name in LOG_COLUMNS}, schema=schema)
            writer.write_table(table)
            yield outbox.taken()
    yield outbox.taken()
