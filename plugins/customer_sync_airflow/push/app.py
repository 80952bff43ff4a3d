"""The route that the ERP posts push notifications to. It admits by a shared secret, and only ever gathers.

It is public in Airflow's eyes (the ERP has no user there), so it decides before it reads: no right secret, no
body. Of a request, only the connector's name and counts are logged.
"""

import logging

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from customer_sync.errors import SyncError
from customer_sync.model.push_notification import BODY_BYTES_MAX, Malformed
from customer_sync_airflow.push.inbox import Inbox
from customer_sync_airflow.request_bounds import BoundedWork, Lane

log = logging.getLogger(__name__)

SECRET_HEADER = "X-Push-Secret"  # noqa: S105 - the header's name
"""Header that holds the secret; ``Authorization: Bearer …`` will do as well."""

app = FastAPI(title="Push notifications", docs_url=None, redoc_url=None, openapi_url=None)
app.add_middleware(BoundedWork, lanes=(Lane("", 4, "push notifications"),))
inbox = Inbox()


@app.post("/{connector_id}")
async def take(connector_id: str, request: Request) -> JSONResponse:
    """Take one notification.

    Args:
        connector_id: The connector that it is for.
        request: Secret in a header, notification in the body.

    Returns:
        202 when it was accepted, also when it held nothing new: the ERP sends an error's notification again. 401
        for a wrong secret or an unknown connector alike, 413 for a long body, 400 for anything but a
        notification, 503 when the ledger cannot be reached.
    """
    if not await run_in_threadpool(inbox.admits, connector_id, _secret_of(request)):
        return _answer(401, "The secret is wrong, or the connector takes no push notifications.")
    body = await _read(request)
    if body is None:
        return _answer(413, f"A push notification has at most {BODY_BYTES_MAX} bytes.")
    try:
        taken = await run_in_threadpool(inbox.take, connector_id, body)
    except Malformed as error:
        return _answer(400, str(error))
    except SyncError as error:
        log.error("A push notification for %s was not taken: %s", connector_id, error.message)  # noqa: TRY400 - the sentence says it all
        return _answer(503, "The ledger cannot be reached now.")
    return JSONResponse({"new": taken.new, "known": taken.known, "left_out": taken.left_out}, 202)


def _secret_of(request: Request) -> str:
    own = request.headers.get(SECRET_HEADER)
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return own or (token.strip() if kind.casefold() == "bearer" else "")


async def _read(request: Request) -> bytes | None:
    """The body; ``None`` as soon as it is too long."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES_MAX:
            return None
    return bytes(body)


def _answer(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"detail": sentence}, status)
