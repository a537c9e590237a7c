"""The ledger takes tables as they are printed, and refuses every mistake with file and claim."""

import math
import re
from dataclasses import replace

import pytest

from fercore import claims
from fercore.results import measurements


def test_every_printed_cell_is_a_claim(write):
    ledger = write()
    keys = [claim.key for claim in ledger.claims.values()]
    assert keys[:6] == [f"table1.{row}.{column}" for row in ("happy", "sad", "all") for column in ("train", "test")]
    assert keys[6:11] == [
        f"table2.{cell}"
        for cell in ("ours.params", "ours.accuracy", "theirs.params", "theirs.accuracy", "nameless.accuracy")
    ]
    assert keys[11:] == [
        "abstract.accuracy",
        "text.fewer",
        "text.speed",
        "text.faces",
        "text.rate",
        "best",
        "small",
        "eq1",
    ]


def test_a_cell_knows_where_it_stands_and_what_it_is(write):
    claim = write().claims["paper/table2.ours.accuracy"]
    assert (claim.where, claim.row, claim.column) == ("Table II", "ours", "accuracy")
    assert (claim.text, claim.value, claim.unit, claim.cited) == ("66.00", 66.0, "percent", "")
    assert claim.about == "test accuracy, ours, accuracy"
    assert claim.needs == ("fer2013", "imagenet")
    assert claim.measurement == "accuracy(tinyfer_lite, fer2013, PrivateTest)"
    assert claim.allowed == 1.5


def test_a_row_overrides_its_table_and_has_no_measurement_without_a_name(write):
    ledger = write()
    theirs, nameless = (ledger.claims[f"paper/table2.{row}.accuracy"] for row in ("theirs", "nameless"))
    assert (theirs.cited, theirs.needs, theirs.measurement) == ("[3]", ("fer2013", "imagenet", "cited"), "")
    assert nameless.measurement == "" and nameless.tolerance == ""


def test_needs_of_column_and_row_come_together_unless_one_says_nothing(write, paper):
    def needs(column, row):
        table = paper.replace("{unit: percent, needs: [fer2013, imagenet]", f"{{unit: percent, needs: {column}", 1)
        table = table.replace("needs: [fer2013, cited], values", f"needs: {row}, values")
        return write(table).claims["paper/table2.theirs.accuracy"].needs

    assert needs("[imagenet]", "[cited]") == ("imagenet", "cited")
    assert needs("[fer2013, cited]", "[cited]") == ("fer2013", "cited")
    assert needs("nothing", "[cited]") == needs("[imagenet]", "[]") == needs("[imagenet]", "nothing") == ()


def test_scales_count_in_full(write):
    claim = write().claims["paper/table2.ours.params"]
    assert claim.value == 932_000 and claim.text == "932K"
    assert 932_202 in claim.interval and 932_600 not in claim.interval


def test_tolerance_in_percent_of_the_claim(write, paper):
    ledger = write(paper.replace("tolerance: 1.5}", 'tolerance: "25%"}'))
    assert ledger.claims["paper/abstract.accuracy"].allowed == 16.5


def test_an_equation_is_a_claim_without_a_number(write):
    claim = write().claims["paper/eq1"]
    assert (claim.value, claim.interval, claim.measurement) == (None, None, "equation(paper, 1)")


def test_what_is_printed_comes_in_the_unit_of_the_measurement(write, paper):
    ledger = write(paper)
    assert ledger.printed("accuracy(tinyfer_lite, fer2013, PrivateTest)") == pytest.approx(0.66)  # printed as 66.00 %
    assert ledger.printed("parameters(tinyfer_lite, 7)") == 932_000
    assert math.isnan(ledger.printed("accuracy(simple_cnn, fer2013, PrivateTest)"))
    assert ledger.all_printed("parameters") == {"parameters(tinyfer_lite, 7)": 932_000}


def test_patterns_find_claims_in_their_order(write, paper):
    ledger = write(other=paper)
    assert ledger.find("table1.*.train", "paper") == [f"paper/table1.{row}.train" for row in ("happy", "sad", "all")]
    assert ledger.find("table1.@emotions.test", "paper") == ["paper/table1.happy.test", "paper/table1.sad.test"]
    assert ledger.find("other/text.rate", "paper") == ["other/text.rate"]
    with pytest.raises(claims.LedgerError, match=r"did you mean 'text\.rate'"):
        ledger.find("text.rat", "paper")
    with pytest.raises(claims.LedgerError, match="no claim"):
        ledger.find("table1.*", "paper")  # a star is one part, not several


