"""The ledger as HTML: nothing in it can break out of the page, and no number is typed."""

import re
from collections import Counter
from html import unescape

import pandas as pd
import pytest

from fercore import claims
from fercore.claims import render
from fercore.reporting import ledger_page
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


def test_what_was_measured_and_decides_nothing_is_called_undecided(judged, paper):
    row = {"measurement": ACCURACY, "value": 0.66, "low": 0.5, "high": 0.9, "seeds": 2}
    ledger, _, table = judged(paper, row)
    (found,) = render.headline(ledger, table, NOTHING).to_dict("records")
    assert (found["measured"], found["verdict"]) == ("66.00 % [50.00, 90.00]", "undecided")
    text = ledger_page.searchable(table)
    assert '<td data-verdict="not run">undecided<br><small>not decided by' in text, "found under the ledger's own name"
    assert '<td data-verdict="not run">not run</td>' in text, "what nobody has looked at"
    assert table.set_index("id")["verdict"]["paper/abstract.accuracy"] == "not run"


def test_a_verdict_says_what_the_training_was_other_in(judged, paper):
    settings = {"profile": "laptop", "reserved": "another teacher: 20 of 80 epochs"}
    ledger, _, table = judged(paper, **{ACCURACY: 0.5}, **settings)
    said = "not reproduced, with another teacher: 20 of 80 epochs"
    shown = render.headline(ledger, table, NOTHING)
    assert shown["verdict"].tolist() == [said] and said in ledger_page.searchable(table)
    assert shown["how"].tolist() == ["as the paper, but for what the verdict names"]
    near = judged(paper, **{ACCURACY: 0.66}, **settings)[:3:2]
    assert render.headline(*near, NOTHING)["verdict"].tolist() == [said.removeprefix("not ")]
    contradiction = "  - {id: same, says: x, same: [abstract.accuracy, table2.theirs.accuracy]}\n"
    ledger, _, table = judged(paper + contradiction, **{ACCURACY: 0.5}, **settings)
    assert render.headline(ledger, table, NOTHING)["verdict"].tolist() == ["inconsistent"]
    counted = judged(paper, **{"parameters(tinyfer_lite, 7)": 1}, **settings)[2]
    assert "not reproduced" in ledger_page.searchable(counted) and "another teacher" not in ledger_page.searchable(
        counted
    )


def test_a_grouped_table_is_escaped_and_has_a_heading_for_each_paper():
    frame = pd.DataFrame({"paper": ["a", "a", "<b>"], "claimed": ["1 & 2", "3", "4"]})
    text = ledger_page.grouped(frame, {"a": {"title": "A & B"}, "<b>": {"title": "<i>"}})
    assert text.count("<tr>") == 1 + 2 + 3 and "<b>&lt;b&gt;</b>: &lt;i&gt;" in text and "1 &amp; 2" in text
    assert "<b>a</b>: A &amp; B" in text and "<i>" not in text
    assert cells(text) == [["claimed"], ["a: A & B"], ["1 & 2"], ["3"], ["<b>: <i>"], ["4"]]  # in the order of the rows
    assert text.endswith("</tr>\n</tbody></table></div>")
    bodies = re.findall("<tbody>(.*?)</tbody>", text, flags=re.S)
    assert [body.count("<tr>") for body in bodies] == [3, 2], "a body a paper, so that its title heads its rows alone"
    assert all(body.count('<th colspan="1" scope="rowgroup">') == 1 for body in bodies)


def test_every_heading_of_a_table_says_what_it_heads(judged, paper):
    wrong = paper + "  - {id: b, says: x, claim: text.speed, from: '3'}\n"
    _, findings, table = judged(wrong)
    frame = pd.DataFrame({"paper": ["a"], "claimed": ["1"]})
    sides = ledger_page.both_sides(render.contradictions(findings))
    for text in (ledger_page.grouped(frame, {"a": {"title": "A"}}), sides, ledger_page.searchable(table)):
        assert "<th" in text and all("scope=" in head for head in re.findall("<th[ >][^>]*", text))


