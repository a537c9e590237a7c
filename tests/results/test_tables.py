"""Tables and findings as files: the same bytes every run, rounded, and never silent about rendered data."""

import errno
import json
import os
import re
from itertools import count

import numpy as np
import pandas as pd
import pytest

from fercore.datasets import splits
from fercore.datasets.faces import Faces, table
from fercore.results import tables


def faces_of(name="fer2013", synthetic=False):
    return Faces(name, np.zeros((1, 2, 2), np.uint8), table([0]), ("a",), synthetic)


FRAME = pd.DataFrame(
    {
        "share_%": [0.123456789, 2.0, np.nan],
        "a & b": ["50 %", "x_y", "#1"],
        "equal": [True, False, True],
        "n": [1, 2, 3],
    },
    index=pd.Index(["one", "two", "three"], name="class_name"),
)


@pytest.mark.parametrize("place, name", enumerate(("t.csv", "t.tex")))
def test_on_a_full_disk_the_table_of_before_stays_whole(tmp_path, monkeypatch, place, name):
    tables.save(FRAME, tmp_path, "t", faces_of())
    before = (tmp_path / name).read_bytes()
    asked = count()

    def full(_):
        if next(asked) == place:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=f"No space left.*{name}"):
        tables.save(FRAME[:1], tmp_path, "t", faces_of())
    assert (tmp_path / name).read_bytes() == before


def test_what_the_most_frequent_class_would_score():
    faces = Faces("f", np.zeros((4, 2, 2), np.uint8), table([1, 0, 1, 1]), ("a", "b", "c"))
    assert tables.majority(faces) == "Always answering b would be right on 75.0 % of all images."


def test_csv_is_rounded_and_names_its_data(tmp_path):
    returned = tables.save(FRAME, tmp_path / "deep/er", "t", faces_of("synthfer", synthetic=True))
    assert (tmp_path / "deep/er/t.csv").read_bytes() == (
        b"class_name,share_%,a & b,equal,n,data\n"
        b"one,0.123457,50 %,True,1,synthfer (synthetic)\n"
        b"two,2.0,x_y,False,2,synthfer (synthetic)\n"
        b"three,,#1,True,3,synthfer (synthetic)\n"
    )
    assert returned["share_%"].tolist()[:2] == [0.123457, 2.0] and "data" not in returned
    assert FRAME["share_%"].iloc[0] == 0.123456789, "the frame that came in stays as it was"


def test_real_data_are_not_called_synthetic(tmp_path):
    tables.save(FRAME, tmp_path, "t", faces_of())
    for suffix in ("csv", "tex"):
        text = (tmp_path / f"t.{suffix}").read_text()
        assert "fer2013" in text and "synthetic" not in text


def test_a_table_of_no_data_at_hand_names_none(tmp_path):
    shown = tables.save(FRAME, tmp_path, "t", "", "Table 1, as printed")
    assert shown.attrs[tables.CAPTION] == "Table 1, as printed" and r"\caption{Table 1, as printed}" in (
        tmp_path / "t.tex"
    ).read_text(encoding="utf-8")
    assert "data" not in tables.read(tmp_path / "t.csv")
    tables.save(FRAME, tmp_path, "by_class", "")
    assert r"\caption{by class}" in (tmp_path / "by_class.tex").read_text(encoding="utf-8")


def test_an_index_without_a_name_is_left_out(tmp_path):
    tables.save(pd.DataFrame({"x": [1]}), tmp_path, "t", faces_of())
    assert (tmp_path / "t.csv").read_text() == "x,data\n1,fer2013\n"
    for out in (tmp_path, ""):
        with pytest.raises(ValueError, match="rows of t have names, and their column has none"):
            tables.save(pd.DataFrame({"x": [1]}, index=["a name that would be lost"]), out, "t", faces_of())


def test_what_differs_beyond_the_last_digit_gives_the_same_bytes(tmp_path):
    for name, sign in (("up", 1), ("down", -1)):
        frame = pd.DataFrame({"x": [0.5 + sign * 1e-9, sign * 1e-9], "n": [1, 0]})
        tables.save(frame, tmp_path / name, "t", faces_of())
        tables.save_findings({"x": sign * 1e-9}, tmp_path / name, faces_of())
    for file in ("t.csv", "t.tex", "findings.json"):
        assert (tmp_path / "up" / file).read_bytes() == (tmp_path / "down" / file).read_bytes(), "0 and -0"


