"""The ledger takes tables as they are printed, and refuses every mistake with file and claim."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from fercore import claims
from fercore.results import measurements

PARAMS = Path(__file__).parents[2] / "params"


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
    assert (claim.paper, claim.where, claim.row, claim.column) == ("paper", "Table II", "ours", "accuracy")
    assert (claim.text, claim.value, claim.unit, claim.cited) == ("66.00", 66.0, "percent", "")
    assert claim.about == "test accuracy, ours, accuracy"
    assert claim.needs == ("fer2013", "imagenet")
    assert claim.measurement == "accuracy(tinyfer_lite, fer2013, PrivateTest)"
    assert claim.allowed == 1.5
    told = write().claims["paper/text.speed"]
    assert (told.row, told.column, told.tolerance) == ("", "", "")


def test_a_table_says_what_its_columns_do_not_and_a_column_what_it_is_about(write, paper):
    paper = paper.replace("    about: counts\n", "    needs: [fer2013]\n", 1)
    claim = write(paper.replace("train: {unit: images,", "train: {unit: images, about: training_images,")).claims
    assert claim["paper/table1.sad.train"].about == "sad, training images"
    assert claim["paper/table1.sad.test"].about == "sad, test"
    assert claim["paper/table1.sad.test"].needs == ("fer2013",)


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
    assert needs("imagenet", "cited") == ("imagenet", "cited")  # one need is a list too
    for told, found in (("imagenet", ("imagenet",)), ("nothing", ())):
        ledger = write(paper.replace("needs: [jetson_nano]", f"needs: {told}"))
        assert ledger.claims["paper/text.speed"].needs == found


def test_scales_count_in_full(write):
    claim = write().claims["paper/table2.ours.params"]
    assert claim.value == 932_000 and claim.text == "932K" and claim.tolerance == ""  # it is counted
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
    assert ledger.all_printed("equation") == {}


def test_the_ledger_knows_its_papers_their_headlines_and_their_checks(write, paper):
    ledger = write(paper.replace("[abstract.accuracy]", "[abstract.accuracy, text.fewer]", 1), other=paper)
    assert ledger.headline == ("other/abstract.accuracy", "paper/abstract.accuracy", "paper/text.fewer")
    assert ledger.papers["paper"]["title"] == "A" and ledger.networks == ("tinyfer_lite", "simple_cnn")
    right = "{table1.all.train} / {table1.all.test}"
    assert ledger.checks[1] == claims.Check("twice", "paper", "twice as many", "from", ("paper/text.fewer",), right)


def test_every_paper_of_the_project_has_a_headline():
    """The report is about what papers are known for; one without a headline would be left out without a word."""
    ledger = claims.load(PARAMS / "claims", claims.networks(PARAMS / "paper/networks.yaml"))
    lacking = set(ledger.papers) - {key.partition("/")[0] for key in ledger.headline}
    assert not lacking, f"no headline in params/claims of {', '.join(sorted(lacking))}"


def test_a_section_that_is_empty_or_missing_holds_nothing(write, paper):
    head = paper[: paper.index("headline:")]
    for text in (head, f"{head}checks:\ntext:\nheadline:\ngroups:\ntables:\n"):
        ledger = write(text)
        assert (ledger.claims, ledger.checks, ledger.headline) == ({}, (), ())


def test_networks_that_are_counted(write, tmp_path, monkeypatch):
    """By default those of params/paper, with the number of classes as a number."""
    write()
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "params/paper/networks.yaml"
    path.parent.mkdir(parents=True)
    entry = "- {network: tinyfer_lite, classes: 7, input: 3x224x224}\n"
    path.write_text(entry)
    assert claims.networks() == [{"network": "tinyfer_lite", "classes": 7, "input": "3x224x224"}]
    assert claims.load(tmp_path).networks == ("tinyfer_lite",)
    for wrong, said in (
        (entry.replace("input", "inptu"), "unknown key 'inptu'; did you mean 'input'"),
        (entry.replace(", classes: 7", ""), "no classes is given"),
        (entry.replace(", input: 3x224x224", ""), "no input is given"),
        (entry.replace("network: tinyfer_lite, ", ""), "no network is given"),
        (entry[2:], "expected a list"),
        ("- [tinyfer_lite]\n", "expected names and values"),
        ("- {network: [tinyfer_lite], classes: 7, input: 3x224x224}\n", "expected text"),
    ):
        path.write_text(wrong)
        with pytest.raises(claims.LedgerError, match=rf"networks\.yaml: .*{said}"):
            claims.networks(path)


def test_patterns_find_claims_in_their_order(write, paper):
    ledger = write(other=paper)
    assert ledger.find("table1.*.train", "paper") == [f"paper/table1.{row}.train" for row in ("happy", "sad", "all")]
    assert ledger.find("table1.@emotions.test", "paper") == ["paper/table1.happy.test", "paper/table1.sad.test"]
    assert ledger.find("other/text.rate", "paper") == ["other/text.rate"]
    with pytest.raises(claims.LedgerError, match=r"did you mean 'text\.rate'"):
        ledger.find("text.rat", "paper")
    with pytest.raises(claims.LedgerError, match="no claim"):
        ledger.find("table1.*", "paper")  # a star is one part, not several
    with pytest.raises(claims.LedgerError, match="no group 'emotions'; there are none"):
        ledger.find("third/table1.@emotions.test", "paper")
    with pytest.raises(claims.LedgerError, match="no group 'emotions'; there are none"):
        write(paper.replace("groups: {emotions: [happy, sad]}", "")).find("table1.@emotions.test", "paper")


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
    "no such network": (
        "name: tinyfer_lite",
        "name: tinyfer_light",
        "table2.ours",
        "no network 'tinyfer_light' in params/paper/networks.yaml; did you mean 'tinyfer_lite'",
    ),
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
    "no such group": (
        "{table1.all.train}",
        "{table1.@emotion.train}",
        "twice",
        "no group 'emotion'; there are emotions",
    ),
    "a check of two forms": (
        "says: twice as many,",
        "says: x, share_of: 3,",
        "twice",
        "a check has one of these: same, claim and from, claim and share_of, claim and measured, judged and holds",
    ),
    "an assumption that is a reading": (
        "says: twice as many,",
        "says: x, assumes: much, reads: one way,",
        "twice",
        "a check assumes something or reads a claim in one of several ways, not both",
    ),
    "measured without a measurement": (
        'from: "{table1.all.train} / {table1.all.test}"',
        "measured: true",
        "twice",
        "paper/text.fewer has no measurement",
    ),
    "no such paper": (
        "about: learning rate}",
        'about: learning rate, measurement: "equation(papre, 1)"}',
        "text.rate",
        "no paper 'papre'; did you mean 'paper'",
    ),
    "unknown key in a table": ("    about: counts", "    abuot: counts", "table1", "unknown key 'abuot'"),
    "unknown key in a column": ("train: {unit:", "train: {unti:", "table1: column train", "unknown key 'unti'"),
    "no where of a table": ("    where: Table 1\n", "", "table1", "no where is given"),
    "no values": (", values: [8.0, 70]", "", "table2.theirs", "no values is given"),
    "no paper": ('paper: {title: A, authors: B, year: 2026, source: "doi:1"}', "", "", "no paper is given"),
    "no id in text": ("{id: text.rate, where", "{where", "an entry without id", "no id is given"),
    "no id of a statement": ("{id: small, where", "{where", "a statement without id", "no id is given"),
    "no id of an equation": ("{id: eq1, where", "{where", "an equation without id", "no id is given"),
    "no id of a check": ("{id: twice, says", "{says", "a check without id", "no id is given"),
    "no about": (", about: smaller than a megabyte", "", "small", "no about is given"),
    "no about of an equation": (", about: the softmax", "", "eq1", "no about is given"),
    "nothing that a check says": ("says: twice as many, ", "", "twice", "no says is given"),
    "unknown key in a statement": ("{id: small, where", "{id: small, value: 3, where", "small", "unknown key 'value'"),
    "unknown key in an equation": ("{id: eq1, where", "{id: eq1, unit: ms, where", "eq1", "unknown key 'unit'"),
    "a name that no row gives": ('"parameters({name}, 7)"', '"parameters({net}, 7)"', "table2", "no row gives {net}"),
    "a need of no name": (
        "needs: [jetson_nano]}",
        "needs: [jetson_orin]}",
        "speed",
        "goes into fercore/results/measure",
    ),
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


def test_no_papers_number_stands_beside_rendered_faces_or_those_of_another_set(make_faces, write, paper):
    ledger, faces, name = write(paper), make_faces(), "accuracy(tinyfer_lite, fer2013, PrivateTest)"
    assert faces.synthetic and math.isnan(ledger.beside(faces)(name))
    assert ledger.beside(replace(faces, synthetic=False, name="fer2013"))(name) == ledger.printed(name) > 0
    assert math.isnan(ledger.beside(replace(faces, synthetic=False, name="rafdb"))(name))
    assert math.isnan(ledger.beside(replace(faces, name="fer2013"))(name))  # rendered, by whatever name


def test_a_share_of_a_loss_is_tolerated_on_both_sides(write, paper):
    name = "gain(tinyfer_lite, simple_cnn, fer2013, PublicTest)"
    loss = (
        f'  - {{id: loss, where: x, value: "-0.6", unit: points, about: x, measurement: "{name}", tolerance: "10%"}}\n'
    )
    claim = write(paper.replace("statements:", f"{loss}statements:", 1)).claims["paper/loss"]
    assert claim.allowed == pytest.approx(0.06) and claim.tolerated == pytest.approx((-0.66, -0.54))


def test_a_range_is_met_by_any_interval_that_overlaps_it(write, paper):
    text = "  - {id: range, where: x, value: 8..9, unit: times, about: x}\n"
    claim = write(paper.replace("statements:", f"{text}statements:", 1)).claims["paper/range"]
    assert (
        claim.printed_meets(8.8, 10)
        and claim.printed_meets(8.3, 8.7)
        and claim.printed_meets(7, 8.1)
        and not claim.printed_meets(9.1, 10)
    )


def test_an_equation_has_no_printed_number(write, paper):
    ledger = write(paper)
    (name,) = {one.measurement for one in ledger.claims.values() if one.measurement.startswith("equation(")}
    assert math.isnan(ledger.printed(name))
