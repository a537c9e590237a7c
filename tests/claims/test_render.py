"""The ledger for reading: nothing in it can break out of the page or of LaTeX, and no number is typed."""

import re
from collections import Counter
from html import unescape

import numpy as np
import pandas as pd
import pytest

from fercore import claims
from fercore.claims import render
from fercore.results import measurements

NOTHING = measurements.every([])
ACCURACY = "accuracy(tinyfer_lite, fer2013, PrivateTest)"


def cells(text):
    """What stands in the cells of a table's rows, the head's among them, by row; nothing stands between them."""
    rows = re.findall("<tr>(.*?)</tr>", text, flags=re.S)
    assert all(re.fullmatch("(<(t[dh])[^>]*>(?:(?!<t[dh]).)*</(t[dh])>)+", row) for row in rows)
    return [
        [unescape(re.sub("<.*?>", "", cell)) for cell in re.findall("<t[dh].*?>(.*?)</t[dh]>", row)] for row in rows
    ]


@pytest.fixture
def judged(write, evidence):
    def judged(paper, *rows, **values):
        ledger = write(paper)
        found = evidence(*rows, **values)
        findings = claims.run(ledger, found)
        return ledger, findings, claims.judge(ledger, found, findings)

    return judged


def test_the_headline_says_what_is_claimed_and_measured_and_how(judged, paper):
    row = {"measurement": ACCURACY, "value": 0.66417, "low": 0.65, "high": 0.678, "seeds": 3, "deduplicated": 0.65}
    ledger, _, table = judged(paper, row)
    (found,) = render.headline(ledger, table, NOTHING).to_dict("records")
    assert found == {
        "paper": "paper",
        "where": "Abstract",
        "about": "accuracy",
        "claimed": "66.00 %",
        "measured": "66.42 % [65.00, 67.80]",
        "deduplicated": "65.00",
        "how": "as the paper, 3 seeds; 95 % interval 65 to 67.8 reaches beyond the tolerance, 64.5 to 67.5",
        "verdict": "reproduced",
    }


def test_where_nothing_was_measured_the_headline_has_what_is_near_or_what_is_missing(judged, paper):
    ledger, _, table = judged(paper)
    (found,) = render.headline(ledger, table, NOTHING).to_dict("records")
    assert [found[name] for name in ("measured", "deduplicated")] == ["–", "–"]
    assert found["how"] == "nothing comparable: needs fer2013, imagenet"
    row = {"measurement": ACCURACY, "value": 0.675, "low": 0.66, "high": 0.69, "deduplicated": 0.66}
    made = measurements.table([row], departs="random weights").set_index("measurement")
    (found,) = render.headline(ledger, table, made).to_dict("records")
    assert (found["measured"], found["deduplicated"]) == ("67.50 % [66.00, 69.00]", "66.00")
    assert found["how"] == f"nearest: {ACCURACY}; random weights" and found["verdict"] == "needs data"


def test_what_is_missing_is_not_what_is_at_hand(judged, paper, evidence):
    only = paper.replace("about: accuracy, needs: [fer2013, imagenet]", "about: accuracy, needs: [fer2013]")
    for text, missing in ((paper, "needs imagenet"), (only, "not run")):
        ledger, _, table = judged(text, **{"accuracy(simple_cnn, fer2013, PublicTest)": 0.5})
        made = evidence({"measurement": "accuracy(simple_cnn, fer2013, PublicTest)", "value": 0.5})
        assert render.headline(ledger, table, made)["how"].tolist() == [f"nothing comparable: {missing}"]


def test_what_was_measured_and_decides_nothing_is_called_undecided(judged, paper):
    row = {"measurement": ACCURACY, "value": 0.66, "low": 0.5, "high": 0.9, "seeds": 2}
    ledger, _, table = judged(paper, row)
    (found,) = render.headline(ledger, table, NOTHING).to_dict("records")
    assert (found["measured"], found["verdict"]) == ("66.00 % [50.00, 90.00]", "undecided")
    text = render.page(table)
    assert '<td data-verdict="not run">undecided<br><small>not decided by' in text, "found under the ledger's own name"
    assert '<td data-verdict="not run">not run</td>' in text, "what nobody has looked at"
    assert table.set_index("id")["verdict"]["paper/abstract.accuracy"] == "not run"


