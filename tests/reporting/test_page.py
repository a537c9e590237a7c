"""An executed notebook as a page: its outputs, its code folded away, and nothing that is reached for or run."""

import base64
import json
import re

import nbformat
import pandas as pd
import pytest

from fercore.reporting.page import STATE, WIDGET, folded, page, shell

PNG = base64.b64encode(b"\x89PNG").decode()


@pytest.fixture
def written(tmp_path):
    def written(*cells, record=None, **metadata):
        content = nbformat.v4.new_notebook(cells=list(cells), metadata=metadata)
        nbformat.write(content, tmp_path / "n.ipynb")
        return page(tmp_path / "n.ipynb", tmp_path / "deep/er/page.html", record).read_text(encoding="utf-8")

    return written


def code(source="secret = 1", **data):
    outputs = [nbformat.v4.new_output("display_data", data=data)] if data else []
    return nbformat.v4.new_code_cell(source, execution_count=1, outputs=outputs)


def test_outputs_are_shown_code_is_folded_and_nothing_is_reached_for(written):
    cell = code()
    cell.outputs = [nbformat.v4.new_output("stream", text="<script>alert(1)</script> \x1b[31m42\x1b[0m\n")]
    text = written(nbformat.v4.new_markdown_cell("# A & B\n\ntext"), cell)
    assert "<title>A &amp; B</title>" in text and "42" in text
    (folded,) = re.findall(r"<details><summary>code</summary>.*?</details>", text, re.DOTALL)
    assert "secret" in folded and text.count("secret") == 1
    assert "alert(1)" in folded and "42" in folded, "what is printed, too"
    assert "<script" not in text and "\x1b" not in text, "colours of a terminal"
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)


def test_what_only_the_tests_read_is_left_out_and_folds_without_anything_between_are_one(written):
    cells = [code(f"step_{word}", **{"text/plain": f"{word} output"}) for word in ("checked", "read", "last")]
    cells[0].metadata.tags = ["nbval-check-output"]
    text = written(*cells)
    assert "checked output" not in text and "read output" in text
    folds = re.findall(r"<details><summary>code</summary>(.*?)</details>", text, re.DOTALL)
    assert [re.findall(r"step_\w+", fold) for fold in folds] == [["step_checked", "step_read"], ["step_last"]]
    assert text.count("<div") == text.count("</div>")


def test_a_picture_has_words_for_who_does_not_see_it(written):
    text = written(nbformat.v4.new_markdown_cell("# N\n\n## How many?"), code(**{"image/png": PNG}))
    assert re.findall(r'alt="(.*?)"', text) == ["figure: How many?"]


def test_the_corner_of_a_table_is_no_heading(written):
    table = pd.DataFrame({"b": [1]}, index=pd.Index(["x"], name="a")).rename_axis(columns="c")
    text = written(code(**{"text/html": table.to_html()}), code(**{"text/html": table.style.to_html()}))
    assert re.findall(r"<th[^>]*>(?:&nbsp;|\s)*</th>", text) == [] and text.count("<td></td>") == 2
    assert len(re.findall(r"<th[^>]*>[abcx]</th>", text)) == 8


def test_a_widget_is_the_picture_that_it_showed(written):
    state = {
        "box": {"model_name": "VBoxModel", "state": {"children": ["IPY_MODEL_slider", "IPY_MODEL_image"]}},
        "slider": {"model_name": "IntSliderModel", "state": {}},
        "image": {"model_name": "ImageModel", "state": {}, "buffers": [{"path": ["value"], "data": PNG}]},
    }
    view = code(**{WIDGET: {"model_id": "box"}, "text/plain": "VBox(children)"})
    text = written(view, widgets={STATE: {"state": state}})
    assert f"data:image/png;base64,{PNG}" in text and "VBox" not in text and "<script" not in text
    assert "can be moved in JupyterLab" in text and "JupyterLab" not in written(code())
    assert "VBox" in written(view)  # whose state is lost: its words


def test_how_it_was_made_stands_at_the_end(written, tmp_path):
    (tmp_path / "record.json").write_text(json.dumps({"device": "<cpu>"}))
    assert "&lt;cpu&gt;" in written(code(), record=tmp_path / "record.json")
    assert "How it was made" not in written(code(), record=tmp_path / "none.json")


def test_a_page_can_be_read_by_keys_on_a_phone_and_on_paper():
    text = shell("<T>", "<p>body</p>", {"a": "A & B"})
    assert "<title>&lt;T&gt;</title>" in text and '<a href="#a">A &amp; B</a>' in text
    for part in ('lang="en"', "<main", "<header", "<nav", 'name="viewport"', 'class="skip"', "@media print", "focus"):
        assert part in text


def test_what_is_folded_has_a_name_that_opens_it():
    assert folded("A & B", "<p>1</p>") == "<details><summary>A &amp; B</summary><p>1</p></details>"
