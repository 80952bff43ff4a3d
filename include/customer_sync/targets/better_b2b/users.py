"""Company users (docs/api/better_b2b.md#users)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from customer_sync.errors import ContractError
from customer_sync.targets.better_b2b.bulk import ids_in_order
from customer_sync.targets.better_b2b.calls import New, StoreCalls, numbers
from customer_sync.targets.better_b2b.records import user_from_wire
from customer_sync.targets.better_b2b.wire import to_wire
from customer_sync.targets.port import StoredUser

_NEW: Final = New(
    "user_create",
    "user_create",
    ("userId", "id"),
    lambda envelope, sent: ids_in_order(envelope, "userId", len(sent)),
)


class UserCalls(StoreCalls):
    """Reading and writing company users."""

    def users(self, *, company_id: int | None = None, created_since_s: int | None = None) -> Iterator[StoredUser]:
        """Read company users, each once.

        Args:
            company_id: Only those of this company.
            created_since_s: Only those created after, Unix seconds.
        """
        query = numbers(companyId=company_id, minCreated=created_since_s)
        return self._crawl("/users", self._read_user, lambda user: user.id, query, self.settings.users_page_size)

    def user_by_email(self, email: str) -> StoredUser | None:
        """Find the user with this e-mail, which is unique in the whole store; compared without regard to case.

        Raises:
            ContractError: The store shows several.
        """
        key = email.strip().casefold()
        found = self._crawl("/users", self._read_user, lambda user: user.id, (("email", email.strip()),))
        matches = [user for user in found if user.fields.email.strip().casefold() == key]
        if len(matches) > 1:
            raise ContractError(
                f"The store shows {len(matches)} users with one e-mail (user ids "
                f"{', '.join(str(user.id) for user in matches)}): remove the surplus ones in the store.",
                system="Better B2B",
                operation="GET /users",
            )
        return matches[0] if matches else None

    def user(self, user_id: int) -> StoredUser | None:
        """Read one user; ``None`` when it does not exist."""
        return self._get_record(f"/users/{user_id:d}", self._read_user)

    def _read_user(self, row: Mapping[str, Any]) -> StoredUser:
        return user_from_wire(row, with_storefronts=bool(self.settings.rules.channels_by_class))

    def create_users(self, payloads: Sequence[Mapping[str, Any]]) -> list[int | None]:
        """Create up to ten users in one request.

        Args:
            payloads: Fields of the shape ``user_create``; channels come from the settings where it names none.

        Returns:
            Their ids in order; ``None`` where the answer does not say which is which, so look each up by e-mail.

        Raises:
            RecordRejected: One was refused; ``is_email_taken`` when someone has the e-mail. Of several the store does
                not say which, except by quoting an e-mail: ``row_errors`` holds that row when it does.
            AmbiguousWriteError: Any of them may exist now: look them up by e-mail.
        """
        # A user without a channel is refused.
        return self._create("/users", _NEW, [{**self.settings.origin, **payload} for payload in payloads])

    def update_user(self, user_id: int, changes: Mapping[str, Any]) -> None:
        """Change some fields of a user; ``changes`` has the shape ``user_update``; a company cannot be changed."""
        self._put(f"/users/{user_id:d}", to_wire("user_update", changes))

    def delete_user(self, user_id: int) -> None:
        """Delete a user; one that is gone already counts as deleted.

        Raises:
            RecordRejected: It is its company's last user.
        """
        self._delete(f"/users/{user_id:d}")
