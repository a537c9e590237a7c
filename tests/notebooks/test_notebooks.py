"""Every notebook runs on smoke-sized data, and the numbers that matter in it are the ones that were checked in.

nbval compares a cell's output where the cell is tagged nbval-check-output. Notebooks are kept without outputs, and
nbval cannot set parameters, so each is prepared here: smoke parameters, and the outputs from `checked/NAME.json`. After
a change that is meant, `.venv/bin/python tests/notebooks/test_notebooks.py [NAME …]` writes those files again: look at
what has changed.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import jupytext
import nbformat
import papermill
import pytest

from fercore.pipeline.data import prepare_data
from fercore.pipeline.parameters import check_params, layers, read_params, subject_sets
from fercore.pipeline.stages import notebooks
from fercore.results.folders import FOLDERS, PROFILES

ROOT = Path(__file__).parents[2]
CHECKED = Path(__file__).parent / "checked"
NOTEBOOKS = [path.with_suffix(".ipynb") for path in notebooks(ROOT)]
LABS = sorted(ROOT.glob("notebooks/labs/[0-9]*.ipynb"))
INDEX = ROOT / "notebooks/index.ipynb"  # of no stage, and without results to compare
TAG = "nbval-check-output"
OURS = ("params", "reference")  # folders that come with the project; the others are a test's own


def prepare_all_data(folder):
    prepare_data(layers("data", "smoke", ROOT / "params"), folder / "data/smoke")
    for name in subject_sets(ROOT):  # the same in every profile
        prepare_data(layers(f"data_{name}", "paper", ROOT / "params"), folder / f"data/subjects/{name}")


def places(name, folder):
    """What the runner gives a notebook, with `folder` in the place of the project."""
    found = {key: path.format(name=name, profile="smoke") for key, path in FOLDERS.items()}
    paths = {key: f"{ROOT if key in OURS else folder}/{path}" for key, path in found.items()}
    for key in ("audit", "baselines"):  # of a notebook that was not run: it does without
        if not Path(paths[key]).is_dir():
            paths[key] = ""
    return paths | {"profile": "smoke"}


def prepare(notebook, folder, outputs):
    """A copy of `notebook` in `folder` with smoke parameters and, in its checked cells, `outputs`."""
    stem = notebook.stem
    known = check_params(notebook, layers(stem, "smoke", ROOT / "params"))
    given = known | {key: path for key, path in places(stem, folder).items() if key in known}
    copy = folder / f"{stem}.ipynb"
    papermill.execute_notebook(notebook, copy, given, prepare_only=True, progress_bar=False, kernel_name="python3")
    cells = nbformat.read(copy, as_version=4)
    checked = [cell for cell in cells.cells if TAG in cell.metadata.get("tags", ())]
    assert [first_line(cell) for cell in checked] == [entry["cell"] for entry in outputs], (
        "run this file to renew checked/"
    )
    for cell, entry in zip(checked, outputs, strict=True):
        cell.execution_count = 1  # nbval takes a cell that was never run for a mistake
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=entry["output"])]
    nbformat.write(cells, copy)
    return copy


def first_line(cell):
    return cell.source.splitlines()[0]


def expected(notebook, folder=CHECKED):
    path = folder / f"{notebook.stem}.json"
    if not path.is_file():
        pytest.fail(f"{path}: not there; .venv/bin/python tests/notebooks/test_notebooks.py {notebook.stem} writes it")
    return json.loads(path.read_text(encoding="utf-8"))


def validate(copy):
    words = [
        "--nbval-lax",
        "--nbval-current-env",
        "--nbval-cell-timeout=600",
        "-p",
        "no:cacheprovider",
        "-q",
        "--rootdir",
    ]
    command = [sys.executable, "-m", "pytest", *words, copy.parent, "-c", "/dev/null", copy]
    with one_core():
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800)


@contextmanager
def one_core():
    """On Linux, what is started within has one core, so that it trains one network after the other: starting a process
    for each takes longer than smoke-sized trainings do. Each worker takes another core, as long as there are enough."""
    if not hasattr(os, "sched_getaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(cores)[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % len(cores)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the notebooks of a profile put their files, in the order of the pipeline: later ones read earlier ones'."""
    folder = tmp_path_factory.mktemp("smoke")
    prepare_all_data(folder)
    return folder


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_and_gives_the_checked_numbers(notebook, folder):
    result = validate(prepare(notebook, folder, expected(notebook)))
    assert result.returncode == 0, result.stdout[-4000:]


def test_a_changed_number_fails(folder):
    notebook = next(path for path in NOTEBOOKS if path.stem == "02_baselines")
    outputs = expected(notebook)
    assert "accuracy 0." in outputs[0]["output"]
    outputs[0]["output"] = outputs[0]["output"].replace("accuracy 0.", "accuracy 1.")
    copy = prepare(notebook, folder, outputs)
    cells = nbformat.read(copy, as_version=4)
    checked = next(number for number, cell in enumerate(cells.cells) if TAG in cell.metadata.get("tags", ()))
    cells.cells = cells.cells[: checked + 1]  # what follows takes a minute and changes nothing
    nbformat.write(cells, copy)
    result = validate(copy)
    assert result.returncode == 1
    assert "1 failed" in result.stdout and "Cell outputs differ" in result.stdout


def test_a_notebook_without_checked_numbers_says_what_writes_them(tmp_path):
    with pytest.raises(pytest.fail.Exception, match=r"json: not there; .*test_notebooks.py 10_my_net writes"):
        expected(Path("10_my_net.ipynb"), tmp_path)


