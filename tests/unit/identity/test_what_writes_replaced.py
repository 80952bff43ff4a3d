"""What a reconciliation knows of our own writes: when they were, and what they replaced."""

from __future__ import annotations

from msgspec.structs import replace

from customer_sync.reconcile.compare.ledger_side import ledger_sides
from customer_sync.reconcile.compare.sides import ErpSide
from tests.unit.identity.small_world import SmallWorld


def test_the_journal_knows_what_each_field_was_before_our_last_write_of_it() -> None:
    """Of several writes to one record each field has its own; a record that was made only has none."""
    world = SmallWorld()
    firm = world.firm("A", "a@a.example", "b@a.example")
    world.sync()
    for changes in ({"name": "Second"}, {"name": "Third"}, {"phone": "+1 555 010 0199"}):
        firm = world.erp.save(replace(firm, **changes))
        world.sync()
    erp = {"A": ErpSide(customer_id="A", record_id=firm.record_id)}
    with world.ledger() as ledger:
        side = ledger_sides(ledger, erp, {}, with_writes=True)["A"]
    assert side.overwritten["company"] == {"company_name": "Second", "company_phone": "+1 555 010 0100"}
    assert [fields for record, fields in side.overwritten.items() if record.startswith("contact:")] == [{}]
    assert side.written_at_s.keys() == side.overwritten.keys()
