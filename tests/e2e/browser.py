"""A person before Airflow: a browser page that is logged in, and the pictures of the documentation."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from playwright.sync_api import expect

from demo.settings import DAG_ID
from tests.e2e.ground import PASSWORD, ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, Playwright

    from tests.e2e.ground import Ground

PICTURES = ROOT / "docs" / "pictures"
VIEW = {"width": 1360, "height": 850}
PATIENCE_MS = 20_000
_OPTIONS = (
    "--headless",
    "--no-sandbox",  # containers forbid Chromium's own; the browser meets only servers of this machine
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--font-render-hinting=none",
)


class ProgramMissing(Exception):
    """A program that the tests need is not installed; the message names the package."""


def start_browser(playwright: Playwright) -> Browser:
    """Start the machine's Chromium; ``CHROMIUM`` names another one.

    Raises:
        ProgramMissing: There is none.
    """
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if program is None:
        raise ProgramMissing("No Chromium on this machine: apt-get install chromium, or name one with CHROMIUM=.")
    return playwright.chromium.launch(executable_path=program, args=list(_OPTIONS))


class Person:
    """Somebody with a browser of their own.

    Args:
        ground: The running systems.
        browser: The shared browser.
        taken: Folder for pictures that are not for the documentation.
        color_scheme: `light` or `dark`.

    Attributes:
        page: The open page.
    """

    def __init__(self, ground: Ground, browser: Browser, taken: Path, color_scheme: str = "light") -> None:
        self._ground = ground
        self._taken = taken
        self.context: BrowserContext = browser.new_context(
            viewport=VIEW,  # type: ignore[arg-type] # a TypedDict in disguise
            color_scheme=color_scheme,  # type: ignore[arg-type] # one of the two words
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="America/New_York",
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self.context.new_page()

    def log_in(self, name: str) -> None:
        """Log in on Airflow's own form."""
        self.page.goto(f"{self._ground.address}/auth/login")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name=re.compile("Sign in", re.IGNORECASE)).click()
        expect(self.page).to_have_url(f"{self._ground.address}/", timeout=PATIENCE_MS)

    def open(self, path: str) -> None:
        """Open a page of Airflow by its path."""
        self.page.goto(f"{self._ground.address}{path}")

    def open_dag(self, dag_id: str = DAG_ID) -> None:
        """Open the page of a DAG."""
        self.open(f"/dags/{quote(dag_id)}")

    def frame(self) -> FrameLocator:
        """The embedded page of a plugin."""
        return self.page.frame_locator("iframe")

    def picture(self, name: str) -> Path:
        """Photograph the page: into the documentation when ``PICTURES=1``, else into the test's own folder.

        Args:
            name: File name without suffix, as the documentation refers to it.
        """
        folder = PICTURES if os.environ.get("PICTURES") else self._taken
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        self.page.screenshot(path=path, animations="disabled", caret="hide")
        return path
