"""In which words each setting of section ``source`` is looked for: contract names, columns, labels of the screens.

Sources: docs/api/acumatica.md#customer, #contact, #location and #commerce-tab; the screens Customers (AR303000),
Contacts (CR302000) and Customer Locations (AR303020).
"""

from __future__ import annotations

from typing import Final

from customer_sync.discovery.description import Concept, Kind, Wanted
from customer_sync.sources.acumatica.field_types import FIELD_TYPES


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOCK: Final = frozenset(FIELD_TYPES) - {
    "CommerceReferenceID",
    "ConnectionType",
    "CustomerType",
    "EnableKensiumCommerce",
    "IsPrimary",
    "LastSyncDateTime",
    "LastSyncMessage",
    "LastSyncStatus",
    "SiteID",
} | _words("""
    Calendar ConvertedBy CurrencyRateType DefaultProject Duplicate FaxType Gender Image MaritalStatus
    OwnerEmployeeName ParentAccount Reason RefNoteID RestrictVisibilityTo ShippingZone ShippingZoneID Source
    SourceCampaign SpouseOrPartnerName Workgroup WorkgroupDescription
""")
"""Fields of the three records as the product has them."""

STOCK_DETAILS: Final = _words("""
    Activities Campaigns Cases Contacts Duplicates MarketingLists Notifications Opportunities PaymentInstructions
    Relations RoleAssignments Salespersons
""")
"""Details of the product that hold no switch of a merchant's."""

STOCK_VIEWS: Final = _words("""
    Address AddressCurrent BAccount BillAddress BillContact Contact ContactCurrent ContactCurrent2 CurrentBAccount
    CurrentCustomer DefAddress DefContact DefLocation DefLocationAddress DefLocationContact Location LocationCurrent
    PrimaryContactCurrent
""")
"""Views of the product's screens, whose columns are its own but for those that begin with ``Usr``."""

_FLAG: Final[frozenset[Kind]] = frozenset({"flag", "text", "number"})
_TEXT: Final[frozenset[Kind]] = frozenset({"text"})
_ID: Final[frozenset[Kind]] = frozenset({"text", "number", "id"})

_MAIN: Final = ("main contact", "def contact", "default contact", "main", "account contact")
_PRIMARY: Final = ("primary contact", "primary contact current")
_OF_LOCATION: Final = ("location contact", "contact", "def location contact")
_ELSEWHERE: Final = _words("""
    bill billing invoice invoices ship shipping delivery statement statements dunning secondary second alternate
    alternative other former old remit vendor supplier employee marketing newsletter personal private backup cc bcc
""")
"""Words that say that a field is beside the one that is meant."""

_COMMERCE: Final = _words("""
    kensium commerce ecommerce ecom web webstore webshop online shop store storefront portal b2b site knb kcf kncf
    connector bigcommerce bc
""")
_SWITCH: Final = _COMMERCE | _words("""
    enable enabled sync synced export publish published allow allowed active
""")
_NO_SWITCH: Final = _words("""
    currency rate write off offs print send mail email fax call marketing newsletter tax credit limit override
    overdue statement invoice dunning residential saturday insurance collect guest duplicate validated default terms
    price edi last date time status message url address user visitor b2c retail beta test
""")
_CONNECTION: Final = _words("""
    connection connector
""")
_REFERENCE: Final = _words("""
    reference ref commerce ecommerce web webstore store shop b2b bigcommerce company
""")
_NO_REFERENCE: Final = _words("""
    customer tax vendor our your order bill branch ship parent note contact enable enabled type name status email
    url site framework sync date time message active allow currency price class terms region
""")

_ENABLED_PHRASES: Final = (
    "enable kensium commerce",
    "enable kensium commerce framework",
    "kensium commerce enabled",
    "enable commerce",
    "enable commerce framework",
    "commerce enabled",
    "enable ecommerce",
    "ecommerce enabled",
    "enable b2b",
    "b2b enabled",
    "web enabled",
    "enable web",
    "webstore enabled",
    "enable webstore",
    "enable web store",
    "web store enabled",
    "enable for web",
    "sync to web",
    "sync to store",
    "sync to b2b",
    "export to web",
    "enable kncf",
    "enable kcf",
)
_CONNECTION_PHRASES: Final = (
    "connection type",
    "connector type",
    "commerce connection type",
    "site connection type",
    "conn type",
)
_REFERENCE_PHRASES: Final = (
    "commerce reference id",
    "commerce ref id",
    "commerce reference",
    "commerce ref",
    "commerce reference nbr",
    "commerce id",
    "web reference id",
    "b2b company id",
    "store company id",
    "web company id",
    "store reference id",
    "web id",
)


