"""Acumatica as a source of customers: the port, over the client of one tenant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from customer_sync.http.pacing import Pacer
from customer_sync.http.retry import RetryPolicy
from customer_sync.http.transport import Transport
from customer_sync.model.company import content_hash
from customer_sync.settings.connector import Connector
from customer_sync.sources.acumatica.changes import all_changes
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.contract_check import missing_fields
from customer_sync.sources.acumatica.customer_pages import CustomerPages
from customer_sync.sources.acumatica.section import section_of
from customer_sync.sources.acumatica.session import Seat
from customer_sync.sources.acumatica.settings import AcumaticaSettings
from customer_sync.sources.acumatica.value_rule import ValueRule
from customer_sync.sources.port import Changes, Contract, CustomerPage, Limits, Reference


class AcumaticaSource(AcumaticaClient):
    """A session with one tenant; each method does what :class:`~customer_sync.sources.port.Source` says.

    Args:
        transport: Sends requests to the site.
        settings: Credentials, endpoint, sizes.
        connector: The connector whose fields are read.
        pacer: As for the client.
        retry: As for the client.
        seat: As for the client.
    """

    # The ERP works off a session's requests one after the other.
    limits = Limits(useful_in_flight=1, takes_seat=True)

    def __init__(
        self,
        transport: Transport,
        settings: AcumaticaSettings,
        connector: Connector,
        *,
        pacer: Pacer | None = None,
        retry: RetryPolicy | None = None,
        seat: Seat | None = None,
    ) -> None:
        super().__init__(transport, settings, pacer=pacer, retry=retry, seat=seat)
        self._connector = connector
        self._reference_rule: ValueRule = section_of(connector).customer.reference_id

    def customers_after(self, resume_after: str) -> Iterator[CustomerPage]:
        """Read all customers beyond a CustomerID, in the ERP's order of keys."""
        return CustomerPages(self, self._connector).all_after(resume_after)

    def customers_of(self, customer_ids: Sequence[str]) -> Iterator[CustomerPage]:
        """Read customers by CustomerID."""
        return CustomerPages(self, self._connector).of(customer_ids)

    def customers_of_records(self, record_ids: Sequence[str]) -> Iterator[CustomerPage]:
        """Read customers by NoteID."""
        return CustomerPages(self, self._connector).of_records(record_ids)

    def changes(self, since: Mapping[str, str], until: str) -> Iterator[Changes]:
        """Read the streams ``customers``, ``contacts`` and ``locations``."""
        return all_changes(self, since, until)

    def contract(self) -> Contract:
        """Say which endpoint of which build is served.

        Raises:
            ConfigError: The configured endpoint is not served; the message names those that are.
        """
        info = self.check_endpoint()
        return Contract(
            fingerprint=content_hash([info.build, info.name, info.version]),
            served_by=f"the endpoint {info.name}/{info.version} of build {info.build}",
            remedy="publish the customization that adds the fields",
        )

    def missing_fields(self) -> list[str]:
        """Compare the connector's fields with the endpoint's own description."""
        return missing_fields(self, self._connector)

    def write_reference(self, reference: Reference) -> None:
        """Send one PUT that names the record by its id and its key; an update only, never an insert.

        A 200 does not prove that the value was stored (docs/api/acumatica.md#silent-put); the next run reads it and
        writes again where it is missing.
        """
        body = {
            "CustomerID": {"value": reference.customer_id},
            **reference_body(self._reference_rule, reference.reference_id),
        }
        if reference.record_id:
            body["id"] = reference.record_id
        self.put("Customer", body, select=("CustomerID", "LastModifiedDateTime"))


def reference_body(rule: ValueRule, reference_id: str) -> dict[str, Any]:
    """The part of a PUT that holds the reference, in the form that the connector file names."""
    source = rule.sources[0]
    if source.custom:
        view, name = source.custom.split(".", 1)
        return {"custom": {view: {name: {"type": "CustomStringField", "value": reference_id}}}}
    body: dict[str, Any] = {"value": reference_id}
    for part in reversed(source.field.split("/")):
        body = {part: body}
    return body
