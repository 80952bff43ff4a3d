"""Company users (docs/api/better_b2b.md#users)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from customer_sync.errors import ContractError, NotFound
from customer_sync.targets.better_b2b.bulk import bulk_rows, ids_in_order
from customer_sync.targets.better_b2b.calls import Query, StoreCalls, ignore_content, time_bounds
from customer_sync.targets.better_b2b.records import required_id, user_from_wire
from customer_sync.targets.better_b2b.wire import to_wire
from customer_sync.targets.port import StoredUser


class UserCalls(StoreCalls):
    """Reading and writing company users."""

    def iter_users(self, *, company_id: int | None = None, min_created_s: int | None = None) -> Iterator[StoredUser]:
        """Read company users, each once.

        Args:
            company_id: Only those of this company.
            min_created_s: Only those created after, Unix seconds.
        """
        query: Query = time_bounds(min_created_s=min_created_s)
        if company_id is not None:
            query = (("companyId", str(company_id)), *query)
        return self._crawl("/users", user_from_wire, lambda user: user.id, query, self.settings.users_page_size)

    def find_user(self, email: str) -> StoredUser | None:
        """Find the user with this e-mail, which is unique in the whole store; compared without regard to case.

        Raises:
            ContractError: The store shows several.
        """
        key = email.strip().casefold()
        found = self._crawl("/users", user_from_wire, lambda user: user.id, (("email", email.strip()),))
        matches = [user for user in found if user.fields.email.strip().casefold() == key]
        if len(matches) > 1:
            raise ContractError(
                f"The store shows {len(matches)} users with one e-mail (user ids "
                f"{', '.join(str(user.id) for user in matches)}): remove the surplus ones in the store.",
                system="Better B2B",
                operation="GET /users",
            )
        return matches[0] if matches else None

    def get_user(self, user_id: int) -> StoredUser | None:
        """Read one user; ``None`` when it does not exist."""
        try:
            return self._get_record(f"/users/{user_id:d}", user_from_wire)
        except NotFound:
            return None

    def create_user(self, payload: Mapping[str, Any]) -> int:
        """Create one user.

        Args:
            payload: Fields of the shape ``user_create``; channels come from the settings when it names none.

        Returns:
            The new user's id.

        Raises:
            RecordRejected: The store refused it; ``is_email_taken`` when someone has the e-mail.
            AmbiguousWriteError: It may or may not exist now: look it up by e-mail.
        """
        return self._call(
            "POST",
            "/users",
            lambda request, envelope: required_id(envelope.record(request), "userId", "id"),
            body=to_wire("user_create", self._with_channels(payload)),
        )

    def create_users(self, payloads: Sequence[Mapping[str, Any]]) -> list[int] | None:
        """Create up to ten users in one request.

        Returns:
            Their ids in the order of the payloads; ``None`` when all were stored but the answer does
            not say which is which, so look each up by e-mail.

        Raises:
            RecordRejected: One was refused. The store does not say which, except by quoting an e-mail:
                ``row_errors`` holds that row when it does; halve the batch otherwise.
            AmbiguousWriteError: Any of them may exist now.
        """
        body = [to_wire("user_create", self._with_channels(payload)) for payload in bulk_rows(payloads)]
        return self._call(
            "POST", "/users/bulk", lambda _, envelope: ids_in_order(envelope, "userId", len(body)), body=body
        )

    def update_user(self, user_id: int, changes: Mapping[str, Any]) -> None:
        """Change some fields of a user; ``changes`` has the shape ``user_update``; a company cannot be changed."""
        self._call("PUT", f"/users/{user_id:d}", ignore_content, body=to_wire("user_update", changes))

    def delete_user(self, user_id: int) -> None:
        """Delete a user; one that is gone already counts as deleted.

        Raises:
            RecordRejected: It is its company's last user.
        """
        try:
            self._call("DELETE", f"/users/{user_id:d}", ignore_content)
        except NotFound:
            return

    def _with_channels(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        settings = self.settings
        # A user without a channel is refused.
        return {
            "channel_ids": list(settings.channel_ids),
            "origin_channel_id": settings.origin_channel_id,
            **payload,
        }
