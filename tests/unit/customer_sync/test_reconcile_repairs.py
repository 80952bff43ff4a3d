"""What a repair takes over into the ledger and what it then writes: nothing that was not asked for."""

from __future__ import annotations

import msgspec
import pytest

from customer_sync.model.company import CompanyStatus, UserFields, content_hash
from customer_sync.model.difference import REPAIRS, DifferenceClass, RepairAction, repair_choices
from customer_sync.reconcile.compare.sides import ErpSide, LedgerSide
from customer_sync.reconcile.repair.plan_repair import RepairItem, plan_repair
from customer_sync.targets.port import StoredUser
from tests.unit.customer_sync.builders import a_connector, a_user
from tests.unit.customer_sync.three_sides import COMPANY_ID, WRITTEN_S, Sides, a_whole_company, agreeing

CONNECTOR = a_connector()
D, A = DifferenceClass, RepairAction


def repaired(sides: Sides, **policy: RepairAction) -> RepairItem | None:
    """Plan the repair under a policy such as ``drift=RepairAction.REAPPLY``."""
    erp = ErpSide(
        customer_id="C001042",
        claim=sides.claim,
        reference_id=sides.reference,
        contact_ids=("100815", "100816", "100817"),
        desired=sides.desired,
    )
    chosen = {DifferenceClass(name): action for name, action in policy.items()}
    return plan_repair(erp, LedgerSide(applied=sides.known, **sides.ledger), sides.compare(), chosen, CONNECTOR)


def steps(item: RepairItem | None) -> list[tuple[str, str]]:
    """Action and key of what is written."""
    assert item is not None
    return [(str(operation.action), operation.key) for operation in item.plan.operations]


def spoilt() -> Sides:
    """A company and a user edited by hand."""
    return agreeing().spoil_company(city="Elsewhere").spoil_user("100816", first_name="Max")


def gone() -> Sides:
    """The company is gone from the store."""
    sides = agreeing()
    sides.companies, sides.users, sides.addresses = [], [], []
    return sides


def unlinked() -> Sides:
    """The ledger was lost."""
    sides = agreeing()
    sides.known = None
    return sides


def wrong_reference() -> Sides:
    """The ERP names another company."""
    sides = agreeing()
    sides.reference = "4711"
    return sides


def orphaned() -> Sides:
    """A user of a contact that is none stands in the company."""
    sides = agreeing()
    fields = UserFields(email="gone@northwind.example", first_name="Sam", last_name="Hill", role="Junior Buyer")
    record = StoredUser(id=99, fields=fields, key="100817", company_id=COMPANY_ID)
    sides.users.append(record)
    return sides


def left(claim: str = "absent", *, known: bool = True) -> Sides:
    """The customer is not in the ERP any more, or not eligible."""
    sides = agreeing()
    sides.desired, sides.claim = None, claim
    sides.known = sides.known if known else None
    return sides


@pytest.mark.parametrize("make", [spoilt, gone, unlinked, wrong_reference, orphaned, left])
def test_nothing_is_planned_when_the_policy_is_silent(make: object) -> None:
    """Report only is the default of every class."""
    assert callable(make)
    assert repaired(make()) is None


def test_drift_is_written_again_when_reapplied() -> None:
    """Exactly the edited fields are sent, and the ledger holds the store's values until then."""
    item = repaired(spoilt(), drift=A.REAPPLY)
    assert steps(item) == [("update_company", "C001042"), ("update_user", "100816")]
    assert item is not None
    assert [operation.values for operation in item.plan.operations] == [{"city": ""}, {"first_name": "Lee"}]
    assert item.link is not None
    assert (item.link.fields.city, item.link.content_hash) == ("Elsewhere", "")


def test_lost_write_is_sent_again_and_drift_beside_it_is_left_when_only_the_former_is_asked_for() -> None:
    """A class that is not named is not touched."""
    sides = agreeing().spoil_user("100816", updated_at_s=WRITTEN_S - 3600, last_name="Old").spoil_company(city="X")
    assert steps(repaired(sides, write_lost=A.REAPPLY)) == [("update_user", "100816")]


def test_drift_is_taken_over_when_adopted() -> None:
    """The ledger holds the store's value and counts the customer as settled; nothing is written."""
    sides = spoilt()
    item = repaired(sides, drift=A.ADOPT)
    assert item is not None
    assert (steps(item), item.is_written) == ([], False)
    assert item.link is not None
    assert item.link.fields.city == "Elsewhere"
    assert item.link.users["100816"].fields.first_name == "Max"
    assert sides.desired is not None
    assert item.link.content_hash == content_hash(sides.desired)


def test_nothing_of_a_customer_is_written_when_its_drift_is_adopted() -> None:
    """Writing the rest would write the adopted value, too."""
    sides = agreeing().spoil_company(city="Elsewhere")
    sides.reference = ""
    item = repaired(sides, drift=A.ADOPT, reference_mismatch=A.REAPPLY)
    assert item is not None
    assert not item.is_written


def test_missing_company_is_made_again_when_reapplied() -> None:
    """The link is dropped first, and the company made with all its parts."""
    item = repaired(gone(), missing_in_store=A.REAPPLY)
    assert item is not None
    assert item.link is None
    assert [action for action, _ in steps(item)] == ["create_company", "create_user", "create_address"]


def test_missing_user_is_made_again_when_reapplied() -> None:
    """Only the user is made."""
    item = repaired(agreeing().drop_user("100816"), missing_in_store=A.REAPPLY)
    assert steps(item) == [("create_user", "100816")]


