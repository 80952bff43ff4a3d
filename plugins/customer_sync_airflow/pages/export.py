"""What is filtered, as a file, streamed: CSV for spreadsheets, Parquet for everything else."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any

from fastapi import HTTPException
from fastapi.responses import StreamingResponse

from customer_sync.reporting.spreadsheet import SpreadsheetWriter

_Pages = Iterable[list[dict[str, Any]]]


def as_csv(name: str, columns: Sequence[str], pages: _Pages) -> StreamingResponse:
    """The answer that is a CSV file of some columns; ``name`` begins the file's name."""
    return _file(csv_lines(columns, pages), "text/csv; charset=utf-8", name, "csv")


def as_parquet(name: str, columns: Sequence[str], pages: _Pages) -> StreamingResponse:
    """The same as Parquet.

    Raises:
        HTTPException: 501, a package is missing.
    """
    if find_spec("pyarrow") is None:
        raise HTTPException(501, "Parquet needs the package pyarrow in Airflow's environment; CSV does not.")
    return _file(parquet_pieces(columns, pages), "application/vnd.apache.parquet", name, "parquet")


def _file(content: Iterator[Any], media_type: str, name: str, suffix: str) -> StreamingResponse:
    file_name = f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}.{suffix}"
    return StreamingResponse(
        content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{file_name}"'}
    )


def csv_lines(columns: Sequence[str], pages: _Pages) -> Iterator[str]:
    """The file in pieces, heading first; UTF-8 with a mark, so that spreadsheets read names right."""
    buffer = io.StringIO()
    buffer.write("\ufeff")
    writer = SpreadsheetWriter(buffer, columns)
    for rows in pages:
        writer.write([_text(row[name]) for name in columns] for row in rows)
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


def parquet_pieces(columns: Sequence[str], pages: _Pages) -> Iterator[bytes]:
    """The file in pieces: one row group per page of rows."""
    # Half a second that only this export pays for; the package brings no types.
    import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415

    types = {name: pa.timestamp("us", tz="UTC") for name in columns if name.endswith("_utc")}
    types["try_number"] = pa.int32()
    schema = pa.schema([(name, types.get(name, pa.string())) for name in columns])
    outbox = _Outbox()
    with pq.ParquetWriter(outbox, schema, compression="zstd") as writer:
        for rows in pages:
            table = pa.Table.from_pydict({name: [row[name] for row in rows] for name in columns}, schema=schema)
            writer.write_table(table)
            yield outbox.taken()
    yield outbox.taken()
