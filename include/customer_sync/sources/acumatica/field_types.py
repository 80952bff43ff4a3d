"""Types of the fields that a sync can name, for Customer, Contact and CustomerLocation.

Fields of endpoint Default/24.200.001 (docs/api/acumatica.md#customer, #contact and #location)
and of its commerce extension (docs/api/acumatica.md#commerce-tab). A field that is not listed here, such as one
of a merchant's own endpoint extension, is read as whatever JSON scalar it holds.
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec

Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)]
AnyScalar = str | bool | int | float
"""Type of a field of unknown name."""

_BOOLEAN: Final = """
    Active AddressOverride AddressValidated ApplyOverdueCharges AutoApplyPayments BillingAddressOverride
    BillingContactOverride ContactOverride Default DoNotCall DoNotEmail DoNotFax DoNotMail DuplicateFound
    EnableCurrencyOverride EnableKensiumCommerce EnableRateOverride EnableWriteOffs FedExGroundCollect Insurance
    IsActive IsGuestCustomer IsPrimary MultiCurrencyStatements NoMarketing NoMassMail OverrideAccountAddress
    PrintDunningLetters PrintInvoices PrintStatements Required ResidentialDelivery SaturdayDelivery
    SendDunningLettersbyEmail SendInvoicesbyEmail SendStatementsbyEmail ShippingAddressOverride
    ShippingContactOverride Synchronize Validated
"""
_WHOLE: Final = "BAccountID ContactID CreditDaysPastDue LeadTimeDays LeadTimedays OrderPriority PrimaryContactID"
_DECIMAL: Final = "Commission CreditLimit OpenOrdersBalance RemainingCreditLimit UnreleasedBalance WriteOffLimit"
_MOMENT: Final = """
    CreatedDateTime DateOfBirth FirstDueDate LastIncomingActivity LastModifiedDateTime LastOutgoingActivity
    LastSyncDateTime QualificationDate
"""
_TEXT: Final = """
    AccountRef AddressLine1 AddressLine2 Attention AttributeID AttributeDescription BusinessAccount City
    CommerceReferenceID CompanyName ConnectionType ContactClass ContactMethod Country CurrencyID Customer
    CustomerCategory CustomerClass CustomerID CustomerName CustomerType DisplayName Email EntityUsageType ExtRefNbr
    FOBPoint Fax FirstName FullName JobTitle LanguageOrLocale LastName LastSyncMessage LastSyncStatus LocationID
    LocationName MiddleName NoteID Owner ParentRecord Phone1 Phone1Type Phone2 Phone2Type Phone3 Phone3Type PostalCode
    PriceClass PriceClassID ShipVia ShippingBranch ShippingRule ShippingTerms SiteID State StatementCycleID
    StatementType Status TaxExemptionNbr TaxExemptionNumber TaxRegistrationID TaxZone Terms Title Type Value
    ValueDescription Warehouse WarehouseID WebSite
"""

FIELD_TYPES: Final[Mapping[str, Any]] = {
    **dict.fromkeys(_TEXT.split(), str),
    **dict.fromkeys(_BOOLEAN.split(), bool),
    **dict.fromkeys(_WHOLE.split(), int),
    **dict.fromkeys(_DECIMAL.split(), Decimal),
    **dict.fromkeys(_MOMENT.split(), Moment),
}
"""Field name → Python type of its value; no name has two types in the three entities and their linked parts."""

LINKED: Final = frozenset(
    {"Address", "BillingContact", "Contact", "LocationContact", "MainContact", "PrimaryContact", "ShippingContact"}
)
"""Parts of which there is one; anything else that has fields below it may also be a list."""

DETAIL_TYPES: Final[Mapping[str, Any]] = {name: kind for name, kind in FIELD_TYPES.items() if name != "LocationID"}
"""The same in rows of details, where `LocationID` is a number in `PaymentInstructions` and a text in `Salespersons`."""


def type_of(path: str) -> Any:
    """The type of a field's value, which is not known below anything but linked parts."""
    *parts, name = path.split("/")
    return FIELD_TYPES.get(name) if LINKED.issuperset(parts) else None


KEY_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "Customer": ("CustomerID",),
    "Contact": ("ContactID",),
    "CustomerLocation": ("Customer", "LocationID"),
}
"""Entity → its key fields (docs/api/acumatica.md#keys)."""
