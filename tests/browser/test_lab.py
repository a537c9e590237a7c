"""JupyterLab as `make lab` starts it: the index opens and nothing is asked; every notebook runs, its sliders move."""

import io
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.relative_to(ROOT / "notebooks") for path in ROOT.glob("notebooks/**/[!.]*.ipynb"))
MINUTES = 20  # for one notebook, or one figure, on a slow machine
WIDE, HIGH = 1400, 1000

# What the notebook in front has: an error, else whether all of its cells ran. The page itself would not do: JupyterLab
# takes cells that are out of sight off it.
STATE = r"""() => {
    const cells = [...jupyterapp.shell.currentWidget.content.model.cells].filter(cell => cell.type === 'code')
    const outputs = cells.flatMap(cell => cell.sharedModel.outputs)
    const error = outputs.find(output => output.output_type === 'error')
    const said = outputs.filter(output => output.name === 'stderr').map(output => [output.text].flat().join(''))
    const raw = outputs.filter(output => output.output_type === 'execute_result').map(output => output.data)
        .filter(data => Object.keys(data).length === 1 && 'text/plain' in data).map(data => data['text/plain'])
    return {error: error && `${error.ename}: ${error.evalue}`, said, raw,
            left: cells.filter(cell => !cell.executionCount).length}
}"""
EVERY_CELL = '{"windowingMode": "none"}'  # stays on the page, so that a picture has them all


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Address of a JupyterLab on a copy of the notebooks, since it saves what it runs."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "notebooks", root / "notebooks")
    for name in ("params", "reports", "docs", "pyproject.toml"):
        (root / name).symlink_to(ROOT / name)
    settings = root / "settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(EVERY_CELL, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--no-browser", "--notebook-dir", "notebooks", "--IdentityProvider.token=", f"--port={port}"]
    words += ["--allow-root", "--ip=127.0.0.1", "--expose-app-in-browser"]
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
    page = browser.new_page(viewport={"width": WIDE, "height": HIGH})
    page.set_default_timeout(MINUTES * 60_000)
    outside = []
    page.on("request", lambda asked: outside.append(asked.url) if asked.url.startswith("https:") else None)
    yield page
    page.evaluate("jupyterapp.serviceManager.sessions.shutdownAll()")  # or the kernels of all notebooks live on
    page.close()
    assert not outside


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_what_moves_changes_the_picture(lab, page, shoot, path):
    run_all(page, f"{lab}/lab/tree/{path.as_posix()}?reset")
    shoot_whole(page, shoot, f"lab-{path.stem}")
    boxes = page.locator(".jp-OutputArea .widget-vbox")
    written = (ROOT / "notebooks" / path).with_suffix(".py").read_text(encoding="utf-8")
    assert bool(boxes.count()) == ("explore(" in written)
    for number in range(boxes.count()):
        box = boxes.nth(number)
        box.scroll_into_view_if_needed()
        try:
            move_all(page, box)
        finally:
            shoot(page, f"lab-{path.stem}-moved-{number + 1}")
    assert not page.evaluate(STATE)["error"]


def run_all(page, address):
    """Opens a notebook and runs all cells: nothing is asked, fails, is said in red, or is shown as Python writes it."""
    page.goto(address)
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_selector("#jp-main-statusbar >> text=Idle")
    page.wait_for_timeout(5000)  # a kernel that has just started is not yet the notebook's
    assert not page.locator(".jp-Dialog, .Toastify__toast, .jp-Launcher").count(), "asked for something"
    page.click("text=Run >> nth=0")
    page.click(".lm-Menu-item:has-text('Run All Cells') >> nth=0")
    page.wait_for_function(f"() => {{ const now = ({STATE})(); return now.error || !now.left }}")
    now = page.evaluate(STATE)
    assert not now["error"] and not now["said"] and not now["raw"], now


def shoot_whole(page, shoot, name):
    """A picture of the whole notebook, as long as it is."""
    outer = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer")
    last = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").last
    outer.evaluate("outer => outer.scrollTo(0, 0)")
    end = int(last.bounding_box()["y"] + last.bounding_box()["height"])
    page.set_viewport_size({"width": WIDE, "height": min(max(end + 60, HIGH), 16_000)})
    outer.evaluate("outer => outer.scrollTo(0, 0)")
    page.wait_for_timeout(1000)
    shoot(page, name)
    page.set_viewport_size({"width": WIDE, "height": HIGH})


def move_all(page, box):
    """Moves each slider, chooses from each menu, hands a picture to each button: each time the picture changes."""
    for slider in box.locator(".widget-slider .noUi-handle").all():
        with changed(page, box):
            slider.focus()
            for key in ("PageUp", "PageDown"):  # one of which it can go
                page.keyboard.press(key)
            page.keyboard.press("ArrowRight")
            page.keyboard.press("ArrowRight")
    for menu in box.locator("select").all():
        if (count := menu.locator("option").count()) > 1:
            with changed(page, box):
                menu.select_option(index=(menu.evaluate("menu => menu.selectedIndex") + 1) % count)
    for button in box.locator(".widget-upload").all():
        with changed(page, box):
            with page.expect_file_chooser() as chooser:
                button.click()
            chooser.value.set_files({"name": "mine.png", "mimeType": "image/png", "buffer": picture()})


@contextmanager
def changed(page, box):
    """Waits until the picture in `box` is another than at the beginning."""
    image = box.locator("img").last.element_handle()
    before = image.get_attribute("src")
    yield
    page.wait_for_function("([image, src]) => image.src !== src", arg=[image, before], timeout=60_000)


def picture():
    """A photograph of nobody, as PNG."""
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(file, "png")
    return file.getvalue()
