"""Roles of company users (docs/api/better_b2b.md#roles)."""

from customer_sync.errors import NotFound
from customer_sync.targets.better_b2b.calls import StoreCalls
from customer_sync.targets.better_b2b.records import RoleRecord, role_from_wire


class RoleCalls(StoreCalls):
    """Reading roles; they belong to the store, not to a company."""

    def list_roles(self) -> list[RoleRecord]:
        """Read all roles, without their permissions; ids differ per store, so resolve them by name."""
        return list(self._crawl("/companies/roles", role_from_wire, lambda role: role.id))

    def role(self, role_id: int) -> RoleRecord | None:
        """Read one role with its permissions; ``None`` when it does not exist."""
        try:
            return self._get_record(f"/companies/roles/{role_id:d}", role_from_wire)
        except NotFound:
            return None
