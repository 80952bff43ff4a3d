"""Peer: a Singer tap for the ERP, written with singer-sdk as its documentation shows (RESTStream, page by offset)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import requests
import rules
from singer_sdk import Stream, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import BaseOffsetPaginator
from singer_sdk.streams import RESTStream

_PART = th.ObjectType(additional_properties=True)


class _Pages(BaseOffsetPaginator):
    def has_more(self, response: requests.Response) -> bool:
        return len(response.json()) == self._page_size


class ErpStream(RESTStream):
    """One list of the ERP; its records lose their ``{"value": …}`` wrappers."""

    records_jsonpath = "$[*]"
    query: ClassVar[dict[str, str]] = {}

    @property
    def url_base(self) -> str:
        """Address of the endpoint."""
        return f"{self.config['erp_url']}{rules.ERP_PREFIX}"

    @property
    def requests_session(self) -> requests.Session:
        """The signed-in session, one for all streams."""
        session: requests.Session = self._tap.session  # type: ignore[attr-defined]
        return session

    def get_new_paginator(self) -> BaseOffsetPaginator:
        """Pages by ``$skip``."""
        return _Pages(start_value=0, page_size=rules.PAGE_SIZE)

    def get_url_params(self, _context: Any, next_page_token: Any) -> dict[str, Any]:
        """Fields, and the page."""
        return {**self.query, "$top": rules.PAGE_SIZE, "$skip": next_page_token or 0}

    def post_process(self, row: dict[str, Any], _context: Any = None) -> dict[str, Any]:
        """The record without wrappers."""
        return rules.plain(row)


class Customers(ErpStream):
    """Customers."""

    name = "customers"
    path = "/Customer"
    query = rules.CUSTOMER
    primary_keys = ("CustomerID",)
    schema = th.PropertiesList(
        *(
            th.Property(name, th.StringType)
            for name in ("CustomerID", "CustomerName", "Email", "CustomerClass", "Status", "ConnectionType")
        ),
        th.Property("EnableKensiumCommerce", th.BooleanType),
        th.Property("PrimaryContactID", th.IntegerType),
        th.Property("MainContact", _PART),
        th.Property("BillingContact", _PART),
    ).to_dict()


class Contacts(ErpStream):
    """Contacts."""

    name = "contacts"
    path = "/Contact"
    query = rules.CONTACT
    primary_keys = ("ContactID",)
    schema = th.PropertiesList(
        th.Property("ContactID", th.IntegerType),
        *(
            th.Property(name, th.StringType)
            for name in ("BusinessAccount", "FirstName", "LastName", "Email", "Phone1", "ConnectionType")
        ),
        th.Property("Active", th.BooleanType),
        th.Property("EnableKensiumCommerce", th.BooleanType),
    ).to_dict()


class Locations(ErpStream):
    """Locations."""

    name = "locations"
    path = "/CustomerLocation"
    query = rules.LOCATION
    primary_keys = ("Customer", "LocationID")
    schema = th.PropertiesList(
        *(th.Property(name, th.StringType) for name in ("Customer", "LocationID", "LocationName")),
        th.Property("Active", th.BooleanType),
        th.Property("Default", th.BooleanType),
        th.Property("LocationContact", _PART),
    ).to_dict()


class TapAcumatica(Tap):
    """The tap."""

    name = "tap-acumatica"
    config_jsonschema = th.PropertiesList(th.Property("erp_url", th.StringType, required=True)).to_dict()

    def discover_streams(self) -> Iterable[Stream]:
        """Contacts come first: a customer's company needs its admin."""
        self.session = requests.Session()
        self.session.post(f"{self.config['erp_url']}/entity/auth/login", json=rules.LOGIN, timeout=60)
        return [Contacts(self), Customers(self), Locations(self)]

    def sync_all(self) -> None:
        """Sync, and give the session's seat back: the licence has two."""
        try:
            super().sync_all()
        finally:
            self.session.post(f"{self.config['erp_url']}/entity/auth/logout", timeout=60)


if __name__ == "__main__":
    TapAcumatica.cli()
