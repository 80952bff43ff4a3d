"""Which customers were deleted, from the DAC OData plane where a tenant offers it.

Source: docs/api/acumatica.md#odata-deleted.
"""

import logging
from collections.abc import Mapping
from typing import Any

from customer_sync.errors import ContractError, PermanentApiError, TransientApiError
from customer_sync.http.transport import HttpRequest, HttpResponse, encode_segment
from customer_sync.sources.acumatica.calls import SessionCalls
from customer_sync.sources.acumatica.pages import decode_json

log = logging.getLogger(__name__)

_SELECT = "AcctCD,DeletedDateTime"


class DeletedRecordCalls(SessionCalls):
    """Reading the feed of deleted records."""

    def deleted(self) -> Mapping[str, str] | None:
        """Read which customers were deleted, and when, in one request.

        Contract REST itself does not show deletions, and this plane is optional: the feed must be
        switched on, the user needs rights on it, and some sites do not serve it at all.

        Returns:
            CustomerID → moment of the deletion (ISO 8601); ``None`` where the feed is not offered.
        """
        try:
            tenant = self.settings.tenant or self.reached_tenant()
            if not tenant:
                return None
            path = f"/t/{encode_segment(tenant)}/api/odata/dac/Customer/px.GetDeletedRecords()"
            return self._call("GET", path, _read, query=(("$select", _SELECT),))
        except (PermanentApiError, TransientApiError, ContractError) as error:
            # Absence from a complete read shows the same, only without the time.
            log.info("The feed of deleted records is not offered: %s", error.message)
            return None


def _read(request: HttpRequest, answer: HttpResponse) -> dict[str, str]:
    content: Any = decode_json(request, answer)
    rows = content.get("value") if isinstance(content, dict) else None
    return {
        str(row.get("AcctCD") or "").strip(): str(row.get("DeletedDateTime") or "")
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and row.get("AcctCD")
    }
