"""The ledger for reading: nothing in it can break out of LaTeX, and no number is typed."""

import re

import numpy as np
import pandas as pd
import pytest

from fercore import claims
from fercore.claims import render
from fercore.results import measurements

NOTHING = measurements.every([])
ACCURACY = "accuracy(tinyfer_lite, fer2013, PrivateTest)"


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


def test_one_reading_of_several_stands_there_too_and_all_readings_among_the_contradictions(judged, paper):
    other = paper + '  - {id: b, says: thrice, reads: one way, claim: text.fewer, from: "3"}\n'
    open_ = judged(other + '  - {id: c, says: twice, reads: another, claim: text.fewer, from: "2"}\n')
    assert render.contradictions(open_[1]).empty
    assert render.contradictions(open_[1], assuming=True)["assuming"].tolist() == ["one way"]
    wrong = judged(other + '  - {id: c, says: four, reads: another, claim: text.fewer, from: "4"}\n')
    assert render.contradictions(wrong[1])["what"].tolist() == ["thrice", "four"]
    assert render.contradictions(wrong[1], assuming=True).empty


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


@pytest.mark.parametrize(
    ("value", "unit", "claimed", "shown"),
    [
        (0.5312, "ms", "<1", "0.531"),
        (66.4173, "percent", "<70", "66.4"),
        (932.4, "ms", ">900", "932"),
        (1234.5, "ms", ">900", "1,234"),
        (0.0, "ms", "<1", "0.00"),
        (932202, "parameters", "<1M", "932,202"),
        (66.4173, "percent", "~66", "66"),
    ],
)
def test_what_stands_against_a_bound_has_three_digits_since_a_bound_says_nothing_of_how_exact_it_is(
    value, unit, claimed, shown
):
    row = {"measurement": "latency(x, here)", "measured": value, "claimed": claimed, "unit": unit, "low": np.nan}
    assert render.number(row, "measured") == shown


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


@pytest.mark.parametrize(("profile", "quoted"), [("laptop", ["paper/table2.ours.params"]), ("paper", None)])
def test_macros_quote_no_training_that_is_not_the_papers(judged, paper, tmp_path, profile, quoted):
    values = {ACCURACY: 0.66417, "parameters(tinyfer_lite, 7)": 932202}
    text = render.macros(judged(paper, profile=profile, **values)[2], tmp_path / "claims.tex").read_text(
        encoding="utf-8"
    )
    found = re.findall(r"^\\fercore@set{measured}{(.*?)}", text, flags=re.M)
    assert found == (quoted or ["paper/table2.ours.params", "paper/table2.ours.accuracy", "paper/abstract.accuracy"])


@pytest.mark.parametrize(
    ("measured", "claimed", "shown"),
    [(2e-4, "1e-4", "2e-4"), (0.0, "1e-4", "0"), (np.inf, "1e-4", "inf"), (np.inf, "0.5", "inf"), (0.0, "0.5", "0.0")],
)
def test_a_setting_of_nothing_or_of_no_limit_is_shown_as_it_is_written(measured, claimed, shown):
    row = {"measurement": "setting(lean, decay)", "measured": measured, "claimed": claimed, "unit": "", "low": np.nan}
    assert render.number(row, "measured") == shown


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
