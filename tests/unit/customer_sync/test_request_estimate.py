import pytest

from customer_sync.model.operation import Action, Operation
from customer_sync.planning.request_estimate import expected_requests
from tests.unit.customer_sync.builders import an_operation


def _operations(**counts: int) -> list[Operation]:
    return [
        an_operation(Action[name.upper()], f"{name}{number}")
        for name, count in counts.items()
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("counts", "to_store", "to_erp"),
    [
        ({}, 0, 0),
        ({"create_address": 10}, 1, 0),
        ({"create_address": 11}, 2, 0),
        ({"update_company": 25}, 3, 0),
        ({"update_user": 25}, 25, 0),
        ({"set_payment_terms": 3, "set_payment_methods": 4}, 7, 0),
        ({"write_reference": 7}, 0, 7),
    ],
)
def test_an_operation_costs_a_tenth_of_a_request_where_the_store_takes_ten_at_once(
    counts: dict[str, int], to_store: int, to_erp: int
) -> None:
    """Bulk actions are counted in tens, the others one by one."""
    assert expected_requests(_operations(**counts), 10) == (to_store, to_erp)


def test_new_companies_are_read_back_in_pages() -> None:
    """500 companies of two users and three addresses: 250 writes, one look at the first, 5 and 2 pages."""
    operations = _operations(create_company=500, create_user=500, create_address=1500)
    assert expected_requests(operations, 10) == (250 + 1 + 5 + 2, 0)


def test_companies_that_are_made_one_by_one_take_a_request_each() -> None:
    """The addresses beside them go in bulk all the same."""
    operations = _operations(create_company=12, create_address=20)
    assert expected_requests(operations, 10, single_creates=True)[0] == expected_requests(operations, 10)[0] + 10
