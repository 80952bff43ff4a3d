"""`GET /channels` (docs/api/better_b2b.md#channels)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.better_b2b.envelope import SUCCESS, Reply, ok, plain_refusal

if TYPE_CHECKING:
    from sandbox.better_b2b.request import Request
    from sandbox.better_b2b.state import Store

ICON_URL = "https://static.example.com/channel.svg"


def get_channels(store: Store, _request: Request) -> Reply:
    """The storefronts; a store with one alone refuses to list it."""
    if not store.settings["multi_storefront"]:
        raise plain_refusal(422, "Multi storefront is not enabled")
    rows = [{"channelId": key, "channelName": name, "iconUrl": ICON_URL} for key, name in store.channel_names.items()]
    return ok(rows, SUCCESS)