def _one(default: object, *phrases: str, parts: tuple[str, ...] = ()) -> tuple[Wanted, ...]:
    return (Wanted(default, phrases, parts),)


def _switches(record: str, who: str, *, is_asked: bool) -> tuple[Concept, ...]:
    return (
        Concept(
            f"{record}.enabled",
            f"Which field says that {who} is switched on for the store?",
            (_one("EnableKensiumCommerce", *_ENABLED_PHRASES),),
            heads=_SWITCH,
            others=_NO_SWITCH,
            context=_COMMERCE | {"association", "associations"},
            kinds=_FLAG,
            looks="flag",
            is_optional=True,
            must_be_seen=True,
            none_is_asked=is_asked,
        ),
        Concept(
            f"{record}.connection_type",
            f"Which field holds the connection type of {who}?",
            (_one("ConnectionType", *_CONNECTION_PHRASES),),
            heads=_CONNECTION,
            others=frozenset({"edi", "phone", "bank", "payment", "vpn", "ftp", "network", "fax", "internet"}),
            kinds=_TEXT,
            looks="code",
            holds=frozenset({"knb"}),
            is_optional=True,
            must_be_seen=True,
        ),
    )


def _named(setting: str, default: str, question: str, *phrases: str, parts: tuple[str, ...] = ()) -> Concept:
    return Concept(
        setting,
        question,
        (_one(default, *phrases, parts=parts),),
        heads=frozenset({"name"}),
        kinds=_TEXT,
        looks="name",
        mask="name",
        others=_ELSEWHERE | {"legal", "display", "user", "alias", "spouse", "class", "short", "search"},
    )


def _phones(setting: str, path: str, parts: tuple[str, ...] = ()) -> Concept:
    first = ("phone 1", "phone", "business 1", "business phone", "telephone")
    return Concept(
        setting,
        "Which field holds the phone?",
        (
            _one(f"{path}Phone1", *first, parts=parts),
            _one(f"{path}Phone2", "phone 2", "business 2", "cell", "mobile", parts=parts),
        ),
        heads=frozenset({"phone"}),
        others=_ELSEWHERE | {"type", "fax", "3"},
        kinds=_TEXT,
        looks="phone",
        mask="phone",
        is_optional=True,
        may_be_empty=True,
    )


_EMAIL_QUESTION: Final = "Which field holds the Account Email: the e-mail of the company?"
_EMAIL: Final = ("email", "account email", "e mail address", "email address", "acct email", "customer email")

CUSTOMER: Final = (
    _named(
        "customer.name",
        "CustomerName",
        "Which field holds the customer's name?",
        "customer name",
        "account name",
        "acct name",
        "business account name",
        "company name",
    ),
    Concept(
        "customer.email",
        _EMAIL_QUESTION,
        ((Wanted("Email", _EMAIL), Wanted("MainContact/Email", _EMAIL, _MAIN)),),
        heads=frozenset({"email"}),
        others=_ELSEWHERE | {"no", "not", "do", "send", "contact", "type", "count", "format"},
        kinds=_TEXT,
        looks="email",
        mask="email",
    ),
    Concept(
        "customer.type",
        "Which field says what type of customer it is, such as B2B?",
        (
            _one(
                "CustomerClass",
                "customer type",
                "customer class",
                "customer class id",
                "type",
                "class id",
                "b2b type",
                "account type",
                "cust type",
                "business type",
            ),
        ),
        heads=frozenset({"type", "class", "segment", "channel", "kind"}),
        others=frozenset({"connection", "connector", "phone", "statement", "tax", "rate", "usage", "price", "contact"}),
        kinds=_TEXT,
        looks="code",
        holds=frozenset({"b2b"}),
        must_be_seen=True,
    ),
    Concept(
        "customer.customer_class",
        "Which field holds the customer's class?",
        (_one("CustomerClass", "customer class", "customer class id", "class id", "cust class"),),
        heads=frozenset({"class"}),
        others=frozenset({"price", "contact", "tax", "type"}),
        kinds=_TEXT,
        looks="code",
        is_optional=True,
    ),
    Concept(
        "customer.status",
        "Which field holds the customer's status?",
        (_one("Status", "status", "customer status", "account status", "acct status"),),
        heads=frozenset({"status"}),
        others=frozenset({"sync", "last", "duplicate", "marital", "credit", "shipping", "order", "web", "commerce"}),
        kinds=_TEXT,
        looks="code",
        holds=frozenset({"active"}),
    ),
    *_switches("customer", "a customer", is_asked=True),
    Concept(
        "customer.reference_id",
        "Where does the ERP keep the company's id, which is written into it?",
        (_one("CommerceReferenceID", *_REFERENCE_PHRASES),),
        heads=_REFERENCE,
        others=_NO_REFERENCE,
        kinds=_ID,
        looks="unique",
        is_optional=True,
        may_be_empty=True,
        must_be_seen=True,
    ),
    Concept(
        "customer.terms",
        "Which field holds the customer's payment terms?",
        (_one("Terms", "terms", "terms id", "payment terms", "credit terms", "customer terms", "payment terms id"),),
        heads=frozenset({"terms", "term"}),
        others=_ELSEWHERE | {"fob", "freight", "accepted", "conditions", "incoterms"},
        kinds=_TEXT,
        looks="code",
        is_optional=True,
    ),
    _phones("customer.phone", "MainContact/", _MAIN),
    Concept(
        "customer.attention",
        "Which field holds the name to whose attention the customer's mail goes?",
        (_one("MainContact/Attention", "attention", "attn", parts=_MAIN),),
        heads=frozenset({"attention"}),
        kinds=_TEXT,
        looks="name",
        mask="name",
        is_optional=True,
        may_be_empty=True,
    ),
    Concept(
        "customer.record_id",
        "Which field holds the record's own id?",
        (_one("NoteID", "note id"),),
        kinds=frozenset({"id", "text"}),
        looks="unique",
        is_optional=True,
    ),
    Concept(
        "customer.primary_contact_id",
        "Which field holds the number of the primary contact?",
        (
            (
                Wanted("PrimaryContactID", ("primary contact id", "primary contact")),
                Wanted("PrimaryContact/ContactID", ("contact id",), _PRIMARY),
            ),
        ),
        kinds=frozenset({"number", "text"}),
        looks="number",
        is_optional=True,
        may_be_empty=True,
    ),
)

