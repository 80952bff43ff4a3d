"""`GET /stores/{hash}/v3/customers`, the one call of the core store served (docs/api/better_b2b.md#shoppers)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandbox.exchange import json_answer

if TYPE_CHECKING:
    from sandbox.better_b2b.state import Store
    from sandbox.exchange import Answer, Call

_PATH = re.compile(r"/stores/([^/]+)/v3/customers/?")


def answer_core_call(store: Store, call: Call) -> Answer | None:
    """Customers of the core store with some e-mails, shoppers and company users alike; none for another path."""
    found = _PATH.fullmatch(call.path)
    if found is None or call.method != "GET":
        return None
    settings = store.settings
    if call.headers.get("x-auth-token") != settings["token"] or found.group(1) != settings["store_hash"]:
        return json_answer({"status": 401, "title": "Unauthorized", "type": "", "errors": {}}, 401)
    if not settings["serve_core_customers"]:
        return json_answer({"status": 404, "title": "Not found", "type": "", "errors": {}}, 404)
    meant = [email.casefold() for email in call.query().get("email:in", "").split(",") if email]
    ids = [store.customers_by_email[email] for email in meant if email in store.customers_by_email]
    rows = [
        {"id": customer.id, "email": customer.email, "first_name": customer.first_name, "last_name": customer.last_name}
        for customer in map(store.customers.__getitem__, ids)
    ]
    page = {"total": len(rows), "count": len(rows), "per_page": 250, "current_page": 1, "total_pages": 1}
    return json_answer({"data": rows, "meta": {"pagination": page}})
