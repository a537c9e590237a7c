"""A real browser, by hand: CHROMIUM=/usr/bin/chromium [AXE=axe.min.js] [SHOTS=folder] pytest tests/browser

Needs playwright for Python and a Chromium that the system has; AXE is the file of the npm package axe-core. Without
CHROMIUM nothing here is collected, so that the other tests need none of it.
"""

import os
from pathlib import Path

import pytest

CHROMIUM, AXE = os.environ.get("CHROMIUM", ""), os.environ.get("AXE", "")
collect_ignore_glob = [] if CHROMIUM else ["test_*.py"]


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def shoot(tmp_path):
    """Takes a picture of a page, to be looked at."""

    def shoot(page, name):
        folder = Path(os.environ.get("SHOTS") or tmp_path)
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png")

    return shoot


@pytest.fixture
def accessible():
    """Fails for what axe-core finds on a page; does nothing where AXE names no file."""

    def accessible(page):
        if AXE:
            page.add_script_tag(path=AXE)
            found = page.evaluate("axe.run()")["violations"]
            assert not found, [(one["id"], one["nodes"][0]["html"][:120]) for one in found]

    return accessible