def test_the_index_runs_as_it_is(tmp_path):
    papermill.execute_notebook(INDEX, tmp_path / "x.ipynb", kernel_name="python3", cwd=INDEX.parent, progress_bar=False)
    cells = nbformat.read(tmp_path / "x.ipynb", as_version=4).cells
    shown = json.dumps([cell.get("outputs", []) for cell in cells])
    assert all(path.name in shown for path in NOTEBOOKS) and "fercore import fer2013" in shown


@pytest.mark.parametrize("notebook", [*NOTEBOOKS, INDEX], ids=lambda path: path.stem)
def test_kept_without_outputs_beside_its_script(notebook):
    cells = nbformat.read(notebook, as_version=4).cells
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]
    assert any("parameters" in cell.metadata.get("tags", ()) for cell in cells)
    assert notebook.with_suffix(".py").is_file()
    check_params(notebook, [])  # raises where the two differ


@pytest.mark.parametrize("notebook", [*NOTEBOOKS, INDEX, *LABS], ids=lambda path: path.stem)
def test_saving_in_jupyterlab_leaves_the_script_as_it_is(notebook, tmp_path):
    """Which DVC watches: a stage would run again because somebody had looked at its notebook."""
    for suffix in (".ipynb", ".py"):
        shutil.copy(notebook.with_suffix(suffix), tmp_path)
    manager = jupytext.TextFileContentsManager(root_dir=str(tmp_path))
    model = manager.get(notebook.name)
    model["content"]["metadata"]["language_info"] = {"name": "python"}  # as a kernel that has run tells
    manager.save(model, notebook.name)
    script = notebook.with_suffix(".py")
    assert (tmp_path / script.name).read_bytes() == script.read_bytes()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("profile", PROFILES)
def test_takes_the_parameters_of_every_profile(notebook, profile):
    files = layers(notebook.stem, profile, ROOT / "params")
    known, paper = check_params(notebook, files), read_params(files[0])
    lacking = [name for name in known if name not in paper and name not in FOLDERS]
    assert not lacking, f"{files[0]} has no {lacking[0]}: what the paper has, or what stands in for it"


def require_printed(cells):
    """A cell that is checked prints and shows nothing else: a progress bar is another one each time."""
    for cell in cells:
        if other := {output.output_type for output in cell.outputs} - {"stream"}:
            kinds = ", ".join(sorted(other))
            raise ValueError(
                f"the checked cell {first_line(cell)!r} shows more than it prints ({kinds}): train before it"
            )


def test_a_checked_cell_with_a_progress_bar_is_refused():
    bar = nbformat.v4.new_output("display_data", {"text/plain": "0%|"})
    printed = nbformat.v4.new_output("stream", name="stdout", text="5")
    require_printed([nbformat.v4.new_code_cell("print(5)", outputs=[printed])])
    with pytest.raises(ValueError, match=r"'fit\(\)' shows more than it prints \(display_data\): train before it"):
        require_printed([nbformat.v4.new_code_cell("fit()\nprint(5)", outputs=[bar, printed])])


SAFE = ("len", "markdown", "percent", "ranked")  # what makes text that is a number, or escaped
OURS_TO_SAY = ("contents", "sentences", "stage")  # of the library, whose tests look after that


def is_safe(node):
    """Whether what is shown as Markdown is made of constants, of numbers with a format, and of what is escaped."""
    if isinstance(node, ast.FormattedValue):
        return node.format_spec is not None or is_safe(node.value)
    if isinstance(node, ast.Call):
        called = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if called in ("listed", "join"):
            return is_safe(node.args[0])
        owner = getattr(getattr(node.func, "value", None), "id", "")
        return called in SAFE or owner in OURS_TO_SAY or (called == "map" and node.args[0].id in SAFE)
    parts = {
        ast.JoinedStr: lambda: node.values,
        ast.IfExp: lambda: [node.body, node.orelse],
        ast.BoolOp: lambda: node.values,
        ast.GeneratorExp: lambda: [node.elt],
        ast.BinOp: lambda: [node.left, node.right] if isinstance(node.op, ast.Add) else [node.left],
    }
    return isinstance(node, ast.Constant) or (type(node) in parts and all(map(is_safe, parts[type(node)]())))


@pytest.mark.parametrize("notebook", [*NOTEBOOKS, INDEX], ids=lambda path: path.stem)
def test_text_from_data_is_escaped_where_it_is_shown(notebook):
    """A class folder named <img onerror=…> would run; tables are shown by `tables.shown`, which escapes."""
    nodes = list(ast.walk(ast.parse(notebook.with_suffix(".py").read_text(encoding="utf-8"))))
    shown = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Markdown"]
    assert not [f"line {call.lineno}: {ast.unparse(call)}" for call in shown if not is_safe(call.args[0])]
    assert not [node.lineno for node in nodes if isinstance(node, ast.Attribute) and node.attr == "style"]


def renew(names):
    """Run notebooks, all where none is named, and write down what their checked cells print."""
    import tempfile

    CHECKED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare_all_data(folder)
        for notebook in [path for path in NOTEBOOKS if not names or path.stem in names]:
            cells = [cell for cell in nbformat.read(notebook, 4).cells if TAG in cell.metadata.get("tags", ())]
            copy = prepare(notebook, folder, [{"cell": first_line(cell), "output": ""} for cell in cells])
            done = papermill.execute_notebook(copy, folder / "done.ipynb", kernel_name="python3", cwd=str(ROOT))
            checked = [cell for cell in done.cells if TAG in cell.metadata.get("tags", ())]
            require_printed(checked)
            found = [
                {"cell": first_line(cell), "output": "".join(output.text for output in cell.outputs)}
                for cell in checked
            ]
            text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
            (CHECKED / f"{notebook.stem}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    renew(sys.argv[1:])