def test_a_shorter_training_is_near_and_no_measurement_of_the_papers(judged, paper, evidence):
    ledger = judged(paper)[0]
    made = evidence({"measurement": ACCURACY, "value": 0.6}, profile="laptop")
    table = claims.judge(ledger, made, [])
    (found,) = render.headline(ledger, table, made).to_dict("records")
    assert found["measured"] == "60.00 %" and found["how"] == f"nearest: {ACCURACY}; laptop profile"


def test_what_follows_from_the_papers_own_numbers_names_the_check(judged, paper):
    known = paper.replace("headline: [abstract.accuracy]", "headline: [text.fewer, table2.ours.params, text.rate]")
    ledger, _, table = judged(known, **{"parameters(tinyfer_lite, 7)": 932202})
    first, second, third = render.headline(ledger, table, NOTHING).to_dict("records")
    assert first["how"] == "the paper's own numbers, check twice" and first["verdict"] == "exact"
    assert first["measured"] == first["deduplicated"] == "–"
    assert (second["how"], second["measured"]) == ("counted", "932,202 parameters")
    assert (third["how"], third["measured"]) == ("nothing comparable: not run", "–")


def test_a_training_of_which_no_seeds_are_told_is_as_the_paper_all_the_same(judged, paper):
    ledger, _, table = judged(paper, **{ACCURACY: 0.66})
    assert render.headline(ledger, table, NOTHING)["how"].tolist() == ["as the paper"]
    ledger, _, table = judged(paper, {"measurement": ACCURACY, "value": 0.66, "seeds": 1})
    assert render.headline(ledger, table, NOTHING)["how"].tolist() == ["as the paper, 1 seed"]


def test_a_verdict_says_what_the_training_was_other_in(judged, paper):
    settings = {"profile": "laptop", "reserved": "another teacher: 20 of 80 epochs"}
    ledger, _, table = judged(paper, **{ACCURACY: 0.5}, **settings)
    said = "not reproduced, with another teacher: 20 of 80 epochs"
    shown = render.headline(ledger, table, NOTHING)
    assert shown["verdict"].tolist() == [said] and said in render.page(table)
    assert shown["how"].tolist() == ["as the paper, but for what the verdict names"]
    near = judged(paper, **{ACCURACY: 0.66}, **settings)[:3:2]
    assert render.headline(*near, NOTHING)["verdict"].tolist() == [said.removeprefix("not ")]
    contradiction = "  - {id: same, says: x, same: [abstract.accuracy, table2.theirs.accuracy]}\n"
    ledger, _, table = judged(paper + contradiction, **{ACCURACY: 0.5}, **settings)
    assert render.headline(ledger, table, NOTHING)["verdict"].tolist() == ["inconsistent"]
    counted = judged(paper, **{"parameters(tinyfer_lite, 7)": 1}, **settings)[2]
    assert "not reproduced" in render.page(counted) and "another teacher" not in render.page(counted)


def test_a_printed_table_has_what_was_measured_beside_it(write, paper):
    ledger = write(paper)
    found = render.printed_table(ledger, "paper/table2", {"parameters(tinyfer_lite, 7)": 932_202, ACCURACY: 0.664})
    assert found.columns.tolist() == ["params", "params here", "accuracy", "accuracy here"]
    assert found.index.name == "printed row", "and no row of the data, whose fingerprint a table of images has"
    assert found.loc["ours"].tolist() == ["932K", 932.202e3, "66.00", pytest.approx(66.4)]
    assert found.loc["theirs", "accuracy"] == "70" and pd.isna(found.loc["theirs", "accuracy here"])
    assert pd.isna(found.loc["nameless", "params"])
    assert render.printed_table(ledger, "paper/table1", {}).columns.tolist() == ["train", "test"]


def test_contradictions_show_both_sides(judged, paper):
    _, findings, _ = judged(paper + '  - {id: b, says: thrice, claim: text.fewer, from: "3", source: "a book"}\n')
    (found,) = render.contradictions(findings).to_dict("records")
    assert found == {
        "paper": "paper",
        "what": "thrice",
        "claims": "text.fewer",
        "printed": "2 times",
        "against": "3",
        "source": "a book",
    }
    assert len(render.contradictions(findings, of=["paper/text.fewer"])) == 1
    assert render.contradictions(findings, of=["paper/text.speed"]).empty