def test_unknown_company_is_linked_whole_when_adopted() -> None:
    """The ledger takes over company, users and addresses; the next sync finds nothing to do."""
    item = repaired(unlinked(), missing_in_ledger=A.ADOPT)
    assert item is not None
    assert item.link is not None
    assert (item.is_written, item.link.company_id, sorted(item.link.users)) == (False, COMPANY_ID, ["100815", "100816"])
    assert item.link.content_hash == content_hash(a_whole_company())


def test_wrong_reference_is_written_when_reapplied() -> None:
    """The ledger admits that the ERP holds another one, so that the load may overwrite it."""
    item = repaired(wrong_reference(), reference_mismatch=A.REAPPLY)
    assert steps(item) == [("write_reference", "C001042")]
    assert item is not None
    assert item.link is not None
    assert item.link.reference_id == "4711"


def test_orphaned_user_is_deleted_when_reapplied() -> None:
    """The ledger takes it over under a key that nothing wants; the plan takes it out."""
    (operation,) = (repaired(orphaned(), orphaned_child=A.REAPPLY) or pytest.fail("no plan")).plan.operations
    assert (str(operation.action), operation.store_id) == ("delete_user", 99)


@pytest.mark.parametrize(
    ("sides", "kind"),
    [(left(), "deleted_in_erp"), (left("withdrawn"), "extra_in_store"), (left(known=False), "extra_in_store")],
)
def test_company_is_withdrawn_when_unenrolled(sides: Sides, kind: str) -> None:
    """The plan is the sync's own un-enrolment, under the connector's policy."""
    item = repaired(sides, **{kind: A.UNENROL})
    assert item is not None
    assert (item.plan.kind, steps(item)) == ("unenroll", [("set_company_status", "C001042")])
    assert item.plan.operations[0].values == {"status": CompanyStatus.INACTIVE}
    assert item.link is not None
    assert item.link.company_id == COMPANY_ID


def test_company_that_trades_again_is_not_adopted() -> None:
    """A withdrawn company that someone activated may be withdrawn again or reported, not kept trading by adoption."""
    sides = left("withdrawn").spoil_company()
    assert sides.known is not None
    sides.known = msgspec.structs.replace(sides.known, status=CompanyStatus.INACTIVE)
    assert repaired(sides, drift=A.ADOPT) is None
    assert steps(repaired(sides, drift=A.REAPPLY)) == [("set_company_status", "C001042")]


def test_dead_link_is_forgotten_when_adopted() -> None:
    """A company that is gone on both sides leaves the ledger, without a request."""
    sides = left("withdrawn")
    sides.companies, sides.users, sides.addresses = [], [], []
    item = repaired(sides, missing_in_ledger=A.ADOPT)
    assert item is not None
    assert (item.link, item.is_written) == (None, False)


def test_plan_holds_only_for_the_state_that_it_was_made_for() -> None:
    """Another value in the store or another wish of the ERP gives another mark."""
    first = repaired(spoilt(), drift=A.REAPPLY)
    again = repaired(spoilt(), drift=A.REAPPLY)
    other = repaired(spoilt().spoil_company(zip_code="1"), drift=A.REAPPLY)
    changed = spoilt()
    changed.desired = a_whole_company(users=(a_user("100815"), a_user("100816", role="Buyer")))
    marks = [item.state_hash for item in (first, again, other, repaired(changed, drift=A.REAPPLY)) if item]
    assert len(marks) == 4
    assert marks[0] == marks[1]
    assert len(set(marks)) == 3


def test_policy_names_only_what_a_class_allows() -> None:
    """A company that nobody but us made is not adopted, one with two keys is left to a person."""
    assert REPAIRS[D.DUPLICATE_KEY] == REPAIRS[D.USER_OF_OTHER_COMPANY] == {A.REPORT}
    with pytest.raises(ValueError, match=r"repair\.duplicate_key cannot be 'reapply'"):
        a_connector(reconcile={"repair": {"duplicate_key": "reapply"}})


def test_a_contact_whose_wait_is_over_gets_its_user() -> None:
    """Only where that class is repaired; else the part stays held back."""
    sides = agreeing().drop_user("100816").forget("users", "100816")
    sides.ledger |= {"held_back": ("email:100816",), "waiting": ("email:100816",)}
    assert steps(repaired(sides, wait_is_over=A.REAPPLY)) == [("create_user", "100816")]
    assert repaired(sides, drift=A.REAPPLY) is None


def test_nothing_of_a_company_is_repaired_while_nothing_speaks_for_its_link() -> None:
    """It may be somebody else's."""
    sides = spoilt()
    assert repaired(sides, drift=A.REAPPLY) is not None
    sides.ledger |= {"is_weighed": False}
    assert repaired(sides, drift=A.REAPPLY) is None


def test_every_repair_that_writes_can_be_asked_for_and_no_other() -> None:
    """The trigger form offers what a class allows; to report is no repair."""
    assert repair_choices() == [
        "missing_in_store=reapply",
        "missing_in_ledger=adopt",
        "extra_in_store=unenrol",
        "erp_changed=reapply",
        "drift=reapply",
        "drift=adopt",
        "write_lost=reapply",
        "orphaned_child=reapply",
        "reference_mismatch=reapply",
        "deleted_in_erp=unenrol",
        "wait_is_over=reapply",
    ]
