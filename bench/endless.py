"""An ERP and a store that make up every answer when it is asked for: as many customers as wanted, and no memory.

They stand at the clients' seam (a transport), in the measured process, and understand what a full
run asks and nothing else. The rules of both APIs are the twins' business, not theirs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import msgspec

from customer_sync.http.transport import Headers, HttpRequest, HttpResponse
from sandbox.acumatica.contract import endpoints
from sandbox.acumatica.swagger import swagger_document

_LOWER = re.compile(r"(?:CustomerID|BusinessAccount|Customer) (?:gt|ge) 'C(\d+)'")
_UPPER = re.compile(r"(?:CustomerID|BusinessAccount|Customer) le 'C(\d+)'")
_WORDS = {" eq ": " == ", " gt ": " > ", " ge ": " >= ", " lt ": " < ", " le ": " <= "}
_ENDPOINT = {"name": "KNCommerce", "version": "24.200.001", "href": "/entity/KNCommerce/24.200.001/"}
_CONTACTS = 2
_LOCATIONS = ("EAST", "MAIN")
_PLACES = {
    "/countries": {"countryCode": "US", "countryName": "United States"},
    "/states": {"stateCode": "CA", "stateName": "California"},
}


def _v(value: object) -> dict[str, object]:
    return {"value": value}


def _address(number: int) -> dict[str, object]:
    return {
        "AddressLine1": _v(f"{number} Harbor Ave"),
        "City": _v("Oakland"),
        "State": _v("CA"),
        "PostalCode": _v("94607"),
        "Country": _v("US"),
    }


def _customer(number: int) -> dict[str, object]:
    return {
        "id": f"cust-{number:030d}",
        "CustomerID": _v(f"C{number:08d}"),
        "NoteID": _v(f"cust-{number:030d}"),
        "CustomerName": _v(f"Northwind {number} Supply"),
        "Email": _v(f"ap@northwind{number}.example"),
        "CustomerClass": _v("B2B"),
        "Status": _v("Active" if number % 10 else "Inactive"),
        "EnableKensiumCommerce": _v(value=True),
        "ConnectionType": _v("KNB"),
        "Terms": _v("PREPAY"),
        "PrimaryContactID": _v(number * _CONTACTS),
        "LastModifiedDateTime": _v("2026-03-04T15:21:07.483+00:00"),
        "MainContact": {"Phone1": _v("+1 555 010 4420"), "Address": _address(number)},
    }


def _contact(number: int, index: int) -> dict[str, object]:
    return {
        "id": f"cont-{number * _CONTACTS + index:030d}",
        "ContactID": _v(number * _CONTACTS + index),
        "BusinessAccount": _v(f"C{number:08d}"),
        "Active": _v(value=True),
        "FirstName": _v("Dana"),
        "LastName": _v(f"Rivera{index}"),
        "Email": _v(f"dana{index}@northwind{number}.example"),
        "Phone1": _v("+1 555 010 4421"),
        "EnableKensiumCommerce": _v(value=True),
        "ConnectionType": _v("KNB"),
        "LastModifiedDateTime": _v("2026-03-04T15:21:07.483+00:00"),
    }


def _location(number: int, index: int) -> dict[str, object]:
    return {
        "id": f"loca-{number:024d}-{index:05d}",
        "Customer": _v(f"C{number:08d}"),
        "LocationID": _v(_LOCATIONS[index]),
        "LocationName": _v("Primary Location"),
        "Active": _v(value=True),
        "Default": _v(value=index == 1),
        "LastModifiedDateTime": _v("2026-03-04T15:21:07.483+00:00"),
        "LocationContact": {"Address": _address(number)},
    }


# Beginning of a record's id -> the record of the numbers that follow.
_BY_ID: dict[str, Callable[..., dict[str, object]]] = {
    "cust": _customer,
    "cont": lambda number: _contact(*divmod(number, _CONTACTS)),
    "loca": _location,
}


@dataclass
class EndlessErp:
    """A transport that is an ERP.

    Attributes:
        customers: How many it has.
    """

    customers: int

    def send(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        if request.method == "POST":
            return HttpResponse(204, Headers([b"Set-Cookie: ASP.NET_SessionId=endless"]))
        if request.path == "/entity":
            return _json({"version": {"acumaticaBuildVersion": "endless"}, "endpoints": [_ENDPOINT]})
        if request.path.endswith("swagger.json"):
            return _json(swagger_document(endpoints()["KNCommerce", "24.200.001"], "http://127.0.0.1"))
        query = dict(request.query)
        entity = request.path.rpartition("/")[2]
        if entity.partition("-")[0] in _BY_ID:
            return _json(_BY_ID[entity.partition("-")[0]](*map(int, entity.split("-")[1:])))
        rows = self._rows(entity, query.get("$filter", ""))
        top = int(query.get("$top", "500"))
        return _json([row for _, row in zip(range(top), rows, strict=False)])

    def close(self) -> None:
        """Nothing is open."""

    def _rows(self, entity: str, condition: str) -> Iterator[dict[str, object]]:
        fits = _predicate(condition)
        last = min([self.customers, *(int(found) for found in _UPPER.findall(condition))])
        for number in range(max([1, *(int(found) for found in _LOWER.findall(condition))]), last + 1):
            key = f"C{number:08d}"
            if entity == "Customer":
                if fits({"CustomerID": key}):
                    yield _customer(number)
                continue
            for index, location in enumerate(_LOCATIONS):
                contact_id = number * _CONTACTS + index
                known = {"BusinessAccount": key, "ContactID": contact_id, "Customer": key, "LocationID": location}
                if fits(known):
                    yield _contact(number, index) if entity == "Contact" else _location(number, index)


def _predicate(condition: str) -> Callable[[dict[str, object]], bool]:
    """The client's own filter as a function; it compares keys and joins with and, or and brackets."""
    if not condition:
        return lambda _: True
    for word, sign in _WORDS.items():
        condition = condition.replace(word, sign)
    code = compile(condition, "<filter>", "eval")
    return lambda known: bool(eval(code, {"__builtins__": {}}, known))  # noqa: S307 - text of our own client