def test_a_grouped_table_is_escaped_and_has_a_heading_for_each_paper():
    frame = pd.DataFrame({"paper": ["a", "a", "<b>"], "claimed": ["1 & 2", "3", "4"]})
    text = render.grouped(frame, {"a": {"title": "A & B"}, "<b>": {"title": "<i>"}})
    assert text.count("<tr>") == 1 + 2 + 3 and "<b>&lt;b&gt;</b>: &lt;i&gt;" in text and "1 &amp; 2" in text
    assert "<b>a</b>: A &amp; B" in text and "<i>" not in text
    assert cells(text) == [["claimed"], ["a: A & B"], ["1 & 2"], ["3"], ["<b>: <i>"], ["4"]]  # in the order of the rows
    assert text.endswith("</tr></tbody></table></div>")


def test_what_rests_on_an_assumption_stands_apart(judged, paper):
    doubtful = '  - {id: b, says: thrice, assumes: "three", claim: text.fewer, from: "3"}\n'
    _, findings, table = judged(paper + doubtful)
    assert render.contradictions(findings).empty
    (found,) = render.contradictions(findings, assuming=True).to_dict("records")
    assert (found["what"], found["assuming"]) == ("thrice", "three")
    assert "<br><small>assuming: three</small>" in render.both_sides(render.contradictions(findings, assuming=True))
    assert table.set_index("id").loc["paper/text.fewer", "verdict"] == "exact"  # by the other check


def test_one_reading_of_several_stands_there_too_and_all_readings_among_the_contradictions(judged, paper):
    other = paper + '  - {id: b, says: thrice, reads: one way, claim: text.fewer, from: "3"}\n'
    open_ = judged(other + '  - {id: c, says: twice, reads: another, claim: text.fewer, from: "2"}\n')
    assert render.contradictions(open_[1]).empty
    assert render.contradictions(open_[1], assuming=True)["assuming"].tolist() == ["one way"]
    wrong = judged(other + '  - {id: c, says: four, reads: another, claim: text.fewer, from: "4"}\n')
    assert render.contradictions(wrong[1])["what"].tolist() == ["thrice", "four"]
    assert render.contradictions(wrong[1], assuming=True).empty


def test_what_is_to_be_said_of_a_verdict_stands_beside_it(judged, paper):
    _, _, table = judged(paper + '  - {id: b, says: x, claim: text.speed, from: "3", source: "<b>"}\n')
    cell = '<td data-verdict="inconsistent">inconsistent<br><small>the paper against &lt;b&gt;</small></td>'
    assert cell in render.page(table)
    row = {"measurement": ACCURACY, "value": 0.66, "low": 0.65, "high": 0.7, "seeds": 3}
    ledger, _, table = judged(paper, row)
    (how,) = render.headline(ledger, table, NOTHING)["how"]
    assert how == "as the paper, 3 seeds; 95 % interval 65 to 70 reaches beyond the tolerance, 64.5 to 67.5"


def test_both_sides_as_a_page_are_escaped_and_say_what_a_check_says_once(judged, paper):
    wrong = (
        """  - {id: b, says: "<i>as many</i>", claim: [text.fewer, text.speed], from: "[3, 9.5]", source: "A & B"}\n"""
    )
    wrong += "  - {id: c, says: alike, same: [table1.sad.train, table1.sad.test]}\n"
    _, findings, _ = judged(paper + wrong + "  - {id: d, says: a few, claim: [text.speed, text.rate], from: '1'}\n")
    text = render.both_sides(render.contradictions(findings), "sides")
    assert cells(text) == [
        ["what should hold", "claim", "printed", "against"],
        ["<i>as many</i>source: A & B", "text.fewer", "2 times", "3"],  # 9.5 to 10.5 holds 9.5
        ["alike", "table1.sad.train, table1.sad.test", "40 (Table 1)", "20 (Table 1)"],
        ["a few", "text.speed", "10 fps", "1"],
        ["text.rate", "0.001 setting", "1"],
    ]
    assert text.count("<td rowspan") == 3 and '<td rowspan="2">a few</td>' in text and "<h3>paper</h3>" in text
    assert "<i>" not in text and "<small>source: A &amp; B</small>" in text
    assert '<div id="sides" class="claims">' in text and text.endswith("</tr>\n</tbody></table></div>")


