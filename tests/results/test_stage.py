"""What a notebook leaves behind, and what it tells its reader first."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from fercore import datasets
from fercore.results import figures, measurements
from fercore.results.stage import Stage

ROW = {"measurement": "accuracy(vgg13, fer2013, test)", "value": 0.5, "seeds": 1}


def test_tables_figures_measurements_findings_and_provenance_lie_where_later_stages_look(faces, tmp_path):
    stage = Stage(str(tmp_path / "reports/01_x"), faces, "laptop")
    shown = stage.table(pd.DataFrame({"a": [0.123456]}), "scores", "Scores")
    assert shown["a"].tolist() == [0.123456]
    stage.figure(Figure(), "empty")
    stage.measure([ROW], "random weights")
    stage.measure([{"measurement": "parameters(vgg13, 7)", "value": 3}])
    found = stage.close({"epochs": 2}, {"seed": 1})
    names = {path.name for path in (tmp_path / "reports/01_x").iterdir()}
    assert names == {"scores.csv", "scores.tex", "empty.svg", "empty.png", "measurements.csv", "findings.json"}
    assert found["epochs"] == 2
    kept = measurements.gather([tmp_path / "reports"])["protocol"]
    assert kept[ROW["measurement"]] == "laptop profile, random weights" and kept["parameters(vgg13, 7)"] == ""
    record = json.loads((tmp_path / "reports/provenance/01_x.json").read_text())
    assert record["parameters"] == {"seed": 1}


def test_what_is_to_be_seen_is_displayed_and_kept_for_the_report(faces, tmp_path):
    stage = Stage(str(tmp_path / "01_x"), faces, "laptop")
    assert stage.says("One is *best*.", "accuracy").data == "**To see.** One is *best*."
    assert stage.says("- a\n- b").data == "**To see.**\n\n- a\n- b", "or it would be no list"
    assert stage.says("").data == ""
    stage.timings.says("Fast.", "latency")
    stage.close({}, {})
    read = [json.loads((tmp_path / name / "sentences.json").read_text()) for name in ("01_x", "timings/01_x")]
    assert read[0] == [{"figure": "accuracy", "sentence": "One is *best*."}, {"figure": "", "sentence": "- a\n- b"}]
    assert read[1] == [{"figure": "latency", "sentence": "Fast."}]
    silent, unwritten = Stage(str(tmp_path / "02_y"), faces, "laptop"), Stage("", faces, "laptop")
    unwritten.says("One.")
    silent.close({}, {}), unwritten.close({}, {})
    assert not (tmp_path / "02_y/sentences.json").exists() and not Path("sentences.json").exists()


def test_what_is_another_number_each_time_lies_beside_where_nothing_depends_on_it(faces, tmp_path):
    stage = Stage(str(tmp_path / "reports/08_x"), faces, "quick")
    assert stage.timings.table(pd.DataFrame({"ms": [0.123456]}), "latency")["ms"].tolist() == [0.123456]
    stage.timings.figure(Figure(), "latency")
    stage.measure([ROW, {"measurement": "latency(tinyfer_lite, here)", "value": 0.01}])
    stage.close({}, {})
    names = {path.name for path in (tmp_path / "reports/08_x").iterdir()}
    assert names == {"findings.json", "measurements.csv"}
    names = {path.name for path in (tmp_path / "reports/timings/08_x").iterdir()}
    assert names == {"latency.csv", "latency.tex", "latency.svg", "latency.png", "measurements.csv"}
    assert list(measurements.gather([tmp_path / "reports"]).index) == [ROW["measurement"]]
    assert list(measurements.gather([tmp_path / "reports/timings"]).index) == ["latency(tinyfer_lite, here)"]


def test_without_a_folder_all_is_the_same_and_nothing_is_written(faces, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stage = Stage("", faces, "quick")
    stage.table(pd.DataFrame({"a": [1]}), "scores")
    stage.timings.table(pd.DataFrame({"a": [1]}), "latency")
    stage.measure([ROW])
    assert stage.close({"epochs": 2}, {})["epochs"] == 2 and not list(tmp_path.iterdir())


def test_a_misspelt_measurement_is_refused_when_it_is_made(faces):
    with pytest.raises(ValueError, match="did you mean 'fer2013'"):
        Stage("", faces, "quick").measure([ROW | {"measurement": "accuracy(vgg13, fer2103, test)"}])


def test_a_reader_is_told_of_rendered_faces_and_of_what_is_to_be_known(faces):
    told = Stage("", replace(faces, notes=("12 files were left out.",)), "quick").about()
    assert "90 images" in told and "12 files were left out." in told and "Rendered faces" in told
    assert "Rendered faces" not in Stage("", replace(faces, synthetic=False), "quick").about()
    assert Stage("", datasets.load("synthfer", images=200), "quick").about().lower().count("rendered") == 1


def test_names_and_notes_from_data_instruct_nobody(faces):
    hostile = replace(faces, name="<img src=x onerror=alert(1)>", notes=("see [here](javascript:x) and $x$",))
    told = Stage("", hostile, "quick").about()
    assert "<img" not in told and "](" not in told and "$x$" not in told


def test_a_figure_says_in_words_what_it_shows(tmp_path):
    figure = Figure()
    figure.suptitle("Scores of\na \\$et")
    for axis in figure.subplots(1, 2):
        axis.set(title="one & two", xlabel="epoch", ylabel="loss")
    figures.save(figure, tmp_path, "curve")
    said = "Scores of a $et; one & two; loss over epoch"
    assert figures.described(figure) == said
    assert f"<dc:title>{said.replace('&', '&amp;')}</dc:title>" in (tmp_path / "curve.svg").read_text(encoding="utf-8")
