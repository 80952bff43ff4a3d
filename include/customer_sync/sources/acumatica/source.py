"""Acumatica as a source of customers: the port, over the client of one tenant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from customer_sync.errors import ConfigError
from customer_sync.http.pacing import Pacer
from customer_sync.http.retry import RetryPolicy
from customer_sync.http.transport import Transport
from customer_sync.model.check import Probe
from customer_sync.model.company import content_hash
from customer_sync.settings.connector import Connector
from customer_sync.sources.acumatica.changes import all_changes
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.contract_check import missing_fields, remedy_of
from customer_sync.sources.acumatica.customer_pages import CustomerPages
from customer_sync.sources.acumatica.probes import probes_of
from customer_sync.sources.acumatica.reference import write_reference
from customer_sync.sources.acumatica.section import section_of
from customer_sync.sources.acumatica.session import KeptTokens, Seat
from customer_sync.sources.acumatica.settings import AcumaticaSettings
from customer_sync.sources.acumatica.value_rule import ValueRule
from customer_sync.sources.port import Changes, Contract, CustomerPage, Known, Limits, Reference, nobody


class AcumaticaSource(AcumaticaClient):
    """A session with one tenant; each method does what :class:`~customer_sync.sources.port.Source` says.

    Args:
        transport: Sends requests to the site.
        settings: Credentials, endpoint, sizes.
        connector: The connector whose fields are read.
        pacer: As for the client.
        retry: As for the client.
        seat: As for the client.
        tokens: As for the client.
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
        tokens: KeptTokens | None = None,
    ) -> None:
        super().__init__(transport, settings, pacer=pacer, retry=retry, seat=seat, tokens=tokens)
        self._connector = connector
        self._reference_rule: ValueRule | None = section_of(connector).customer.reference_id

    def customers_after(self, resume_after: str, known: Known = nobody) -> Iterator[CustomerPage]:
        """Read all customers beyond a CustomerID, in the ERP's order of keys."""
        return CustomerPages(self, self._connector, known).all_after(resume_after)

    def customers_of(self, customer_ids: Sequence[str], known: Known = nobody) -> Iterator[CustomerPage]:
        """Read customers by CustomerID."""
        return CustomerPages(self, self._connector, known).of(customer_ids)

    def customers_of_records(self, record_ids: Sequence[str]) -> Iterator[CustomerPage]:
        """Read customers by NoteID."""
        return CustomerPages(self, self._connector).of_records(record_ids)

    def changes(self, since: Mapping[str, str], until: str) -> Iterator[Changes]:
        """Read the streams ``customers``, ``contacts`` and ``locations``."""
        return all_changes(self, self._connector, since, until)

    def contract(self) -> Contract:
        """Say which endpoint of which build is served.

        Raises:
            ConfigError: The configured endpoint is not served; the message names those that are.
        """
        info = self.check_endpoint()
        return Contract(
            fingerprint=content_hash([info.build, info.name, info.version]),
            served_by=f"the endpoint {info.name}/{info.version} of build {info.build}",
            remedy=remedy_of(info),
        )

    def missing_fields(self) -> list[str]:
        """Compare the connector's fields with the endpoint's own description."""
        return missing_fields(self, self._connector)

    def probes(self) -> Sequence[Probe]:
        """See :func:`~customer_sync.sources.acumatica.probes.probes_of`."""
        return probes_of(self, self._connector)

    def write_reference(self, reference: Reference) -> None:
        """See :func:`~customer_sync.sources.acumatica.reference.write_reference`."""
        rule = self._reference_rule
        if rule is None:
            raise ConfigError(
                "Section 'source' names no place of the company's id: name source.customer.reference_id, or write "
                "erp.write_reference: false.",
                setting="source.customer.reference_id",
            )
        write_reference(self, rule.sources[0], reference)