def test_what_is_folded_has_a_name_that_opens_it():
    assert render.folded("A & B", "<p>1</p>") == "<details><summary>A &amp; B</summary><p>1</p></details>"


def test_the_page_holds_every_claim_and_escapes_it(judged, paper):
    nasty = paper.replace("about: learning rate", 'about: "</table><script>alert(1)</script> & <b>"')
    ledger, _, table = judged(nasty)
    text = render.page(table)
    assert len(re.findall("<tr>", text)) == len(ledger.claims) + 1
    assert "<script>alert" not in text and "&gt;&lt;script&gt;alert(1)" in text and "&amp; &lt;b&gt;" in text
    assert text.count("<script>") == 1
    assert "8.0K parameters" in text and ">test accuracy, theirs, params (cited [3])<" in text
    assert '<div id="ledger" class="claims ledger">' in text and text.count("</tr>\n") == len(ledger.claims)
    assert not re.search(r"src=|https?:", text)


def test_a_verdict_links_to_its_evidence(judged, paper):
    _, _, table = judged(paper, **{"parameters(tinyfer_lite, 7)": 932202})
    text = render.page(table, "../../")
    path = table.set_index("id").loc["paper/table2.ours.params", "evidence"]
    assert re.findall('<a href="(.*?)">', text) == [f"../../{path}"]
    head, *rows = cells(text)
    assert head == list(render.COLUMNS.values())
    row = ["paper/table2.ours.params", "Table II", "test accuracy, ours, params", "932K parameters", "932,202", "exact"]
    assert [*row, path] in rows
    assert ["paper/best", "section 2", "the best of Table II", "", "", "not run", ""] in rows
    assert "<td>paper/<wbr>table2.<wbr>ours.<wbr>params</td>" in text  # where a line may break


def test_what_is_counted_is_shown_in_full_however_it_is_printed(judged, paper):
    _, _, table = judged(paper.replace("[932, 66.00]", "[932.0, 66.00]"), **{"parameters(tinyfer_lite, 7)": 932202})
    row = next(row for row in cells(render.page(table)) if row[0] == "paper/table2.ours.params")
    assert row[3:6] == ["932.0K parameters", "932,202", "not reproduced"]


@pytest.mark.parametrize(
    ("unit", "shown"),
    [("fps", "10 fps"), ("percent", "10 %"), ("times", "10×"), ("fraction", "10"), ("count", "10"), ("setting", "10")],
)
def test_a_number_has_its_unit(judged, paper, unit, shown):
    _, _, table = judged(paper.replace("unit: fps", f"unit: {unit}"))
    assert ["paper/text.speed", shown] in [[row[0], row[3]] for row in cells(render.page(table))]


def test_a_setting_links_to_the_file_that_it_stands_in(judged, paper):
    _, _, table = judged(paper)
    text = render.page(table.assign(evidence="params/paper/09_x.yaml"))
    assert set(re.findall('<a href="(.*?)">', text)) == {"params/paper/09_x.yaml"}


def test_the_ledger_says_what_is_near_and_what_a_verdict_takes(judged, paper):
    _, _, table = judged(paper)
    near = {"paper/abstract.accuracy": ("67.5 %", "", "<b>", "two views")}
    text = render.page(table, near=near, ways={"paper/abstract.accuracy": ("way-1", "3 & 4 h")})
    row = next(line for line in text.splitlines() if "abstract" in line)
    assert "<small>nearest: 67.5 %, &lt;b&gt;; two views</small>" in row
    assert row.count("<a ") == 1 and '<a href="#way-1">3 &amp; 4 h</a>' in row
    said = ["66.00 %", "nearest: 67.5 %, <b>; two views", "needs data3 & 4 h", ""]
    assert ["paper/abstract.accuracy", "Abstract", "accuracy", *said] in cells(text)
    assert '<td data-verdict="needs data">needs data<br>' in row