@dataclass
class EndlessStore:
    """A transport that is a store; it remembers the companies of the load under way and no others."""

    made: int = 0
    ids: int = 20_000
    loads: int = 0
    is_read_back: bool = False
    recent: list[dict[str, Any]] = field(default_factory=list)

    def send(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        path = request.path.partition("/io")[2]
        query = dict(request.query)
        if request.method == "GET":
            return self._read(path, query)
        rows = json.loads(request.body or b"[]")
        if path == "/companies/bulk":
            return _envelope(self._companies(rows))
        if path == "/companies":
            return _envelope(self._companies([rows])[0])
        ids = list(range(self.ids + 1, self.ids + 1 + len(rows)))
        self.ids += len(rows)
        if path == "/users/bulk":
            return _envelope([{"userId": each, "bcId": each} for each in ids])
        return _envelope(
            [
                {**row, "addressId": each, "companyId": str(row["companyId"])}
                for each, row in zip(ids, rows, strict=True)
            ]
        )

    def close(self) -> None:
        """Nothing is open."""

    def _companies(self, rows: list[dict[str, Any]]) -> list[dict[str, int]]:
        if self.is_read_back:
            # A load reads back what it made when all is made; the next one looks at that no more.
            self.recent.clear()
            self.loads += 1
            self.is_read_back = False
        answer = []
        for row in rows:
            self.made += 1
            self.ids += 1
            self.recent.append(
                {
                    "companyId": self.made,
                    "companyName": row["companyName"],
                    "companyStatus": 1,
                    "extraFields": row["extraFields"],
                    "createdAt": 1_700_000_000 + self.loads * 10,
                    "updatedAt": 1_700_000_000,
                    "user": {
                        "id": self.ids,
                        "companyId": self.made,
                        "email": row["adminEmail"],
                        "firstName": row["adminFirstName"],
                        "lastName": row["adminLastName"],
                        "phoneNumber": row["adminPhoneNumber"],
                        "role": 0,
                        "companyRoleId": 10,
                        "companyRoleName": "Admin",
                    },
                }
            )
            answer.append({"companyId": self.made})
        return answer

    def _read(self, path: str, query: dict[str, str]) -> HttpResponse:  # noqa: PLR0911 - one for each list
        start, limit = int(query.get("offset", "0")), int(query.get("limit", "10"))
        if not path:
            return _envelope([])  # nobody shops there yet (docs/api/better_b2b.md#shoppers)
        if path.endswith("/extra-fields"):
            fields = [{"fieldName": "Acumatica Customer ID", "fieldType": 0, "isUnique": True}]
            fields = fields if path == "/companies/extra-fields" else []
            return _envelope(fields, len(fields))
        if path in _PLACES:
            return _envelope([_PLACES[path]])
        if path == "/companies/roles":
            names = ("Admin", "Senior Buyer", "Junior Buyer")
            return _envelope([{"id": 10 + place, "name": name} for place, name in enumerate(names)], len(names))
        if path == "/companies" and "minCreated" not in query:
            return _envelope([], self.made)
        if path == "/companies":
            return _envelope(self.recent[start : start + limit], len(self.recent))
        if path == "/users":
            self.is_read_back = True
            return _envelope([each["user"] for each in self.recent[start : start + limit]], len(self.recent))
        company_id = int(path.rpartition("/")[2])
        return _envelope(self.recent[company_id - self.recent[0]["companyId"]])


def _envelope(data: object, total: int | None = None) -> HttpResponse:
    meta: dict[str, object] = {"message": "SUCCESS"}
    if total is not None:
        meta["pagination"] = {"totalCount": total, "limit": 100, "offset": 0}
    return _json({"code": 200, "data": data, "meta": meta})


def _json(value: object) -> HttpResponse:
    headers = Headers([b"Content-Type: application/json", f"Date: {formatdate(usegmt=True)}".encode()])
    return HttpResponse(200, headers, msgspec.json.encode(value))
