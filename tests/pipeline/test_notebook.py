"""A notebook run as a stage: its parameters, what the terminal says, how it fails, and that nothing is left of it."""

import json
import os
import signal
import subprocess
import sys
import time

import nbformat
import psutil
import pytest

from fercore import files
from fercore.pipeline import notebook
from fercore.pipeline.notebook import NotebookError

PARAMETERS = 'seed = 0\nprofile = ""\nout = ""\ndata = ""\n'
BUSY = """
import multiprocessing, os, pathlib, time
from fercore import progress

def child():
    time.sleep(600)

process = multiprocessing.get_context("fork").Process(target=child)
process.start()
pathlib.Path("pids").write_text(f"{os.getpid()} {process.pid}")
with progress.bar(total=100, desc="training x") as bar:
    for _ in range(600):
        bar.update(1)
        time.sleep(1)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of one notebook, whose cells are given."""
    monkeypatch.chdir(tmp_path)
    for layer in ("paper", "short", "smoke"):
        (tmp_path / "params" / layer).mkdir(parents=True)
        (tmp_path / f"params/{layer}/01_x.yaml").write_text("{}\n")
    (tmp_path / "params/short/01_x.yaml").write_text("seed: 3\n")
    (tmp_path / "notebooks").mkdir()

    def write(*cells):
        book = nbformat.v4.new_notebook()
        book.cells = [nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})]
        book.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
        book.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
        nbformat.write(book, tmp_path / "notebooks/01_x.ipynb")
        return tmp_path

    return write


def test_it_runs_with_its_parameters_and_says_how_long_it_took(project, capfd):
    root = project("print(seed, profile, out, data)")
    executed = notebook.run("01_x", "smoke")
    assert executed.as_posix() == "reports/smoke/notebooks/01_x.ipynb"
    cells = nbformat.read(root / executed, as_version=4).cells
    assert cells[-1].outputs[0].text == "3 smoke reports/smoke/01_x data/smoke\n"
    said = capfd.readouterr()
    assert said.out.startswith("01_x, smoke: ") and said.out.count("\n") == 1
    assert "Kernel" not in said.err and "WARNING" not in said.err


WRITES = """
from pathlib import Path
for folder in (Path(out), Path(out).parent / "timings/01_x"):
    folder.mkdir(parents=True, exist_ok=True)
    for name in {names}:
        (folder / name).write_text("{text}")
"""


def test_what_an_earlier_run_left_is_gone_after_one_that_succeeds(project, monkeypatch):
    """By the clock of the disk, whatever that of the process."""
    monkeypatch.setattr(notebook.time, "time", lambda: 2e12)
    root = project(WRITES.format(names=["scores.csv", "search.csv"], text="first"))
    notebook.run("01_x", "smoke")
    folders = [root / "reports/smoke/01_x", root / "reports/smoke/timings/01_x"]
    project(WRITES.format(names=["scores.csv"], text="second"), "raise ValueError")
    with pytest.raises(NotebookError):
        notebook.run("01_x", "smoke")
    assert all((folder / "search.csv").is_file() for folder in folders), "until there are others"
    project(WRITES.format(names=["scores.csv"], text="third"))
    notebook.run("01_x", "smoke")
    for folder in folders:
        assert {path.name: path.read_text() for path in folder.iterdir()} == {"scores.csv": "third"}


def test_a_cell_that_fails_is_named_with_its_error(project):
    root = project("x = 1", "  # why\nraise ValueError('no such class')")
    with pytest.raises(NotebookError) as caught:
        notebook.run("01_x", "smoke")
    assert "01_x.ipynb, cell 4 (# why): ValueError: no such class" in str(caught.value)
    assert (root / "reports/smoke/notebooks/01_x.ipynb").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_a_cell_whose_process_is_killed_is_named(project):
    root = project("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(NotebookError) as caught:
        notebook.run("01_x", "smoke")
    assert "01_x.ipynb, cell 3 of 3: its process was killed; out of memory?" in str(caught.value)
    assert (root / "reports/smoke/notebooks/01_x.ipynb").is_file()


def test_parameters_that_do_not_fit_are_told_before_a_kernel_starts(project):
    project("print(seed)")
    with open("params/smoke/01_x.yaml", "w") as file:
        file.write("sead: 1\n")
    with pytest.raises(ValueError, match="did you mean 'seed'"):
        notebook.run("01_x", "smoke")
    assert not os.path.exists("reports")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_an_interrupt_ends_every_process_and_says_that_it_can_be_gone_on_with(project):
    root = project(BUSY)
    command = [sys.executable, "-m", "fercore.cli", "notebook", "01_x", "smoke"]
    # as in a terminal: a process group of its own, all of which the interrupt reaches; and it is heeded, also where
    # these tests run in the background of a shell, which makes what it starts there ignore interrupts
    run = subprocess.Popen(
        command, cwd=root, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (root / "pids").is_file() or not (root / "pids").read_text():
        assert time.monotonic() < deadline and run.poll() is None
        time.sleep(0.1)
    pids = [int(word) for word in (root / "pids").read_text().split()]
    os.killpg(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "stopped" in said and "goes on from there" in said and "Traceback" not in said
    psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=30)
    alive = [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]
    assert not alive


ENDLESS_AT_FIRST = """
import os, pathlib, time
if not pathlib.Path("pid").exists():
    pathlib.Path("pid").write_text(str(os.getpid()))
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_a_second_run_is_told_of_the_first_and_once_that_is_killed_takes_its_place(project):
    root = project(ENDLESS_AT_FIRST, "print('whole')")
    run = subprocess.Popen([sys.executable, "-m", "fercore.cli", "notebook", "01_x", "smoke"], cwd=root)
    deadline = time.monotonic() + 60
    while not (root / "pid").is_file() or not (root / "pid").read_text():
        assert time.monotonic() < deadline and run.poll() is None
        time.sleep(0.1)
    kernel = psutil.Process(int((root / "pid").read_text()))
    try:
        with pytest.raises(files.BusyError, match=rf"01_x is being written by a notebook, process {run.pid} on"):
            notebook.run("01_x", "smoke")
    finally:
        run.kill()
        run.wait()
    executed = notebook.run("01_x", "smoke")
    assert nbformat.read(root / executed, as_version=4).cells[-1].outputs[0].text == "whole\n"
    assert not psutil.wait_procs([kernel], timeout=30)[1]
    assert not list(root.glob("reports/smoke/*/.lock"))


def test_the_line_says_which_cell_runs_and_how_far_its_work_is(tmp_path, capfd, monkeypatch):
    now = time.time()
    monkeypatch.setattr(notebook.progress.time, "time", lambda: now)
    note = {"desc": "mobilenet_v2", "total": 10, "initial": 0, "done": 5, "started": now - 60}
    (tmp_path / "1.json").write_text(json.dumps(note))
    monkeypatch.setattr(notebook, "SECONDS_BETWEEN_LINES", 0.05)
    line, said, deadline = notebook._Line("02_baselines, quick", tmp_path), "", time.monotonic() + 60
    line.cell = "cell 7 of 21"
    with line:
        while "\n" not in said and time.monotonic() < deadline:
            time.sleep(0.05)
            said += capfd.readouterr().err
    first, *_ = said.splitlines()
    assert first == "02_baselines, quick: cell 7 of 21 · mobilenet_v2 50 %, 1:00 left"