# old text, new text, the claim that is named, what is said
MISTAKES = {
    "unknown key in text": (
        "value: 10, unit: fps",
        "value: 10, unti: fps",
        "text.speed",
        "'unti'; did you mean 'unit'",
    ),
    "unknown key in a row": (
        "name: tinyfer_lite, values",
        "nam: tinyfer_lite, values",
        "table2.ours",
        "unknown key 'nam'",
    ),
    "unknown key at the top": ("headline:", "headlin:", "", "unknown key 'headlin'; did you mean 'headline'"),
    "unknown key in a check": ("says: twice as many,", "say: x,", "twice", "unknown key 'say'"),
    "no unit in text": ("value: 10, unit: fps", "value: 10", "text.speed", "no unit is given"),
    "no unit in a table": ("train: {unit: images, ", "train: {", "table1.happy.train", "no unit is given"),
    "unknown unit": ("unit: fps", "unit: fpd", "text.speed", "no unit 'fpd'; did you mean 'fps'"),
    "id twice": ("id: text.faces", "id: text.speed", "text.speed", "given twice"),
    "check twice": (
        "checks:",
        'checks:\n  - {id: twice, says: x, claim: text.rate, from: "1"}',
        "twice",
        "given twice",
    ),
    "key twice": ("      sad: [40, 20]", "      happy: [40, 20]", "", "'happy' stands twice"),
    "no such measurement": ('"accuracy({name}', '"acuracy({name}', "table2.ours.accuracy", "did you mean 'accuracy'"),
    "no such network": ("name: tinyfer_lite", "name: tinyfer_light", "table2.ours", "did you mean 'tinyfer_lite'"),
    "no such class": ("      sad: [40", "      sadd: [40", "table1.sadd.train", "did you mean 'sad'"),
    "no such data set": (
        '"images(fer2013, Training',
        '"images(fer2014, Training',
        "table1.happy",
        "did you mean 'fer2013'",
    ),
    "too few arguments": (
        '"accuracy({name}, fer2013, PrivateTest)"',
        '"accuracy({name}, fer2013)"',
        "table2.ours",
        "2 arguments",
    ),
    "no tolerance": (
        ", tolerance: 1.5}\n  - {id: text.fewer",
        "}\n  - {id: text.fewer",
        "abstract.accuracy",
        "tolerance is ''",
    ),
    "unit of another kind": (
        "value: 66.00, unit: percent",
        "value: 66.00, unit: ms",
        "abstract.accuracy",
        "ms does not fit",
    ),
    "no such need": ("needs: [jetson_nano]", "needs: [jetson]", "text.speed", "needs 'jetson'"),
    "no number": ("value: 10, unit: fps", "value: ten, unit: fps", "text.speed", "'ten' is not a number"),
    "a value too few": ("sad: [40, 20]", "sad: [40]", "table1.sad", "1 values; the table has 2 columns"),
    "no such scale": ("scale: K", "scale: k", "table2.ours.params", "scale is 'k'"),
    "no where": ("where: section 1, ", "", "text.fewer", "no where is given"),
    "id with capitals": ("id: text.speed", "id: text.Speed", "text.Speed", "lower case"),
    "no such group": ("{table1.all.train}", "{table1.@emotion.train}", "twice", "no group 'emotion'"),
    "a check of two forms": ("says: twice as many,", "says: x, share_of: 3,", "twice", "a check has one of these"),
    "a check of no form": (', from: "{table1.all.train} / {table1.all.test}"', "", "twice", "a check has one of these"),
    "a check of no claim": ("claim: text.fewer", "claim: text.few", "twice", "did you mean 'text.fewer'"),
    "headline of no claim": (
        "[abstract.accuracy]",
        "[abstract.acuracy]",
        "headline",
        "did you mean 'abstract.accuracy'",
    ),
    "a check of a statement's number": ("claim: text.fewer", "claim: best", "twice", "paper/best has no number"),
    "text for a mapping": (
        "{id: text.rate, where",
        "text.rate # {id",
        "text: 5",
        "found 'text.rate'; expected names and values",
    ),
    "a list for text": ("unit: fps", "unit: [fps]", "text.speed: unit", "found ['fps']; expected text"),
    "text for a list": ("happy: [60, 30]", "happy: 60", "happy", "found '60'; expected a list"),
    "a list in a list": ("needs: [jetson_nano]", "needs: [[jetson_nano]]", "text.speed: needs", "expected text"),
    "half a mapping": ("paper: {title: A,", "paper: {", "paper", "no title is given"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_names_file_and_claim(write, paper, name):
    old, new, where, said = MISTAKES[name]
    assert paper.count(old) >= 1
    with pytest.raises(claims.LedgerError) as caught:
        ledger = write(paper.replace(old, new))
        claims.run(ledger, measurements.gather([]))
    text = str(caught.value)
    assert "paper.yaml" in text and where in text and said in text
    assert "\n" not in text


@pytest.mark.parametrize("text", ["paper: [", "- a\n- b\n", "\xff"])
def test_what_is_no_mapping_or_no_yaml_is_refused(tmp_path, text):
    (tmp_path / "paper.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(claims.LedgerError, match=re.escape(str(tmp_path / "paper.yaml"))):
        claims.load(tmp_path, [])


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(claims.LedgerError, match="no claims there"):
        claims.load(tmp_path, [])


def test_no_papers_number_stands_beside_rendered_faces(make_faces, write, paper):
    ledger, faces, name = write(paper), make_faces(), "accuracy(tinyfer_lite, fer2013, PrivateTest)"
    assert faces.synthetic and math.isnan(ledger.beside(faces)(name))
    assert ledger.beside(replace(faces, synthetic=False))(name) == ledger.printed(name) > 0
