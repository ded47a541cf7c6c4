"""A real browser for tests: Debian's ``chromium``, headless, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

PROGRAM = shutil.which("chromium")
ARTEFACTS = Path(__file__).parents[1] / "build" / "screenshots"


@contextmanager
def running_browser() -> Iterator[Browser]:
    # As root, in a container above all, there is no sandbox to be had.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=options)
        yield browser
        browser.close()


def screenshot(page: Page, name: str) -> Path:
    """The whole page as a picture, for people to look at."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    path = ARTEFACTS / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    return path
