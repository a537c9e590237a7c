"""JupyterLab as `make lab` starts it: the index opens and nothing is asked; every notebook runs, its sliders move."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.stem for path in ROOT.glob("notebooks/*.ipynb"))
MINUTES = 10  # for one notebook, or one figure, on a slow machine
RAN = r"""() => [...document.querySelectorAll('.jp-CodeCell')].every(
    cell => /\[\d+\]/.test(cell.querySelector('.jp-InputPrompt').textContent))"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Address of a JupyterLab on a copy of the notebooks, since it saves what it runs."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "notebooks", root / "notebooks")
    for name in ("params", "reports", "README.md", "pyproject.toml"):
        (root / name).symlink_to(ROOT / name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--no-browser", "--notebook-dir", "notebooks", "--IdentityProvider.token=", f"--port={port}"]
    words += ["--allow-root", "--ip=127.0.0.1"]
    environment = {**os.environ, "JUPYTER_CONFIG_PATH": str(ROOT / ".jupyter"), "PYTHONPATH": str(ROOT)}
    environment |= {
        "JUPYTERLAB_SETTINGS_DIR": str(root / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(root / "spaces"),
    }
    command = [sys.executable, "-m", "jupyterlab", *words]
    server = subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/api", timeout=2)
            break
        except OSError:
            time.sleep(1)
    yield address
    server.terminate()
    server.wait(30)


@pytest.fixture
def page(browser, lab):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(MINUTES * 60_000)
    outside = []
    page.on("request", lambda asked: outside.append(asked.url) if asked.url.startswith("https:") else None)
    yield page
    page.close()
    assert not outside


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_and_its_sliders_change_the_picture(lab, page, shoot, name):
    page.goto(f"{lab}/lab/tree/{name}.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_selector("#jp-main-statusbar >> text=Idle")
    page.wait_for_timeout(5000)  # a kernel that has just started is not yet the notebook's
    assert not page.locator(".jp-Dialog, .Toastify__toast, .jp-Launcher").count(), "asked for something"
    page.click("text=Run >> nth=0")
    page.click(".lm-Menu-item:has-text('Run All Cells') >> nth=0")
    page.wait_for_function(RAN)
    assert not page.locator(
        ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr'] .ansi-red-fg"
    ).count()
    shoot(page, f"lab-{name}")
    sliders = page.locator(".widget-slider .noUi-handle")
    written = (ROOT / f"notebooks/{name}.py").read_text(encoding="utf-8").count("Slider(")
    assert bool(sliders.count()) == bool(written)  # some are shown where the data have votes alone
    for number in range(sliders.count()):
        slider = sliders.nth(number)
        slider.scroll_into_view_if_needed()
        box = page.locator(".widget-vbox", has=slider).last
        picture = box.locator("img").last
        before = picture.get_attribute("src")
        slider.focus()
        for key in ("PageUp", "PageDown"):  # one of which it can go
            page.keyboard.press(key)
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        try:
            page.wait_for_function("([image, src]) => image.src !== src", arg=[picture.element_handle(), before])
        finally:
            shoot(page, f"lab-{name}-slider-{number + 1}")