def test_what_rests_on_an_assumption_stands_apart(judged, paper):
    doubtful = '  - {id: b, says: thrice, assumes: "three", claim: text.fewer, from: "3"}\n'
    _, findings, table = judged(paper + doubtful)
    assert render.contradictions(findings).empty
    (found,) = render.contradictions(findings, assuming=True).to_dict("records")
    assert (found["what"], found["assuming"]) == ("thrice", "three")
    assert "<br><small>assuming: three</small>" in ledger_page.both_sides(
        render.contradictions(findings, assuming=True)
    )
    assert table.set_index("id").loc["paper/text.fewer", "verdict"] == "exact"  # by the other check


def test_what_is_to_be_said_of_a_verdict_stands_beside_it(judged, paper):
    _, _, table = judged(paper + '  - {id: b, says: x, claim: text.speed, from: "3", source: "<b>"}\n')
    cell = '<td data-verdict="inconsistent">inconsistent<br><small>the paper against &lt;b&gt;</small></td>'
    assert cell in ledger_page.searchable(table)
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
    text = ledger_page.both_sides(render.contradictions(findings), "sides")
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


def test_the_page_holds_every_claim_and_escapes_it(judged, paper):
    nasty = paper.replace("about: learning rate", 'about: "</table><script>alert(1)</script> & <b>"')
    ledger, _, table = judged(nasty)
    text = ledger_page.searchable(table)
    assert len(re.findall("<tr>", text)) == len(ledger.claims) + 1
    assert "<script>alert" not in text and "&gt;&lt;script&gt;alert(1)" in text and "&amp; &lt;b&gt;" in text
    assert text.count("<script>") == 1
    assert "8.0K parameters" in text and ">test accuracy, theirs, params (cited [3])<" in text
    assert '<div id="ledger" class="claims ledger">' in text and text.count("</tr>\n") == len(ledger.claims)
    assert not re.search(r"src=|https?:", text)


def test_a_verdict_links_to_its_evidence(judged, paper):
    _, _, table = judged(paper, **{"parameters(tinyfer_lite, 7)": 932202})
    text = ledger_page.searchable(table, "../../")
    path = table.set_index("id").loc["paper/table2.ours.params", "evidence"]
    assert re.findall('<a href="(.*?)">', text) == [f"../../{path}"]
    head, *rows = cells(text)
    assert head == list(ledger_page.COLUMNS.values())
    row = ["paper/table2.ours.params", "Table II", "test accuracy, ours, params", "932K parameters", "932,202", "exact"]
    assert [*row, path] in rows
    assert ["paper/best", "section 2", "the best of Table II", "", "", "not run", ""] in rows
    assert "<td>paper/<wbr>table2.<wbr>ours.<wbr>params</td>" in text  # where a line may break


def test_what_is_counted_is_shown_in_full_however_it_is_printed(judged, paper):
    _, _, table = judged(paper.replace("[932, 66.00]", "[932.0, 66.00]"), **{"parameters(tinyfer_lite, 7)": 932202})
    row = next(row for row in cells(ledger_page.searchable(table)) if row[0] == "paper/table2.ours.params")
    assert row[3:6] == ["932.0K parameters", "932,202", "not reproduced"]


@pytest.mark.parametrize(
    ("unit", "shown"),
    [("fps", "10 fps"), ("percent", "10 %"), ("times", "10×"), ("fraction", "10"), ("count", "10"), ("setting", "10")],
)
def test_a_number_has_its_unit(judged, paper, unit, shown):
    _, _, table = judged(paper.replace("unit: fps", f"unit: {unit}"))
    assert ["paper/text.speed", shown] in [[row[0], row[3]] for row in cells(ledger_page.searchable(table))]


def test_a_setting_links_to_the_file_that_it_stands_in(judged, paper):
    _, _, table = judged(paper)
    text = ledger_page.searchable(table.assign(evidence="params/paper/09_x.yaml"))
    assert set(re.findall('<a href="(.*?)">', text)) == {"params/paper/09_x.yaml"}


