"""The ERP's twin: puts sign-in, licence, contract REST, push and pages behind one address."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from typing import TYPE_CHECKING, Any

from sandbox.acumatica.actions import Actions
from sandbox.acumatica.contract_rest import ContractRest
from sandbox.acumatica.dac import DacOData
from sandbox.acumatica.entrance import Entrance
from sandbox.acumatica.errors import (
    ApiError,
    login_limit,
    login_limit_redirect,
    plain_429,
    server_error,
    web_server_page,
)
from sandbox.acumatica.gate import Gate
from sandbox.acumatica.licence import Licence, QueueFullError
from sandbox.acumatica.oauth import OAuth
from sandbox.acumatica.pages import Pages
from sandbox.acumatica.push import EFFECTS, Push, push_columns
from sandbox.acumatica.seed import seeded_database
from sandbox.acumatica.sessions import Session, Sessions
from sandbox.acumatica.sign_in import Accounts, SignIn, renewed_cookies, session_cookie
from sandbox.acumatica.state import dumped, restored
from sandbox.acumatica.switches import DEFAULT_TENANT, make_settings
from sandbox.acumatica.writing import Change, Preconditions, Writer
from sandbox.exchange import HTML_TYPE, JSON_TYPE, Answer, Call, to_json
from sandbox.people import SHAPES
from sandbox.settings import SettingError

if TYPE_CHECKING:
    from sandbox.acumatica.contract import Endpoint
    from sandbox.acumatica.rows import Record
    from sandbox.acumatica.tables import Database
    from sandbox.faults import Fault
    from sandbox.twin import TwinEnvironment

_WITHOUT_LENGTH = 411
_MANY = 5_000
_SLASHES_OF_A_LIST = 4  # /entity/{endpoint}/{version}/{entity}
_API_PREFIXES = ("/entity", "/identity/", "/t/", "/odatav4/")


def create_app(environment: TwinEnvironment) -> AcumaticaTwin:
    """The ERP's twin for the shared ground (`sandbox.twin`)."""
    return AcumaticaTwin(environment)


