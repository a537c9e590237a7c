"""Text that comes from data stays text, wherever it is shown."""

import json
import re
from html.parser import HTMLParser

import mistune
import numpy as np
import pandas as pd
import pytest

from fercore.datasets.faces import Faces, table
from fercore.results import measurements, tables, text

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "[a](javascript:alert(1))",
    "![a](x)",
    "<javascript:alert(1)>",
    "`<b>`",
    "&lt;b&gt;",
    r"$\\frac$ and $x$",
    r"\\(x\\) \\[x\\]",
    "# head",
    "- item",
    "1. one",
    "> said",
    "    code",
    "a | b",
    "*b* _i_ ~~s~~",
    "line\r\nbreak\u2028\x00",
    "\u202eright to left",
    "happy (smile), = 100 %",
    "total",
    "süß 日本 😀",
    "happy",
    "",
]


class Read(HTMLParser):
    """The elements of a page and the text between them."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.text = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, *attrs))

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_html_shows_it_and_runs_nothing(name):
    for page in (f"<td>{text.html(name)}</td>", f'<td title="{text.html(name)}">{text.html(name)}</td>'):
        found = Read(page)
        assert [element for element, *_ in found.elements] == ["td"] and "".join(found.text) == text.plain(name)
    assert found.elements[0][1] == ("title", text.plain(name))


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_markdown_shows_it_and_runs_nothing(name):
    """By the reader of nbconvert, which makes the page."""
    found = Read(mistune.create_markdown(escape=False, plugins=["table", "strikethrough"])(text.markdown(name)))
    assert {element for element, *_ in found.elements} <= {"p", "span"}
    assert all(attributes == [] for _, *attributes in found.elements)
    assert "".join(found.text).strip() == text.plain(name).strip()
    assert all("$" not in part or part == "$" for part in found.text)  # no two of which MathJax would make a formula


def test_markdown_leaves_what_is_no_syntax_as_it_is():
    for name in ("fer2013", "synthfer (synthetic)", "0.6751", "subject folds", "a, b; c 5 %", "mini-xception"):
        assert text.markdown(name) == name


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_latex_has_no_instruction_that_is_not_ours(name):
    ours = r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater|textbar)\{\}|\\[&%$#_{}]|\{[*\[]\}"
    assert not re.search(r"[\\&%$#_{}~^<>|*\[]", re.sub(ours, "", text.latex(name))), (
        "[ and * are arguments of a line's end"
    )


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_latex_is_read_as_what_it_was_made_of(name):
    assert text.from_latex(text.latex(name)) == text.plain(name)


def test_plain_text_is_one_line_without_what_is_not_seen():
    assert text.plain("a\r\nb\tc\u2028d") == "a  b c d"
    assert text.plain("\u202ea\x00\x1b[0m") == r"\x202ea\x00\x1b[0m"
    assert text.plain("süß 日本") == "süß 日本"


def test_a_shown_frame_escapes_cells_rows_and_columns():
    pytest.importorskip("jinja2")
    name = "<img src=x onerror=alert(1)>"
    frame = pd.DataFrame({name: [0.5, 1234.5], "said": [name, "$x$"], "n": [1, 2]}, index=[name, "b"])
    for how in ({}, {"digits": 1}, {"index": False}):
        page = tables.shown(frame, **how).to_html()
        assert "<img" not in page and "&lt;img" in page and "mathjax_ignore" in page
    assert "mathjax_ignore" in frame._repr_html_() and "<img" not in frame._repr_html_()


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_tables_of_hostile_names_are_written_and_read(tmp_path, name):
    faces = Faces(name, np.zeros((1, 2, 2), np.uint8), table([0]), (name,))
    tables.save(pd.DataFrame({"n": [1], name: ["x"]}, index=pd.Index([name], name="class")), tmp_path, "t", faces)
    found = pd.read_csv(tmp_path / "t.csv", lineterminator="\n", keep_default_na=False)
    assert found["class"].tolist() == [name] and found["data"].tolist() == [name]
    rows = [line for line in (tmp_path / "t.tex").read_text(encoding="utf-8").splitlines() if "& 1 &" in line]
    assert rows == [f"{text.latex(name)} & 1 & x \\\\"]
    tables.save_findings({name: 1}, tmp_path, faces)
    assert json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))["data"] == name


def test_every_name_has_measurements_of_its_own(tmp_path):
    names = [*HOSTILE, "happy %28smile%29", " happy", "all"]
    rows = [{"measurement": measurements.name("recall", "vgg13", one, "test", one), "value": 0.5} for one in names]
    sets = [Faces(one, np.zeros((1, 2, 2), np.uint8), table([0]), (one,)) for one in names]
    found = measurements.table(rows, faces=sets)
    measurements.write(found, tmp_path / "stage")
    assert found["measurement"].nunique() == len(names)
    assert set(measurements.gather([tmp_path]).index) == set(found["measurement"])
    assert measurements.name("recall", "x", "d", "s", "happy (smile)") == "recall(x, d, s, happy %28smile%29)"
    for one in found["measurement"]:
        kind, arguments, settings = measurements.split(one)
        assert kind == "recall" and len(arguments) == 4 and not settings