def test_the_ledger_says_what_is_near_and_what_a_verdict_takes(judged, paper):
    _, _, table = judged(paper)
    near = {"paper/abstract.accuracy": ("67.5 %", "", "<b>", "two views")}
    text = ledger_page.searchable(table, near=near, ways={"paper/abstract.accuracy": ("way-1", "3 & 4 h")})
    row = next(line for line in text.splitlines() if "abstract" in line)
    assert "<small>nearest: 67.5 %, &lt;b&gt;; two views</small>" in row
    assert row.count("<a ") == 1 and '<a href="#way-1">3 &amp; 4 h</a>' in row
    said = ["66.00 %", "nearest: 67.5 %, <b>; two views", "needs data3 & 4 h", ""]
    assert ["paper/abstract.accuracy", "Abstract", "accuracy", *said] in cells(text)
    assert '<td data-verdict="needs data">needs data<br>' in row


@pytest.mark.parametrize(("profile", "shown"), [("laptop", ""), ("paper", "50.00")])
def test_a_training_that_is_not_the_papers_does_not_stand_as_measured(judged, paper, profile, shown):
    text = ledger_page.searchable(judged(paper, profile=profile, **{ACCURACY: 0.5})[2])
    assert next(row for row in cells(text) if row[0] == "paper/abstract.accuracy")[4] == shown


def test_the_ledger_can_be_searched_and_filtered_with_a_label_for_each_field(judged, paper):
    text = ledger_page.searchable(judged(paper)[2])
    assert len(re.findall("<label>", text)) == 3 and text.count("<select") == 2
    fields = re.findall(r'<label>(\w+) <select data-column="(\d)">(.*?)</select></label> ', text)
    columns = list(ledger_page.COLUMNS)
    assert [(name, columns[int(column)]) for name, column, _ in fields] == [("paper", "id"), ("verdict", "verdict")]
    papers, verdicts = (re.findall("<option.*?>(.*?)</option>", options) for *_, options in fields)
    assert papers == ["all", "paper"] and set(verdicts[1:]) <= set(claims.VERDICTS)
    assert "cell.dataset.verdict === field.value" in text
    assert 'getElementById("ledger")' in text and f"let first = {ledger_page.FIRST};" in text
    assert "aria-label" in text and 'scope="col"' in text


def test_a_filter_finds_verdicts_with_what_they_rest_on_too(judged, paper):
    """A cell says more than the verdict, such as what a training was other in; what is chosen is the verdict."""
    settings = {"profile": "laptop", "reserved": "random weights"}
    table = judged(paper, **{ACCURACY: 0.5}, **settings)[2]
    text = ledger_page.searchable(table, ways={"paper/abstract.accuracy": ("way-1", "3 h")})
    assert '<td data-verdict="not reproduced">not reproduced, with random weights' in text
    assert Counter(re.findall('<td data-verdict="(.*?)">', text)) == Counter(table["verdict"])


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
    row = next(row for row in cells(ledger_page.searchable(table)) if row[0] == "paper/text.rate")
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
    assert next(row for row in cells(ledger_page.searchable(table)) if row[0] == "paper/text.rate")[4] == shown


def test_a_range_that_is_measured_has_as_many_decimals_as_its_ends(judged, paper):
    table = judged(paper.replace("value: 66.00", "value: 8..9.5"), {"measurement": ACCURACY, "value": 0.08512})[2]
    assert next(row for row in cells(ledger_page.searchable(table)) if row[0] == "paper/abstract.accuracy")[4] == "8.5"


def test_of_an_equation_the_largest_difference_is_shown(judged, paper, tmp_path):
    row = {"measurement": "equation(paper, 1)", "value": 0.3173}
    table = judged(paper, row)[2]
    assert next(row for row in cells(ledger_page.searchable(table)) if row[0] == "paper/eq1")[3:5] == [
        "",
        "largest difference 0.32",
    ]
    macros = render.macros(table, tmp_path / "claims.tex").read_text(encoding="utf-8")
    assert "{measured}{paper/eq1}{0.32}" in macros


def test_nothing_has_the_sign_of_a_number_that_rounds_to_zero(judged, paper):
    table = judged(paper, **{ACCURACY: -0.00001})[2]
    assert next(row for row in cells(ledger_page.searchable(table)) if row[0] == "paper/abstract.accuracy")[4] == "0.00"
