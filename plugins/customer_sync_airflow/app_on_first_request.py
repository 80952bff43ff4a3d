"""A web app of a plugin that is imported when the first request comes.

Airflow loads plugins in the scheduler, the DAG processor and every task, too; none of them shall pay for FastAPI,
templates and the ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class AppOnFirstRequest:
    """An ASGI app that builds another one when somebody asks.

    Args:
        build: Imports and returns the app.
    """

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build
        self._building = asyncio.Lock()
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if self._app is None:
            # Importing takes a second, in which the server answers others.
            async with self._building:
                if self._app is None:
                    self._app = await asyncio.to_thread(self._build)
        await self._app(scope, receive, send)
