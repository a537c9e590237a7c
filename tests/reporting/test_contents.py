"""The index says what is there: notebooks and labs are found, and what the README says is told again, not typed."""

import json
from pathlib import Path

import pytest

from fercore.reporting import contents

ROOT = Path(__file__).parents[2]
SCRIPT = """# %% [markdown]
# # 1 · A: *why*?

# %% tags=["parameters"]
data = ""  # a folder
out = ""
audit = ""
seed = 0

# %%
stage.table(x, "scores")
stage.timings.table(x, "scores")
stage.figure(plots.some(1, "a title"), "curve")
for one in x:
    display(stage.figure(plots.some(one, f"of {one}"), f"curve_{one}"))
other.figure(x, "y")
"""


LAB = """\
# %% [raw]
# # ASSIGNMENT CONFIG
# name: 1_b

# %% [markdown]
# # Lab | 1
"""


def project(tmp_path):
    (tmp_path / "notebooks/labs").mkdir(parents=True)
    (tmp_path / "notebooks/01_a.py").write_text(SCRIPT)
    (tmp_path / "notebooks/labs/1_b.py").write_text(LAB)
    records = {"smoke/provenance/01_a.json": {"wall_seconds": 20}}
    records |= {"reference/01_a/provenance.json": {"wall_seconds": 600, "kept": True}}
    for path, record in records.items():
        (tmp_path / "reports" / path).parent.mkdir(parents=True)
        (tmp_path / "reports" / path).write_text(json.dumps(record))
    return tmp_path


def test_what_a_notebook_takes_gives_and_took(tmp_path):
    (row,) = contents.notebooks(project(tmp_path)).to_dict("records")
    assert row == {
        "notebook": "01_a.ipynb",
        "title": "1 · A: *why*?",
        "takes": "data, audit",
        "gives": "1 table, 2 figures",
        "took": "1 min (smoke), 10 min (reference, trained before)",
    }


def test_a_record_without_its_time_is_told_with_its_name(tmp_path):
    path = project(tmp_path) / "reports/smoke/provenance/01_a.json"
    path.write_text("{}")
    with pytest.raises(ValueError, match=r"01_a.json: a damaged record"):
        contents.notebooks(tmp_path)


def test_labs_are_found_where_there_are_some_and_titles_are_escaped(tmp_path):
    text = contents.linked(contents.labs(project(tmp_path)))
    assert r"[Lab \| 1](labs/1_b.ipynb)" in text.replace("&#124;", r"\|") and text.count("|") == 6, text
    assert contents.linked(contents.labs(tmp_path / "elsewhere")) == ""


def test_every_notebook_and_the_readmes_table_are_told():
    found = contents.notebooks(ROOT)
    assert found["notebook"].tolist() == sorted(path.name for path in ROOT.glob("notebooks/[0-9]*.ipynb"))
    assert (found["title"] != "").all() and "data" in found.iloc[0]["takes"]
    takes = found.set_index("notebook")["takes"].str.split(", ")
    assert "bundles" in takes["08_edge_benchmarks.ipynb"] and "reference" in takes["06b_microexpnet_se.ipynb"]
    told = contents.section(ROOT / "docs/usage.md", "Your download, and the command")
    assert "fercore import fer2013 DOWNLOAD" in told and "#" not in told.splitlines()[0]
    assert contents.section(ROOT / "docs/usage.md", "No such heading") == ""