def test_what_is_shown_or_set_of_a_table_is_rounded_once(tmp_path):
    edges = pd.DataFrame({"x": [0.68149, 0.123449]})
    tables.save(edges, tmp_path, "t", faces_of())
    read = tables.read(tmp_path / "t.csv")["x"]
    assert [f"{value:.1%}" for value in read] == ["68.1%", "12.3%"], "not 68.2, of 0.6815"
    assert r"0.1234 \\" in (tmp_path / "t.tex").read_text(), "not 0.1235, of 0.12345"


def test_latex_holds_what_latex_can_read(tmp_path):
    tables.save(FRAME, tmp_path, "by_class", faces_of("my_set & co", synthetic=True), "95 % of {a_b} & c #1 $2 ~ ^ \\")
    text = (tmp_path / "by_class.tex").read_text()
    for word in (r"\toprule", r"\midrule", r"\bottomrule", r"\begin{tabular}{lrllr}", r"\label{tab:by_class}"):
        assert word in text
    caption = re.search(r"\\caption\{(.*)\}\n", text)[1]
    assert caption == (
        r"95 \% of \{a\_b\} \& c \#1 \$2 \textasciitilde{} \textasciicircum{} \textbackslash{}"
        r", my\_set \& co (synthetic)"
    )
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    rows = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert rows == [
        r"class name & share \% & a \& b & equal & n \\",
        r"one & 0.1235 & 50 \% & yes & 1 \\",
        r"two & 2 & x\_y & no & 2 \\",
        r"three & -- & \#1 & yes & 3 \\",
    ]
    bare = re.sub(r"\\label\{.*\}", "", text)
    assert not re.search(r"(?<!\\)[_%#$~^]", bare), "what LaTeX would take for an instruction"


def test_without_a_caption_the_name_serves(tmp_path):
    tables.save(FRAME, tmp_path, "by_class", faces_of())
    assert r"\caption{by class, fer2013}" in (tmp_path / "by_class.tex").read_text()


def test_nothing_is_written_where_out_is_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert tables.save(FRAME, "", "t", faces_of())["share_%"].iloc[0] == 0.123457
    assert tables.save_findings({"a": np.float64(1 / 3)}, "", faces_of()) == {"a": 0.333333}
    assert not list(tmp_path.iterdir())


def test_findings_are_plain_sorted_and_valid_json(tmp_path):
    found = {
        "b": np.int64(3),
        "a": np.float32(0.123456),
        "no": np.bool_(False),
        "yes": True,
        "nothing": float("nan"),
        "endless": np.inf,
        "text": "süß",
        "many": {"y": np.arange(2), "x": (np.float64(0.5), None)},
    }
    returned = tables.save_findings(found, tmp_path, faces_of("synthfer", synthetic=True))
    text = (tmp_path / "findings.json").read_text(encoding="utf-8")

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    read = json.loads(text, parse_constant=refuse)
    assert read["data"] == "synthfer (synthetic)" and read["synthetic"] is True
    assert read["findings"] == returned
    assert returned == {
        "b": 3,
        "a": 0.123456,
        "no": False,
        "yes": True,
        "nothing": None,
        "endless": None,
        "text": "süß",
        "many": {"x": [0.5, None], "y": [0, 1]},
    }
    assert returned["no"] is False and returned["yes"] is True and type(returned["b"]) is int
    assert list(read["findings"]) == sorted(found) and text.endswith("\n") and "süß" in text
    assert list(read) == ["data", "findings", "synthetic"]
    tables.save_findings(dict(reversed(found.items())), tmp_path / "again", faces_of("synthfer", synthetic=True))
    assert (tmp_path / "again/findings.json").read_text(encoding="utf-8") == text
    tables.save_findings({}, tmp_path, faces_of())
    assert json.loads((tmp_path / "findings.json").read_text())["synthetic"] is False


def test_json_never_holds_what_json_lacks(tmp_path):
    tables.write_json(tmp_path / "new/x.json", {"b": np.nan, "a": [np.int64(1), {"c": -np.inf}]})
    assert json.loads((tmp_path / "new/x.json").read_text()) == {"a": [1, {"c": None}], "b": None}
    with pytest.raises(TypeError):
        tables.write_json(tmp_path / "x.json", {"a": object()})


def test_parameters_keep_every_digit(tmp_path):
    tables.write_json(tmp_path / "x.json", {"rate": 1e-5})
    assert json.loads((tmp_path / "x.json").read_text())["rate"] == 1e-5


def test_a_long_table_has_no_latex(tmp_path):
    (tmp_path / "long.tex").touch()  # of a shorter one, before
    tables.save(pd.DataFrame({"row": range(tables.PAGE + 1)}), tmp_path, "long", faces_of())
    assert [path.name for path in tmp_path.iterdir()] == ["long.csv"]


