"""The report gathers what stages left behind, on a page that opens without a network and runs nothing it was given."""

import json
import re

import nbformat
import pandas as pd
import pytest

from fercore.reporting import page


@pytest.fixture
def reports(tmp_path):
    for name, data in (("02_b", "fer2013"), ("01_a", "synthfer (synthetic)")):
        (tmp_path / name).mkdir()
        whole = {"data": data, "findings": {"test_images": 35887, "share": 0.125, "none": None, "yes": True}}
        (tmp_path / name / "findings.json").write_text(json.dumps(whole))
    (tmp_path / "03_nothing").mkdir()
    (tmp_path / "01_a/counts.csv").write_text("class,n,data\nangry,3,synthfer (synthetic)\n")
    return tmp_path


def test_stages_in_the_order_of_the_notebooks_and_only_those_that_ran(reports):
    assert [stage.name for stage in page.stages(reports)] == ["01_a", "02_b"]
    assert page.stages(reports / "elsewhere") == []


def test_findings_are_readable_and_say_what_they_are_about(reports):
    data, numbers = page.findings(reports / "01_a")
    assert data == "synthfer (synthetic)"
    assert numbers.to_numpy().tolist() == [["test images", "35,887"], ["share", "0.125"], ["none", ""], ["yes", "True"]]


def test_the_tables_of_a_stage_that_the_report_shows(tmp_path):
    stage = tmp_path / "03_tinyfer_lite"
    stage.mkdir()
    for name in ("ablation", "scores", "history"):
        (stage / f"{name}.csv").write_text(f"x,data\n{len(name)},synthfer (synthetic)\n")
    found = page.shown_tables(stage)
    assert [heading for heading, _ in found] == ["Scores, synthfer (synthetic)", "Ablation, synthfer (synthetic)"]
    assert [table["x"].tolist() for _, table in found] == [[6], [8]]
    assert page.shown_tables(tmp_path / "elsewhere") == []


def test_what_was_timed_is_shown_with_its_stage(tmp_path):
    folder = tmp_path / "08_edge_benchmarks", tmp_path / "timings/08_edge_benchmarks"
    for name, place in (("formats", folder[0]), ("latency", folder[1])):
        place.mkdir(parents=True)
        (place / f"{name}.csv").write_text("ms,data\n1,fer2013\n")
    assert [heading for heading, _ in page.shown_tables(folder[0])] == ["Latency, fer2013", "Formats, fer2013"]


def test_the_page_shows_outputs_without_code_and_reaches_for_nothing(tmp_path):
    output = nbformat.v4.new_output("stream", text="<script>alert(1)</script> 42\n")
    cells = [
        nbformat.v4.new_markdown_cell("# A & B\n\ntext"),
        nbformat.v4.new_code_cell("secret = 1", execution_count=1, outputs=[output]),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "n.ipynb")
    text = page.page(tmp_path / "n.ipynb", tmp_path / "deep/er/page.html").read_text(encoding="utf-8")
    assert "<title>A &amp; B</title>" in text
    assert "42" in text and "secret" not in text
    assert "<script" not in text
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)


def test_tables_of_the_report_are_made_to_be_read(tmp_path):
    stage = tmp_path / "02_baselines"
    stage.mkdir()
    (stage / "comparison.csv").write_text(
        "network,parameters,cpu_ms,accuracy,accuracy_low,accuracy_high,p,data\n"
        "tinyfer_lite,932202.0,8.74,0.2754,0.2416,0.3133,,fer2013\nlbp_svm,,,0.655,0.615,0.6917,,fer2013\n"
        "not_measured,,,,,,,fer2013\n"
    )
    [(heading, table)] = page.shown_tables(stage)
    assert heading == "Comparison, fer2013" and list(table) == ["network", "parameters", "cpu ms", "accuracy"]
    assert table["accuracy"].tolist() == ["0.275 [0.242, 0.313]", "0.655 [0.615, 0.692]", ""]
    assert pd.api.types.is_integer_dtype(table["parameters"])


def test_a_value_whose_interval_is_unknown_stands_alone(tmp_path):
    stage = tmp_path / "04_microexpnet_pooling"
    stage.mkdir()
    (stage / "table_2.csv").write_text("data,size,none,none_low,none_high\na,m,0.25,,\nb (synthetic),m,0.5,0.4,0.6\n")
    [(heading, table)] = page.shown_tables(stage)
    assert heading == "Table 2, a, b (synthetic)" and table["data"].tolist() == ["a", "b (synthetic)"]  # several sets
    assert table["none"].tolist() == ["0.250", "0.500 [0.400, 0.600]"]


def test_a_section_shows_tables_and_figures_and_escapes_what_comes_from_files(tmp_path):
    stage = tmp_path / "03_tinyfer_lite"
    stage.mkdir()
    whole = {"data": "<b>set</b> (synthetic)", "findings": {"<i>x": "<script>alert(1)</script>", "n": 1200}}
    (stage / "findings.json").write_text(json.dumps(whole))
    (stage / "scores.csv").write_text("name,<u>,data\n<a>,1200,<b>set</b> (synthetic)\n")
    (stage / "curve.png").write_bytes(b"\x89PNG")
    head, title, table, picture = page.section(stage)
    assert "2 findings" in head.data and "Rendered faces" in head.data and picture.data == b"\x89PNG"
    heading, numbers = page.numbers(stage)
    shown = [head.data, title.data, heading.data, table.to_html(), numbers.to_html()]
    text = "".join(re.sub(r"<style.*?</style>", "", part, flags=re.DOTALL) for part in shown)
    assert "1,200" in numbers.to_html() and "&lt;script&gt;" in text
    assert not re.search(r"<(script|i|a|b|u)\b", text)