def test_the_ledger_can_be_searched_and_filtered_with_a_label_for_each_field(judged, paper):
    text = render.page(judged(paper)[2])
    assert len(re.findall("<label>", text)) == 3 and text.count("<select") == 2
    fields = re.findall(r'<label>(\w+) <select data-column="(\d)">(.*?)</select></label> ', text)
    columns = list(render.COLUMNS)
    assert [(name, columns[int(column)]) for name, column, _ in fields] == [("paper", "id"), ("verdict", "verdict")]
    papers, verdicts = (re.findall("<option.*?>(.*?)</option>", options) for *_, options in fields)
    assert papers == ["all", "paper"] and set(verdicts[1:]) <= set(claims.VERDICTS)
    assert "cell.dataset.verdict === field.value" in text
    assert "aria-label" in text and 'scope="col"' in text


def test_a_filter_finds_verdicts_with_what_they_rest_on_too(judged, paper):
    """A cell says more than the verdict, such as what a training was other in; what is chosen is the verdict."""
    settings = {"profile": "laptop", "reserved": "random weights"}
    table = judged(paper, **{ACCURACY: 0.5}, **settings)[2]
    text = render.page(table, ways={"paper/abstract.accuracy": ("way-1", "3 h")})
    assert '<td data-verdict="not reproduced">not reproduced, with random weights' in text
    assert Counter(re.findall('<td data-verdict="(.*?)">', text)) == Counter(table["verdict"])


def test_an_assumption_makes_no_number_exact(judged, paper):
    assumed = paper.replace("{id: twice, says", '{id: twice, assumes: "two", says')
    _, _, table = judged(assumed)
    assert table.set_index("id").loc["paper/text.fewer", "verdict"] == "not run"


def test_macros_are_latex_where_a_claim_is_about_or_a_bound(judged, paper, tmp_path):
    for text, latex in (("~66", r"$\sim$66"), (">60", "$>$60"), ("<70", "$<$70")):
        about = paper.replace("where: Abstract, value: 66.00", f'where: Abstract, value: "{text}"')
        _, _, table = judged(about, **{ACCURACY: 0.66})
        found = render.macros(table, tmp_path / "claims.tex").read_text(encoding="utf-8")
        assert f"\\fercore@set{{claimed}}{{paper/abstract.accuracy}}{{{latex}}}" in found


def test_macros_quote_what_was_measured_and_nothing_else(judged, paper, tmp_path):
    _, _, table = judged(paper, **{ACCURACY: 0.66417, "parameters(tinyfer_lite, 7)": 932202})
    text = render.macros(table, tmp_path / "claims.tex").read_text(encoding="utf-8")
    found = dict(re.findall(r"^\\fercore@set{measured}{(.*)}{(.*)}$", text, flags=re.M))
    assert found == {
        "paper/abstract.accuracy": "66.42",
        "paper/table2.ours.accuracy": "66.42",
        "paper/table2.ours.params": "932,202",
    }
    assert r"\fercore@set{claimed}{paper/table2.ours.params}{932K}" in text
    assert r"\fercore@set{verdict}{paper/table2.ours.params}{exact}" in text
    assert text.startswith(render.MACROS) and text.endswith("}\n\\makeatother\n")


@pytest.mark.parametrize(
    ("value", "unit", "found", "shown"),
    [
        ("1e-4", "setting", {"value": 0.0001}, "1e-4"),
        ("1e-4", "setting", {"value": 0.00025}, "2.5e-4"),
        ("0.0001", "setting", {"value": 0.0001}, "0.0001"),
        ("0.90", "setting", {"value": 0.9}, "0.90"),
        ("0.9", "setting", {"value": 0.95}, "0.95"),
        ("1.0", "setting", {"value": 1.0}, "1.0"),
        ("20", "percent", {"value": 0.2}, "20"),
        ("0.30..3.30", "setting", {"value": 1.8, "low": 0.3, "high": 3.3}, "0.30..3.30"),
        ("0.85..1.00", "setting", {"value": 0.95, "low": 0.9, "high": 1.0}, "0.90..1.00"),
    ],
)
def test_a_setting_is_shown_as_it_is_and_never_rounded_away(judged, paper, tmp_path, value, unit, found, shown):
    own = f"value: {value}, unit: {unit}, about: learning rate, measurement: 'setting(09_x, rate)'"
    table = judged(
        paper.replace("value: 0.001, unit: setting, about: learning rate", own),
        {"measurement": "setting(09_x, rate)", **found},
    )[2]
    row = next(row for row in cells(render.page(table)) if row[0] == "paper/text.rate")
    assert row[4] == shown
    macros = render.macros(table, tmp_path / "claims.tex").read_text(encoding="utf-8")
    assert f"\\fercore@set{{measured}}{{paper/text.rate}}{{{shown}}}" in macros