def test_a_table_by_rows_says_which_images_they_are(tmp_path):
    faces = faces_of()
    frame = pd.DataFrame({"row": [0], "predicted": [1]})
    assert list(tables.save(frame, tmp_path, "predictions", faces)) == ["row", "predicted"]
    tables.save(frame.set_index("row"), tmp_path, "by_row", faces)
    for name in ("predictions", "by_row"):
        splits.same_images(faces, pd.read_csv(tmp_path / f"{name}.csv", dtype=str), name)
    other = Faces("fer2013", np.ones((1, 2, 2), np.uint8), table([0]), ("a",))
    with pytest.raises(ValueError, match="predictions is of other images"):
        splits.same_images(other, pd.read_csv(tmp_path / "predictions.csv", dtype=str), "predictions")


def test_a_frame_of_several_sets_names_each_and_is_called_synthetic_as_soon_as_one_is(tmp_path):
    several = [faces_of(), faces_of("synthck", synthetic=True)]
    frame = pd.DataFrame({"data": ["fer2013", "synthck (synthetic)"], "x": [1, 2]}).set_index("data")
    tables.save(frame, tmp_path, "t", several)
    assert (tmp_path / "t.csv").read_text() == "data,x\nfer2013,1\nsynthck (synthetic),2\n"
    assert "fer2013, synthck (synthetic)" in (tmp_path / "t.tex").read_text()
    tables.save_findings({"a": 1}, tmp_path, several)
    whole = json.loads((tmp_path / "findings.json").read_text())
    assert whole["data"] == "fer2013, synthck (synthetic)" and whole["synthetic"] is True


def test_a_saved_table_is_shown_with_its_caption_and_one_made_from_it_has_its_own():
    faces = faces_of(synthetic=True)
    saved = tables.save(pd.DataFrame({"a": [1], "b": [2]}), "", "counts", faces, "Counts <b> of $x$")
    for part in (saved, saved[["b"]]):
        page = tables.shown(part).to_html()
        assert f"<caption>Counts &lt;b&gt; of $x$, {tables.label(faces)}</caption>" in page
    assert "caption" not in tables.shown(tables.save(saved, "", "again", faces)).to_html()
    assert "caption" in tables.shown(saved).to_html()
    assert "caption" not in tables.shown(pd.DataFrame({"a": [1]})).to_html()


def test_a_shown_table_has_intervals_in_one_cell_whole_numbers_and_no_empty_column():
    pytest.importorskip("jinja2")
    columns = {"accuracy": [0.25, np.nan], "accuracy_low": [0.2, np.nan], "accuracy_high": [0.31, np.nan]}
    columns |= {
        "epoch": [3.0, np.nan],
        "cpu_ms": [1.5, -0.0],
        "p": [np.nan, np.nan],
        "note": ["", ""],
        "says": ["a", "b"],
    }
    page = tables.shown(pd.DataFrame(columns, ["one", "two"])).to_html()
    cells = re.findall(r"<td[^>]*>(.*?)</td>", page)
    assert cells == ["0.250 [0.200, 0.310]", "3", "1.500", "a", "", "", "0.000", "b"]
    heads = re.findall(r"<th[^>]*col_heading[^>]*>(.*?)</th>", page)
    assert heads == ["accuracy", "epoch", "cpu ms", "says"] and "text-align: left" in page
    assert "nan" not in page and "2,232,839" in tables.shown(pd.DataFrame({"n": [2232839]})).to_html()
    page = tables.shown(pd.DataFrame({"n": ["~60,000", "21.8M"], "says": ["", "a"]})).to_html()
    (left,) = re.findall(r"#\w+_row0_(col\d)[^{}]*\{\s*text-align: left", page)
    assert left == "col1"  # a number is no word
    page = tables.shown(pd.DataFrame([[1, 2]], columns=pd.Index([0, 1], name="fold_of"))).to_html()
    assert ">fold of</th>" in page and "white-space: nowrap" in page
    assert "0.1250" in tables.shown(pd.DataFrame({"x": [0.125]}), digits=4).to_html()


def test_the_names_of_an_index_are_no_second_row_of_the_head():
    pytest.importorskip("jinja2")
    rows = pd.MultiIndex.from_tuples([("x_y", 1.0), ("x_y", 2.5)], names=["net_work", "T"])
    frame = tables.save(pd.DataFrame({"score": [0.5, 0.25]}, rows), "", "t", "", "Table 1")
    page = tables.shown(frame).to_html()
    assert re.findall(r"<th[^>]*>(.*?)</th>", page) == ["net work", "T", "score"] and "Table 1" in page
    assert re.findall(r"<td[^>]*>(.*?)</td>", page) == ["x_y", "1.0", "0.500", "x_y", "2.5", "0.250"]


