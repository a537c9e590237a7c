"""What CONTRIBUTING.md gives to copy runs as it stands there."""

import re
import textwrap
from pathlib import Path

import jupytext
import pytest

from fercore import datasets
from fercore.results import measurements
from fercore.results.folders import FOLDERS

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
(TEMPLATE,) = (
    textwrap.dedent(block) for block in re.findall(r"^ +```python\n(.*?)^ +```$", TEXT, re.M | re.S) if "# %%" in block
)


def test_the_notebook_to_copy_measures_what_the_ledger_finds(tmp_path, capsys):
    datasets.import_dataset("synthfer", None, tmp_path / "data", images=200, seed=0)
    given = {"data": "data", "runs": "runs", "out": "reports/10_my_net"}
    given = {name: str(tmp_path / path) for name, path in given.items()}
    given |= {"network": "microexpnet_xxs", "epochs": 1, "img_size": 84}
    space, checked = {}, 0
    for cell in jupytext.reads(TEMPLATE, "py:percent").cells:
        if cell.cell_type == "code":
            capsys.readouterr()
            exec(cell.source, space)
            if "nbval-check-output" in cell.metadata.get("tags", ()):
                shown = capsys.readouterr()
                assert re.fullmatch(r"\d+ faces of .*\nloss fell in . of 1\n", shown.out)
                checked += 1
                assert not shown.err, "a progress bar is another output each time"
        if "parameters" in cell.metadata.get("tags", ()):
            assert given.keys() <= space.keys()
            space |= given
    assert checked == 1
    kept = measurements.gather([tmp_path / "reports"])
    assert list(kept.index) == [f"accuracy(microexpnet_xxs, {space['faces'].name}, {space['tested']})"]
    assert kept["value"].iloc[0] == pytest.approx(space["accuracy"], abs=1e-6)


def test_the_notebook_to_copy_says_what_the_runner_fills_in():
    told = dict(re.findall(r'^(\w+) = ".*"  # (\S*PROFILE\S*?)[,;]?(?: |$)', TEMPLATE, re.M))
    assert told == {name: FOLDERS[name].format(profile="PROFILE", name="10_my_net") for name in told}
    assert list(told) == ["data", "runs", "out", "profile"]
