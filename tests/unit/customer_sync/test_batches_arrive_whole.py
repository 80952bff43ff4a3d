"""A batch arrives as it was sent, or the damage is noticed."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from customer_sync.errors import BatchDamaged
from customer_sync.model.batch import (
    Batch,
    BatchDescriptor,
    Decisions,
    PlannedChange,
    PlannedChanges,
    Unenrolled,
    batch_label,
    pack,
    pack_customers,
    read_descriptor,
    unpack_changes,
    unpack_customers,
    unpack_decisions,
)
from customer_sync.model.customer import Customer
from tests.unit.customer_sync.builders import a_customer


def a_batch() -> Batch[Customer]:
    """Make a batch with two customers."""
    items = (a_customer("C1", name="Þórður 🍳"), a_customer("C2"))
    return Batch(key="batch_000", label="C1-C2 (2)", items=items)


def test_customers_arrive_as_they_were_sent() -> None:
    """Every field of every record, through text and back."""
    batch = a_batch()
    content, descriptor = pack_customers(batch)
    assert unpack_customers(content, descriptor) == batch
    assert (descriptor.key, descriptor.label, descriptor.count) == ("batch_000", "C1-C2 (2)", 2)


def test_a_batch_that_was_read_before_is_checked_again() -> None:
    """A process that reads a batch twice decodes it once, and trusts the second text no more than the first."""
    content, descriptor = pack_customers(a_batch())
    first = unpack_customers(content, descriptor)
    assert unpack_customers(content, descriptor) is first
    for damaged in (content[:-1], content.replace("C2", "C3"), None):
        with pytest.raises(BatchDamaged):
            unpack_customers(damaged, descriptor)
    other, described = pack_customers(Batch(key="batch_001", label="C9 (1)", items=(a_customer("C9"),)))
    assert [each.customer_id for each in unpack_customers(other, described).items] == ["C9"]
    assert unpack_customers(content, descriptor) == first


def test_decisions_and_changes_arrive_beside_the_customers() -> None:
    """What filter and transform say is small, and is read with the digest that they gave."""
    gone = Unenrolled(customer_id="C3", name="No•••", reasons=("not_enabled",))
    decisions = Decisions(left_out=("C4",), unenrolled=(gone,))
    changes = PlannedChanges(items=(PlannedChange(customer_id="C1", kind="sync", held_back=("contact:7",)),))
    for value, read in ((decisions, unpack_decisions), (changes, unpack_changes)):
        content, digest = pack(value)
        descriptor = msgspec.structs.replace(DESCRIPTOR, digest=digest)
        assert read(content, descriptor) == value
        assert unpack_customers(CONTENT, descriptor) == a_batch()
        with pytest.raises(BatchDamaged):
            read(CONTENT, descriptor)


def test_a_descriptor_survives_xcom() -> None:
    """A descriptor is plain JSON and comes back equal."""
    descriptor = msgspec.structs.replace(pack_customers(a_batch())[1], plan_sum="7", operations=4, withheld=("C9",))
    assert read_descriptor(json.loads(json.dumps(descriptor.to_json()))) == descriptor


def test_a_descriptor_holds_no_personal_data() -> None:
    """What stands in the metadata database names customers by id only."""
    text = json.dumps(pack_customers(a_batch())[1].to_json())
    assert "northwind" not in text
    assert "Þórður" not in text


CONTENT, DESCRIPTOR = pack_customers(a_batch())


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "file:///xcom/customer_sync__knb/run/extract/batch_000.json",
        CONTENT[:-1],
        CONTENT[: len(CONTENT) // 2],
        CONTENT + " ",
        CONTENT.replace("Oakland", "Alameda"),
        CONTENT.replace('"C1"', '"C9"'),
        "\ud800",
        json.loads(CONTENT),
        [CONTENT],
        CONTENT.encode(),
        7,
    ],
    ids=lambda value: f"{type(value).__name__}-{str(value)[:20]!r}",
)
def test_damage_is_noticed_whatever_it_is(content: Any) -> None:
    """A path instead of a content, a cut, a changed letter, another type: all stop the task with a remedy."""
    with pytest.raises(BatchDamaged) as caught:
        unpack_customers(content, DESCRIPTOR)
    assert "clear this task together with the tasks before it" in str(caught.value)
    assert "northwind" not in str(caught.value)


@pytest.mark.parametrize("unpack", [unpack_customers, unpack_decisions, unpack_changes])
def test_the_batch_is_named_when_what_belongs_to_it_is_damaged(
    unpack: Callable[[Any, BatchDescriptor], object],
) -> None:
    """The operator sees which task to clear."""
    with pytest.raises(BatchDamaged, match=r"Batch C1-C3 \(3\) is not what the earlier task wrote"):
        unpack("{}", msgspec.structs.replace(DESCRIPTOR, label="C1-C3 (3)"))


def test_another_batch_is_not_mistaken_for_this_one() -> None:
    """A whole batch under the wrong descriptor is damage, too."""
    other, _ = pack(Batch(key="batch_001", label="C9 (1)", items=(a_customer("C9"),)))
    with pytest.raises(BatchDamaged):
        unpack_customers(other, DESCRIPTOR)


def test_a_batch_of_another_version_is_told_apart() -> None:
    """Content that is whole but does not fit is not half-read."""
    content, digest = pack(a_batch())
    with pytest.raises(BatchDamaged, match="another version"):
        unpack_changes(content, msgspec.structs.replace(DESCRIPTOR, digest=digest))


@pytest.mark.parametrize("value", [None, [], "batch_000", {"key": "batch_000"}, {"key": 1, "label": "x", "count": 2}])
def test_a_wrong_descriptor_is_refused(value: Any) -> None:
    """Nothing is guessed from half a descriptor."""
    with pytest.raises(BatchDamaged, match="descriptor"):
        read_descriptor(value)


def test_a_descriptor_without_a_digest_fits_no_content() -> None:
    """A check that is missing is a check that failed."""
    with pytest.raises(BatchDamaged):
        unpack_customers(CONTENT, BatchDescriptor(key="batch_000", label="x", count=2))


@pytest.mark.parametrize(
    ("ids", "label"),
    [
        ([], "empty (0)"),
        (["C2"], "C2 (1)"),
        (["C2", "C1", "C3"], "C1\N{EN DASH}C3 (3)"),
        (["C" * 50], f"{'C' * 40} (1)"),
        (["C" * 50, "D" * 50], f"{'C' * 40}\N{EN DASH}{'D' * 40} (2)"),
    ],
)
def test_a_label_names_first_last_and_number(ids: list[str], label: str) -> None:
    """The map index in the UI reads as a range of customers."""
    assert batch_label(ids) == label