def test_values_of_an_index_are_names():
    """Neither rounded, nor taken for what an interval is of; and an index that is a column as well stays an index."""
    pytest.importorskip("jinja2")
    for seed, shown in ((2013, "2013"), ("a", "a"), (0.5, "0.5")):
        frame = pd.DataFrame({"low": [0.1], "high": [0.2]}, pd.Index([seed], name="seed"))
        assert re.findall(r"<td[^>]*>(.*?)</td>", tables.shown(frame).to_html()) == [shown, "0.100", "0.200"]
    frame = pd.DataFrame({"network": ["a"], "score": [0.5]}).set_index("network", drop=False)
    assert re.findall(r"<td[^>]*>(.*?)</td>", tables.shown(frame).to_html()) == ["a", "0.500"]


def test_an_interval_is_of_value_or_difference_or_of_the_column_before_it():
    frame = pd.DataFrame({"accuracy": [0.5], "low": [0.25], "high": [0.75], "f1": [0.1]})
    assert tables.with_intervals(frame).loc[0].tolist() == ["0.500 [0.250, 0.750]", 0.1]
    frame = pd.DataFrame({"name": ["a"], "low": [0.25], "high": [0.75]})
    assert tables.with_intervals(frame).loc[0].tolist() == ["a", 0.25, 0.75], "no number has an interval here"
    frame = pd.DataFrame({"value": [0.5], "seeds": [3], "low": [0.25], "high": [0.75]})
    assert tables.with_intervals(frame).loc[0].tolist() == ["0.500 [0.250, 0.750]", 3]


def test_no_number_but_0_is_shown_as_0_and_none_has_the_sign_of_0():
    frame = pd.DataFrame({"difference": [-0.05, 0.0], "low": [-0.1, -0.0], "high": [-0.0004, 0.5]})
    shown = ["-0.050 [-0.100, -0.0004]", "0.000 [0.000, 0.500]"]
    assert tables.with_intervals(frame)["difference"].tolist() == shown


def test_a_number_of_numpy_is_rounded_as_in_a_sentence():
    for value, digits in ((100 * -0.0165, 1), (0.0385, 3), (2.675, 2)):
        assert tables.fixed(np.float64(value), digits) == f"{value:.{digits}f}"


@pytest.mark.parametrize(
    ("values", "digits"), [([1.0, 20.0], 0), ([0.5, 400], 3), ([35.25, 400], 2), ([4600.5], 0), ([0.0], 0), ([], 0)]
)
def test_decimals_go_by_the_least_number(values, digits):
    assert tables.decimals([*values, float("nan")]) == digits


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no table that can be read"),
        (b"a,b\n1,2,3,4\n1\n", "no table that can be read|has no column row"),
        (bytes(range(256)) * 9, "no table that can be read"),
        (b"a,b\n1,2\n", "has no column row; it has a, b"),
        (b"row,b\n1,2\n3,4", "it ends within a line: cut off"),
        (None, "No such file"),
    ],
)
def test_a_table_that_is_none_is_told_with_its_name(tmp_path, content, told):
    path = tmp_path / "t.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises((OSError, ValueError), match=told) as caught:
        tables.read(path, ["row"])
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no JSON that can be read"),
        (b'{"a": 1', "no JSON that can be read"),
        (b"\xff\xfe", "no JSON that can be read"),
        (b"[" * 100_000, "no JSON that can be read"),
        (b"[1]", "a list; expected names with values"),
        (None, "No such file"),
    ],
)
def test_json_that_is_none_is_told_with_its_name(tmp_path, content, told):
    path = tmp_path / "findings.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises((OSError, ValueError), match=told) as caught:
        tables.read_json(path)
    assert str(path) in str(caught.value)
    tables.write_json(path, {"a": [1.5]})
    assert tables.read_json(path) == {"a": [1.5]}


def test_a_table_is_read_as_it_was_written(tmp_path):
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.Index(["a", "b"], name="class"))
    tables.save(frame, tmp_path, "t", faces_of())
    assert tables.read(tmp_path / "t.csv", ["class", "n"], index_col="class")["n"].tolist() == [1, 2]
    odd = pd.DataFrame({"class": ["None", "NA", "null", "nan", "happy"], "recall": [0.5, np.nan, 0.1, 0.2, 0.3]})
    tables.save(odd, tmp_path, "odd", faces_of())
    found = tables.read(tmp_path / "odd.csv")
    assert found["class"].tolist() == odd["class"].tolist() and found["recall"].isna().tolist() == [0, 1, 0, 0, 0]
