"""The app behind the pages: routes, security headers, readable errors."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.staticfiles import StaticFiles

from customer_sync.errors import SyncError
from customer_sync.one_line import one_line
from customer_sync_airflow.pages import (
    as_of_page,
    customer_page,
    customers_page,
    health,
    health_actions,
    log_page,
    operator_actions,
    report_page,
    runs_page,
    undo_button,
)
from customer_sync_airflow.pages.rendering import HERE, SECURITY_HEADERS, page
from customer_sync_airflow.pages.rights import may_read_runs
from customer_sync_airflow.request_bounds import BoundedBody, BoundedWork, Lane

_UNAUTHORIZED = 401
_DOES_NOT_FIT = 400
_UNPROCESSABLE = 422
_WORDS = {
    400: "The address of this page does not fit.",
    401: "You are not logged in.",
    403: "You may not see this.",
    404: "There is nothing here.",
    503: "The ledger does not answer.",
}


def build_app() -> FastAPI:
    """Make the app; every route of a router asks for a login and the right to read runs."""
    # No description of the routes is served: it would be public.
    app = FastAPI(title="Connector Logs", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    for part in (
        customers_page,
        customer_page,
        runs_page,
        log_page,
        health,
        health_actions,
        operator_actions,
        report_page,
        as_of_page,
        undo_button,
    ):
        guarded = APIRouter(dependencies=[Depends(may_read_runs)])
        guarded.include_router(part.router)
        app.include_router(guarded)
    for kind in (StarletteHTTPException, RequestValidationError, SyncError):
        app.add_exception_handler(kind, _explained)
    app.add_exception_handler(Exception, _admitted)
    # The last one is the outermost: what the others refuse has the security headers too.
    app.add_middleware(
        BoundedWork, lanes=(Lane(r"\.(csv|parquet)$", 2, "exports"), Lane("^(?!.*/static/)", 8, "pages"))
    )
    app.add_middleware(BoundedBody)
    app.middleware("http")(_with_security_headers)
    return app


async def _with_security_headers(request: Request, call_next: Any) -> Response:
    response: Response = await call_next(request)
    for name, value in SECURITY_HEADERS.items():
        if name != "Cache-Control" or not request.url.path.endswith((".css", ".js", ".svg")):
            response.headers.setdefault(name, value)
    return response


def _wants_html(request: Request) -> bool:
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


def _answer(request: Request, status: int, detail: str) -> Response:
    if not _wants_html(request):
        return JSONResponse({"detail": detail}, status, headers=SECURITY_HEADERS)
    login = "../auth/login" if status == _UNAUTHORIZED else ""
    return page("problem.html.j2", status, title=_WORDS.get(status, "This did not work."), detail=detail, login=login)


async def _admitted(request: Request, error: Exception) -> Response:
    """An error that is ours: the server logs it after this answer, and no word of it is shown."""
    told = f"This page failed ({type(error).__name__}). The log of Airflow's api-server says why: tell who manages it."
    return _answer(request, 500, told)


async def _explained(request: Request, error: Exception) -> Response:
    match error:
        case StarletteHTTPException():
            # FastAPI's own word for a value that does not fit is 422; for whoever asks there is no difference.
            status = _DOES_NOT_FIT if error.status_code == _UNPROCESSABLE else error.status_code
            return _answer(request, status, one_line(str(error.detail)))
        case RequestValidationError():
            # A name of the body is the sender's own text.
            problems = (f"{each['loc'][-1]}: {each['msg']}" for each in error.errors())
            return _answer(request, _DOES_NOT_FIT, one_line("; ".join(problems)))
        case SyncError():
            return _answer(request, 503, error.message)
    raise error