class AcumaticaTwin:
    """The twin; its attributes are those of `sandbox.twin.Twin`."""

    name = "acumatica"
    own_effects = frozenset(("session_limit_429", "session_limit_302", "silent_drop"))
    message_effects = frozenset((*EFFECTS, *(f"push_{effect}" for effect in EFFECTS)))

    def __init__(self, environment: TwinEnvironment) -> None:
        self._environment = environment
        self._clock = environment.clock
        self._seed_number = environment.seed
        self._customers = environment.customers
        self._shape = environment.shape
        self.settings = make_settings(environment)
        self.database = self._filled()
        self.sessions = Sessions(self._clock, self.settings)
        self._accounts = Accounts(self._clock, self.settings)
        self._oauth = OAuth(self._clock, self.settings, self._accounts, self.sessions)
        self._gate = Gate(self.sessions, self._oauth, self.settings)
        sign_in = SignIn(self._accounts, self.sessions, self.settings)
        self._entrance = Entrance(self.settings, self._gate, sign_in, self._oauth)
        self._licence = Licence(self._clock, self.settings)
        self._actions = Actions(
            self._clock,
            self.settings,
            {"CreateContactFromCustomer": self._create_contact_from_customer, "ChangeID": self._change_id},
        )
        self.push = Push(self._clock, self.settings, DEFAULT_TENANT)
        self._rest = ContractRest(
            self.settings,
            self._clock,
            lambda: self.database,
            self._actions,
            self._on_change,
            push_columns,
            environment.changed,
        )
        self._dac = DacOData(self.settings, self._accounts, self._gate, lambda: self.database)
        self._pages = Pages(lambda: self.database, self._writer, DEFAULT_TENANT)
        self._pusher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin sending push messages."""
        self.push.faults = self._environment.faults
        self._pusher = asyncio.create_task(self.push.run())

    async def stop(self) -> None:
        """Stop sending push messages."""
        if self._pusher is not None:
            self._pusher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pusher

    def seed(self, order: dict[str, Any]) -> dict[str, Any]:
        """New data; keys `seed`, `customers` and `shape`, the present ones where left out.

        Raises:
            SettingError: A key is unknown or no fitting number.
        """
        for name, value in order.items():
            if name not in ("seed", "customers", "shape"):
                raise SettingError(name, "known: seed, customers, shape")
            if name == "shape":
                if value not in SHAPES:
                    raise SettingError(name, f"must be one of {', '.join(SHAPES)}")
                continue
            if type(value) is not int or value < 0:
                raise SettingError(name, "must be a whole number of at least 0")
        self._seed_number = order.get("seed", self._seed_number)
        self._customers = order.get("customers", self._customers)
        self._shape = order.get("shape", self._shape)
        self.reset()
        return {"seed": self._seed_number, "customers": len(self.database.customers)}

    def reset(self) -> None:
        """The seed's data again; sessions, tokens, locks, operations and push history are gone."""
        if self._customers >= _MANY:
            gc.unfreeze()
        self.database = self._filled()
        self.sessions.clear()
        self._accounts.clear()
        self._oauth.clear()
        self._licence.reset()
        self._actions.clear()
        self.push.clear()

    def state(self) -> dict[str, Any]:
        """All records, the seats taken, and what push did."""
        return {
            **dumped(self.database),
            "seeded_customers": self._customers,
            "sessions": self.sessions.described(),
            "push": {"sent": self.push.sent, "failed": self.push.failed},
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take records as `state` gave them; nobody is signed in afterwards."""
        self.database = restored(state)
        self._seed_number = state["seed"]
        self._customers = state["seeded_customers"]
        self.sessions.clear()

    def error_body(self, status: int, style: str, message: str) -> tuple[str, bytes]:
        """The ERP's error body, or the web server's page."""
        if style == "gateway":
            return HTML_TYPE, web_server_page(status, f"{status} - {message}").body
        body = {
            "message": "An error has occurred.",
            "exceptionMessage": message,
            "exceptionType": "PX.Data.PXException",
            "stackTrace": "   at PX.Data.PXGraph",
        }
        return JSON_TYPE, to_json(body)

    def too_many_requests(self, fault: Fault, seconds_left: float) -> Answer:
        """429 as plain text; the real ERP sends no `Retry-After`, a fault may."""
        answer = plain_429()
        if fault.definition.header:
            answer.headers.append(("Retry-After", str(max(1, round(seconds_left)))))
        return answer

    def _filled(self) -> Database:
        """The seed's data; a large database is kept out of the garbage collector's walks, or every page would pay."""
        database = seeded_database(self._seed_number, self._customers, self._shape)
        if self._customers >= _MANY:
            gc.collect()
            gc.freeze()
        return database

    async def respond(self, call: Call) -> Answer:
        """Answer one call of a client."""
        began = time.perf_counter()
        if call.path.startswith("//") and self.settings["double_slash"]:
            call.path, call.raw_path = f"/{call.path.lstrip('/')}", f"/{call.raw_path.lstrip('/')}"
        refusal = self._refused_by_web_server(call)
        if refusal is not None:
            return refusal
        path = call.path.rstrip("/")
        try:
            if not path.startswith(_API_PREFIXES):
                if path.startswith("/Frames/"):
                    return self._entrance.frame(call, path)
                return self._pages.respond(call)  # people at screens use no API seat and no API budget
            async with self._licence.admitted():
                answer = await self._answered(call)
        except QueueFullError:
            answer = plain_429()
        except ApiError as error:
            answer = error.answer
        if call.path.startswith("/entity"):
            spent_ms = (time.perf_counter() - began) * 1000
            # Before the answer's own, which count where both set a cookie.
            answer.headers[:0] = renewed_cookies(call, spent_ms, self._clock.now_s())
        return answer

    def _refused_by_web_server(self, call: Call) -> Answer | None:
        if call.method == "POST" and "content-length" not in call.headers and "transfer-encoding" not in call.headers:
            return web_server_page(_WITHOUT_LENGTH, "Length Required")
        longest = self.settings["max_query_length"]
        if longest and len(call.query_string) > longest:
            return web_server_page(404, "404 - File or directory not found.")
        return None

    async def _answered(self, call: Call) -> Answer:
        path = call.path.rstrip("/")
        if path == "/entity/auth/login":
            await self._slow_down(time.perf_counter(), "latency_sign_in_ms")
        if path == "/entity" or path.startswith(("/entity/auth/", "/identity/")) or path.endswith("/swagger.json"):
            return self._entrance.respond(call, path)
        if path.startswith("/entity/"):
            return await self._in_session(call)
        return self._dac.respond(call)

    async def _in_session(self, call: Call) -> Answer:
        if call.effect == "session_limit_429":
            return login_limit()
        if call.effect == "session_limit_302":
            return login_limit_redirect()
        session, is_new = self._gate.session_of(call)
        call.notes["session"] = session.id[:6]
        async with session.turn:  # one call of a session after another
            began = time.perf_counter()
            self._refuse_while_busy(session, call)
            answer, rows = self._rest.respond(call, session, call.path.removeprefix("/entity/").strip("/").split("/"))
            is_list = call.method == "GET" and call.path.rstrip("/").count("/") == _SLASHES_OF_A_LIST
            name = "latency_put_ms" if call.method in ("PUT", "PATCH") else "latency_by_key_ms"
            more_ms = rows * self.settings["latency_per_row_ms"]
            await self._slow_down(began, "latency_ms" if is_list else name, more_ms=more_ms)
            session.used_s = self._clock.now_s()
        if is_new:
            answer.headers.append(session_cookie(session))
        return answer

    def _refuse_while_busy(self, session: Session, call: Call) -> None:
        if self._clock.now_s() < session.busy_until_s and "/status/" not in call.path:
            text = "The previous operation has not been completed yet."
            raise server_error(text, "PX.Data.PXException", "PX.Data.PXLongOperation")

    async def _slow_down(self, began: float, name: str, *, more_ms: float = 0.0) -> None:
        """Wait until the call has taken its latency; the work itself counts."""
        target_s = ((self.settings[name] or self.settings["latency_ms"]) + more_ms) / 1000
        if target_s > 0:
            await asyncio.sleep(max(0.0, began + target_s - time.perf_counter()))

    def _writer(self) -> Writer:
        return Writer(self.database, self.settings, self._clock, self._on_change, push_columns)

    def _on_change(self, change: Change) -> None:
        self._environment.changed()
        self.push.changed(change)

    def _change_id(self, _endpoint: Endpoint, record: Record, parameters: dict[str, Any]) -> None:
        """The effect of the action: another number for the same record."""
        sent = parameters.get("CustomerID", {}).get("value")
        self._writer().change_id(record, str(sent or ""))

    def _create_contact_from_customer(self, endpoint: Endpoint, record: Record, parameters: dict[str, Any]) -> None:
        """The effect of the action: a new contact of the customer."""
        body = {**parameters, "BusinessAccount": {"value": getattr(record, "key", None)}}
        self._writer().put(endpoint, "Contact", body, None, Preconditions(), show=lambda made: made)
