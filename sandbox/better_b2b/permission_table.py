"""The 40 permissions of every store, and what the predefined roles hold (docs/api/better_b2b.md#permissions)."""

from __future__ import annotations

from sandbox.better_b2b.records import Permission

# Code, name, levels it supports (1 user, 2 company, 3 company and subsidiaries), module. One code is misspelt on the
# wire; that is the vendor's spelling.
_TABLE = (
    ("get_addresses", "Get addresses", "23", "address"),
    ("get_address_detail", "Get address detail", "23", "address"),
    ("get_default_shipping", "Get default shipping address", "23", "address"),
    ("get_default_billing", "Get default billing address", "23", "address"),
    ("create_address", "Create address", "23", "address"),
    ("update_address", "Update address", "23", "address"),
    ("delete_address", "Delete address", "23", "address"),
    ("get_invoices", "Get invoices", "23", "invoice"),
    ("get_invoice_detail", "Get invoice detail", "23", "invoice"),
    ("export_invoices", "Export invoices", "23", "invoice"),
    ("get_invoice_pdf", "Get invoice pdf", "23", "invoice"),
    ("get_invoice_payments_history", "Get invoice payments history", "23", "invoice"),
    ("pay_invoice", "Pay invoice", "23", "invoice"),
    ("get_orders", "Get orders", "123", "order"),
    ("get_order_detail", "Get order detail", "123", "order"),
    ("get_quotes", "Get quotes", "123", "quote"),
    ("get_quote_detail", "Get quote detail", "123", "quote"),
    ("create_quote", "Create quote", "13", "quote"),
    ("update_quote_message", "Update quote message", "123", "quote"),
    ("checkout_with_quote", "Checkout with quote", "123", "quote"),
    ("get_quote_pdf", "Get quote pdf", "123", "quote"),
    ("get_shopping_lists", "Get shopping lists", "123", "shopping_list"),
    ("get_shopping_list_detail", "Get shopping list detail", "123", "shopping_list"),
    ("create_shopping_list", "Create shopping list", "123", "shopping_list"),
    ("deplicate_shopping_list", "Deplicate shopping list", "123", "shopping_list"),
    ("update_shopping_list", "Update shopping list", "123", "shopping_list"),
    ("submit_shopping_list_for_approval", "Submit shopping list for approval", "13", "shopping_list"),
    ("approve_draft_shopping_list", "Approve draft shopping list", "23", "shopping_list"),
    ("delete_shopping_list", "Delete shopping list", "123", "shopping_list"),
    ("create_shopping_list_item", "Create shopping list item", "123", "shopping_list"),
    ("update_shopping_list_item", "Update shopping list item", "123", "shopping_list"),
    ("delete_shopping_list_item", "Delete shopping list item", "123", "shopping_list"),
    ("get_users", "Get users", "23", "user"),
    ("get_user_detail", "Get user detail", "23", "user"),
    ("create_user", "Create user", "23", "user"),
    ("update_user", "Update user", "23", "user"),
    ("delete_user", "Delete user", "23", "user"),
    ("get_roles", "Get roles", "23", "role"),
    ("purchase_enable", "Purchase Enable", "23", "purchase"),
    ("get_company_subsidiaries", "Get company subsidiaries", "3", "company"),
)

# The sets of the predefined roles are not public: our choice
# (docs/api/better_b2b.md#predefined-permissions).
_NOT_SENIOR = frozenset({"create_user", "update_user", "delete_user", "get_company_subsidiaries"})
_JUNIOR = frozenset(
    {
        "get_addresses",
        "get_address_detail",
        "get_orders",
        "get_order_detail",
        "get_quotes",
        "get_quote_detail",
        "create_quote",
        "update_quote_message",
        "get_quote_pdf",
    }
)
_COMPANY_LEVEL = 2


def built_in_permissions() -> dict[str, Permission]:
    """Fresh permissions by code, with ids from 1."""
    return {
        code: Permission(
            id=number,
            name=name,
            description=name,
            code=code,
            is_custom=False,
            module_name=module,
            levels=tuple(int(level) for level in levels),
        )
        for number, (code, name, levels, module) in enumerate(_TABLE, start=1)
    }


def admin_permissions() -> dict[str, int]:
    """Admin: everything at the highest level."""
    return {code: int(levels[-1]) for code, _, levels, _ in _TABLE}


def senior_buyer_permissions() -> dict[str, int]:
    """Senior Buyer: all but the management of users and subsidiaries, at level 2, or 1 where 2 is not supported."""
    return {
        code: _COMPANY_LEVEL if str(_COMPANY_LEVEL) in levels else int(levels[0])
        for code, _, levels, _ in _TABLE
        if code not in _NOT_SENIOR
    }


def junior_buyer_permissions() -> dict[str, int]:
    """Junior Buyer: addresses, orders, own quotes and shopping lists at the lowest level; no purchase."""
    return {
        code: int(levels[0])
        for code, _, levels, module in _TABLE
        if code in _JUNIOR or (module == "shopping_list" and code != "approve_draft_shopping_list")
    }
