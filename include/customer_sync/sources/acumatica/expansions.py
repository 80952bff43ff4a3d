"""What to leave out of a list that the ERP cannot turn into one database query (docs/api/acumatica.md#optimiser)."""

from customer_sync.sources.acumatica.answers import CannotOptimize
from customer_sync.sources.acumatica.field_types import LINKED
from customer_sync.sources.acumatica.selection import Selection


def without_culprits(selection: Selection, refusal: CannotOptimize) -> Selection:
    """Return a smaller selection that the ERP may be able to list.

    First goes what the ERP names: fields, or the parts that hold them. It may name a field of a view
    that is not in the selection; then the details go, then every part.

    Raises:
        CannotOptimize: Nothing is left that could be dropped.
    """
    culprits = set(refusal.culprits)
    named = [path for path in selection.fields if culprits & set(path.split("/"))]
    parts = [path.rpartition("/")[0] for path in named if "/" in path]
    details = [part for part in selection.expansions if part.split("/")[-1] not in LINKED]
    for dropped in (parts, details, list(selection.expansions)):
        smaller = selection.without(dropped)
        kept = tuple(path for path in smaller.fields if path not in named)
        if kept and kept != selection.fields:
            return Selection(selection.entity, kept, selection.custom)
    raise refusal