CONTACT: Final = (
    Concept(
        "contact.email",
        "Which field holds the contact's e-mail?",
        (_one("Email", "email", "email address", "e mail address", "contact email"),),
        heads=frozenset({"email"}),
        others=_ELSEWHERE - {"bcc"} | {"no", "not", "do", "send", "type", "account"},
        kinds=_TEXT,
        looks="email",
        mask="email",
    ),
    _named("contact.first_name", "FirstName", "Which field holds the first name?", "first name", "given name"),
    _named("contact.last_name", "LastName", "Which field holds the last name?", "last name", "family name", "surname"),
    _phones("contact.phone", ""),
    *_switches("contact", "a contact", is_asked=True),
    Concept(
        "contact.is_primary",
        "Which field marks the primary contact, where the customer's own field does not?",
        (_one(None, "is primary", "primary", "primary contact", "primary admin", "is primary contact"),),
        heads=frozenset({"primary"}),
        others=frozenset({"id", "email", "phone", "address", "name"}),
        kinds=_FLAG,
        looks="flag",
        is_optional=True,
    ),
)

LOCATION: Final = (
    _named(
        "location.name",
        "LocationName",
        "Which field holds the location's name?",
        "location name",
        "location descr",
        "location description",
        "descr",
    )._replace(is_optional=True, looks=""),
    _phones("location.phone", "LocationContact/", _OF_LOCATION),
    Concept(
        "location.attention",
        "Which field holds the name that a parcel goes to?",
        (
            _one("LocationContact/Attention", "attention", "attn", parts=_OF_LOCATION),
            _one("LocationContact/FullName", "full name", "company name", parts=_OF_LOCATION),
        ),
        heads=frozenset({"attention"}),
        kinds=_TEXT,
        mask="name",
        is_optional=True,
        may_be_empty=True,
    ),
    *_switches("location", "a location", is_asked=False),
    Concept(
        "location.status",
        "Which field holds the location's status?",
        (_one("Status", "status", "location status"),),
        heads=frozenset({"status"}),
        others=frozenset({"sync", "last", "tax"}),
        kinds=_TEXT,
        looks="code",
        is_optional=True,
    ),
    Concept(
        "location.is_default",
        "Which field marks the default location?",
        (_one("Default", "default", "is default", "default location"),),
        heads=frozenset({"default"}),
        others=frozenset({"project", "branch", "warehouse", "carrier", "bill", "billing"}),
        kinds=_FLAG,
        looks="flag",
        is_optional=True,
    ),
)

CONCEPTS: Final = (*CUSTOMER, *CONTACT, *LOCATION)
