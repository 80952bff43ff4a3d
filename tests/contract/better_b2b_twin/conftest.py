"""The store's twin over real HTTP, and a client that knows nothing but the wire."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.server import running_better_b2b

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEY_FIELD = "Acumatica Customer ID"
AUTH = {"X-Auth-Token": "sandbox-token", "X-Store-Hash": "sandbox"}


@dataclass(slots=True)
class Seen:
    """One answer.

    Attributes:
        body: The decoded JSON, or the text where it is none.
    """

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def data(self) -> Any:
        """`data` of the envelope."""
        return self.body["data"]

    @property
    def message(self) -> str:
        """`meta.message` of the envelope."""
        message: str = self.body["meta"]["message"]
        return message

    @property
    def err_msg(self) -> Any:
        """`data.errMsg` of shapes 1 and 2."""
        return self.body["data"]["errMsg"]

    @property
    def total_count(self) -> int:
        """`meta.pagination.totalCount` of a list."""
        count: int = self.body["meta"]["pagination"]["totalCount"]
        return count


class StoreClient:
    """Raw calls of the store's API and of the twin's control plane."""

    def __init__(self, url: str, session: requests.Session, auth: Mapping[str, str] = AUTH) -> None:
        self.url = url
        self._session = session
        self._auth = dict(auth)
        self._numbers = itertools.count(1)

    def call(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        params: Any = None,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
        prefix: str = "/api/v3/io",
    ) -> Seen:
        """One call of the API; `headers` replace the usual sign-in when given."""
        answer = self._session.request(
            method,
            self.url + prefix + path,
            json=json,
            params=params,
            data=data,
            headers=self._auth if headers is None else headers,
            timeout=10,
        )
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return Seen(answer.status_code, answer.json() if is_json else answer.text, answer.headers)

    def get(self, path: str, **params: Any) -> Seen:
        """GET with query parameters."""
        return self.call("GET", path, params=params)

    def post(self, path: str, json: Any) -> Seen:
        """POST with a JSON body."""
        return self.call("POST", path, json)

    def put(self, path: str, json: Any) -> Seen:
        """PUT with a JSON body."""
        return self.call("PUT", path, json)

    def delete(self, path: str) -> Seen:
        """DELETE."""
        return self.call("DELETE", path)

    def control(self, method: str, path: str, json: Any = None) -> Any:
        """A call of the control plane, which must succeed."""
        seen = self.call(method, path, json, headers={}, prefix="/_sandbox")
        assert seen.status == 200, seen.body
        return seen.body

    def switch(self, **values: Any) -> None:
        """Set switches."""
        self.control("PUT", "/settings", values)

    def company_body(self, **overrides: Any) -> dict[str, Any]:
        """A valid company with an admin of its own; none takes a key out."""
        number = next(self._numbers)
        body = {
            "companyName": f"Northwind Kitchen Supply {number}",
            "companyPhone": "+1 (555) 010-4420",
            "companyEmail": f"ap{number}@northwind.example",
            "country": "US",
            "addressLine1": "410 Harbor Ave",
            "addressLine2": "Suite 12",
            "city": "Oakland",
            "state": "California",
            "zipCode": "94607",
            "adminFirstName": "Dana",
            "adminLastName": "Rivera",
            "adminEmail": f"dana{number}@northwind.example",
            "adminPhoneNumber": "+1 (555) 010-4421",
            "channelIds": [1],
            "originChannelId": 1,
            "customerGroupId": 0,
            "acceptCreationEmail": False,
            "extraFields": [{"fieldName": KEY_FIELD, "fieldValue": f"C{number:06d}"}],
        }
        return _overridden(body, overrides)

    def user_body(self, company_id: int, **overrides: Any) -> dict[str, Any]:
        """A valid junior buyer."""
        number = next(self._numbers)
        body = {
            "firstName": "Lee",
            "lastName": "Okafor",
            "email": f"lee{number}@northwind.example",
            "companyId": company_id,
            "role": 2,
            "channelIds": [1],
        }
        return _overridden(body, overrides)

    def address_body(self, company_id: int, **overrides: Any) -> dict[str, Any]:
        """A valid shipping address."""
        body = {
            "companyId": company_id,
            "firstName": "Northwind",
            "lastName": "East Bay",
            "addressLine1": "2200 Wharf St",
            "city": "Alameda",
            "stateName": "California",
            "stateCode": "CA",
            "countryName": "United States",
            "countryCode": "US",
            "zipCode": "94501",
            "isBilling": False,
            "isShipping": True,
            "isDefaultBilling": False,
            "isDefaultShipping": False,
        }
        return _overridden(body, overrides)

    def new_company(self, **overrides: Any) -> int:
        """Create a company and give its id."""
        seen = self.post("/companies", self.company_body(**overrides))
        assert seen.status == 200, seen.body
        company_id: int = seen.data["companyId"]
        return company_id

    def new_user(self, company_id: int, **overrides: Any) -> int:
        """Create a user and give its id."""
        seen = self.post("/users", self.user_body(company_id, **overrides))
        assert seen.status == 200, seen.body
        user_id: int = seen.data["userId"]
        return user_id

    def new_address(self, company_id: int, **overrides: Any) -> int:
        """Create an address and give its id."""
        seen = self.post("/addresses", self.address_body(company_id, **overrides))
        assert seen.status == 200, seen.body
        address_id: int = seen.data["addressId"]
        return address_id

    def company(self, company_id: int) -> dict[str, Any]:
        """A company as the API shows it."""
        company: dict[str, Any] = self.get(f"/companies/{company_id}").data
        return company

    def user(self, user_id: int) -> dict[str, Any]:
        """A user as the API shows it."""
        user: dict[str, Any] = self.get(f"/users/{user_id}").data
        return user

    def address(self, address_id: int) -> dict[str, Any]:
        """An address as the API shows it."""
        address: dict[str, Any] = self.get(f"/addresses/{address_id}").data
        return address

    def users_of(self, company_id: int) -> list[dict[str, Any]]:
        """Users of a company, oldest first."""
        users: list[dict[str, Any]] = self.get("/users", companyId=company_id, limit=250).data
        return sorted(users, key=lambda user: user["id"])

    def role_id(self, name: str) -> int:
        """Id of a role by name."""
        roles = self.get("/companies/roles", q=name).data
        role_id: int = next(role["id"] for role in roles if role["name"] == name)
        return role_id

    def state(self) -> dict[str, Any]:
        """The whole store."""
        state: dict[str, Any] = self.control("GET", "/state")
        return state


def _overridden(body: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**body, **overrides}.items() if value is not None}


@pytest.fixture(scope="session")
def _running() -> Iterator[StoreClient]:
    with running_better_b2b() as twin, requests.Session() as session:
        yield StoreClient(twin.url, session)


@pytest.fixture
def store(_running: StoreClient) -> StoreClient:
    """The twin, as after its start."""
    _running.control("POST", "/reset")
    _running.control("POST", "/seed", {"seed": 1})
    return _running


_LIVE = ["live"] if os.environ.get("LIVE_B2B_URL") else []
_LIVE_WRITES = _LIVE if os.environ.get("LIVE_B2B_WRITES") == "1" else []


@pytest.fixture(params=["twin", *(pytest.param(each, marks=pytest.mark.live) for each in _LIVE)])
def any_store(request: pytest.FixtureRequest) -> Iterator[StoreClient]:
    """The twin, and the real store too where LIVE_B2B_URL, LIVE_B2B_TOKEN and LIVE_B2B_STORE_HASH name one.

    The address is the host's, without `/api/v3/io`. For tests that only read: what runs on it must hold for both.
    """
    yield from _store_named(request)


@pytest.fixture(params=["twin", *(pytest.param(each, marks=pytest.mark.live) for each in _LIVE_WRITES)])
def any_writable_store(request: pytest.FixtureRequest) -> Iterator[StoreClient]:
    """The same for tests that write; the real store only with LIVE_B2B_WRITES=1 in addition."""
    yield from _store_named(request)


def _store_named(request: pytest.FixtureRequest) -> Iterator[StoreClient]:
    if request.param == "twin":
        yield request.getfixturevalue("store")
        return
    auth = {"X-Auth-Token": os.environ["LIVE_B2B_TOKEN"], "X-Store-Hash": os.environ["LIVE_B2B_STORE_HASH"]}
    with requests.Session() as session:
        yield StoreClient(os.environ["LIVE_B2B_URL"].removesuffix("/"), session, auth)