@pytest.mark.parametrize(
    ("text", "shown"), [("5.3M", "5,288,548"), (">0.39G", "5,288,548"), ("5,288,548", "5,288,548")]
)
def test_multiply_adds_are_shown_in_full(judged, paper, text, shown):
    own = f"value: '{text}', unit: macs, about: work, measurement: 'macs(tinyfer_lite, 7, 3x64x64)'"
    own = paper.replace("value: 0.001, unit: setting, about: learning rate", own)
    table = judged(own, **{"macs(tinyfer_lite, 7, 3x64x64)": 5288548})[2]
    assert next(row for row in cells(render.page(table)) if row[0] == "paper/text.rate")[4] == shown


def test_a_range_that_is_measured_has_as_many_decimals_as_its_ends(judged, paper):
    table = judged(paper.replace("value: 66.00", "value: 8..9.5"), {"measurement": ACCURACY, "value": 0.08512})[2]
    assert next(row for row in cells(render.page(table)) if row[0] == "paper/abstract.accuracy")[4] == "8.5"


def test_of_an_equation_the_largest_difference_is_shown(judged, paper, tmp_path):
    row = {"measurement": "equation(paper, 1)", "value": 0.3173}
    table = judged(paper, row)[2]
    assert next(row for row in cells(render.page(table)) if row[0] == "paper/eq1")[3:5] == [
        "",
        "largest difference 0.32",
    ]
    macros = render.macros(table, tmp_path / "claims.tex").read_text(encoding="utf-8")
    assert "{measured}{paper/eq1}{0.32}" in macros


def test_nothing_has_the_sign_of_a_number_that_rounds_to_zero(judged, paper):
    table = judged(paper, **{ACCURACY: -0.00001})[2]
    assert next(row for row in cells(render.page(table)) if row[0] == "paper/abstract.accuracy")[4] == "0.00"


@pytest.mark.parametrize(
    ("measured", "claimed", "shown"),
    [(2e-4, "1e-4", "2e-4"), (0.0, "1e-4", "0"), (np.inf, "1e-4", "inf"), (np.inf, "0.5", "inf"), (0.0, "0.5", "0.0")],
)
def test_a_setting_of_nothing_or_of_no_limit_is_shown_as_it_is_written(measured, claimed, shown):
    row = {"measurement": "setting(lean, decay)", "measured": measured, "claimed": claimed, "unit": "", "low": np.nan}
    assert render._number(row, "measured") == shown


def test_written_files_are_the_same_bytes_again(judged, paper, tmp_path):
    _, findings, table = judged(paper, **{ACCURACY: 0.66417})
    texts = []
    for name in "ab":
        render.write(tmp_path / name, table, contradictions=render.contradictions(findings))
        texts.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert texts[0] == texts[1]
    assert set(texts[0]) == {"ledger.csv", "contradictions.csv", "claims.tex"}


def test_the_ledger_is_written_to_ten_digits_over_an_older_one(judged, paper, tmp_path):
    _, _, table = judged(paper, **{ACCURACY: 0.07})  # 7.000000000000001 %
    for _ in range(2):
        render.write(tmp_path / "new/stage", table)
    found = pd.read_csv(tmp_path / "new/stage/ledger.csv", dtype=str).set_index("id")
    assert [found.index.name, *found] == list(table)
    assert found.loc["paper/abstract.accuracy", "measured"] == "7"
    assert b"\r" not in (tmp_path / "new/stage/ledger.csv").read_bytes()
