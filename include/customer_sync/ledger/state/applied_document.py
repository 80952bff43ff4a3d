"""What was applied to a company, as the text of one column: fields, users, addresses, payment settings."""

from __future__ import annotations

from typing import Any

import msgspec

from customer_sync.model.company import Address, CompanyFields, CompanyStatus, PaymentTerms
from customer_sync.model.operation import AppliedAddress, AppliedCompany, AppliedUser


class _KeptAddress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An address without its external id where that is its key: two customers of common size share a page then."""

    store_id: int
    fields: Address
    has_no_external_id: bool = False


class _Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    fields: CompanyFields = CompanyFields()
    users: dict[str, AppliedUser] = {}
    addresses: dict[str, _KeptAddress] = {}
    payment_methods: dict[str, bool] = {}
    payment_terms: PaymentTerms | None = None
    our_methods: tuple[str, ...] = ()
    our_terms: bool = False
    made_with: dict[str, str] = {}


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Document)


def encode_applied(applied: AppliedCompany) -> str:
    """The part of an applied company that no column of its own holds."""
    document = _Document(
        fields=applied.fields,
        users=applied.users,
        addresses={key: _kept(key, record) for key, record in applied.addresses.items()},
        payment_methods=applied.payment_methods,
        payment_terms=applied.payment_terms,
        our_methods=applied.our_methods,
        our_terms=applied.our_terms,
        made_with=applied.made_with,
    )
    return _encoder.encode(document).decode()


def decode_applied(text: str, **columns: Any) -> AppliedCompany:
    """The applied company of a row.

    Args:
        text: What :func:`encode_applied` made.
        columns: ``company_id``, ``status``, ``reference_id``, ``content_hash`` and ``parts_known``.
    """
    document = _decoder.decode(text)
    return AppliedCompany(
        **{**columns, "status": CompanyStatus(columns["status"])},
        fields=document.fields,
        users=document.users,
        addresses={key: _as_it_is(key, record) for key, record in document.addresses.items()},
        payment_methods=document.payment_methods,
        payment_terms=document.payment_terms,
        our_methods=document.our_methods,
        our_terms=document.our_terms,
        made_with=document.made_with,
    )


def _kept(key: str, record: AppliedAddress) -> _KeptAddress:
    external_id, fields = record.fields.external_id, record.fields
    if external_id == key:
        fields = msgspec.structs.replace(fields, external_id="")
    return _KeptAddress(store_id=record.store_id, fields=fields, has_no_external_id=not external_id)


def _as_it_is(key: str, record: _KeptAddress) -> AppliedAddress:
    fields = record.fields
    if not fields.external_id and not record.has_no_external_id:
        fields = msgspec.structs.replace(fields, external_id=key)
    return AppliedAddress(store_id=record.store_id, fields=fields)
