"""Which endpoint of a site is described: the one that the connection names, else the one that shows most."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from customer_sync.discovery.words import words_of
from customer_sync.errors import ApiError, ConfigError
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.discovery import (
    EndpointInfo,
    EndpointSchema,
    is_of_the_product,
    served_endpoints,
    speaks_contract_4,
)

_MOST_TRIED: Final = 3
_TELLING: Final = frozenset({"commerce", "ecommerce", "b2b", "web", "shop", "store", "sync", "kn", "kncommerce"})
_NEEDED: Final = ("Customer", "Contact")


def choose_endpoint(
    client: AcumaticaClient, *, names_endpoint: bool
) -> tuple[EndpointInfo, EndpointSchema | None, list[str]]:
    """Take the endpoint that the connection names, or look for one.

    Args:
        client: The site; it reads the chosen endpoint from then on.
        names_endpoint: Whether the connection names one.

    Returns:
        The endpoint; its document, where it had to be looked at; what a person should know.

    Raises:
        ConfigError: The one that is named is not served, or none has customers and contacts.
    """
    if names_endpoint:
        return client.check_endpoint(), None, []
    served = [each for each in served_endpoints(client.read_json("/entity")) or () if all(each)]
    for name, version in _by_promise(served)[:_MOST_TRIED]:
        client.settings = replace(client.settings, endpoint_name=name, endpoint_version=version)
        try:
            schema = client.endpoint_schema()
        except (ApiError, ConfigError):
            continue  # it speaks another contract, or is broken: the next one may not be
        if all(entity in schema.entities for entity in _NEEDED):
            advice = (
                f"The connection names no endpoint. {name}/{version} was looked at: put endpoint_name {name} and "
                f"endpoint_version {version} into the connection's extra."
            )
            return EndpointInfo(name, version, ""), schema, [advice]
    shown = ", ".join(f"{name}/{version}" for name, version in served[:10]) or "none"
    raise ConfigError(
        f"No endpoint with customers and contacts was found; the site serves: {shown}. Put endpoint_name and "
        "endpoint_version into the connection's extra.",
        setting="endpoint_name",
    )


def _by_promise(served: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Endpoints of merchants before those of the product, those that tell of shops first, the newest of each."""
    newest = {name: (name, version) for name, version in sorted(served) if speaks_contract_4(name, version)}

    def rank(endpoint: tuple[str, str]) -> tuple[int, bool, str]:
        name = endpoint[0]
        is_telling = bool(_TELLING & {name.casefold(), *words_of(name)})
        return (0 if is_telling and not is_of_the_product(name) else 1), name != "Default", name

    return sorted(newest.values(), key=rank)
