"""Settings that a paper prints are held against params/paper, which is what its profile runs."""

import math
from pathlib import Path

import pytest

from fercore import claims
from fercore.claims import settings
from fercore.results import measurements

ROOT = Path(__file__).parents[2]


@pytest.fixture
def params(tmp_path):
    folder = tmp_path / "params/paper"
    folder.mkdir(parents=True)
    text = "epochs: 80\nloss: focal\naugmentation: tinyfer_lite\nnames: [a, b]\ntemperatures: [2.0, 4.0]\nfull: true\n"
    (folder / "09_x.yaml").write_text(text)
    (folder / "networks.yaml").write_text("- {network: tinyfer_lite}\n")
    return tmp_path / "params"


def test_each_number_that_a_notebook_is_run_with_is_evidence(params):
    found = settings.evidence([], params)
    values = found["value"].to_dict()
    assert values["setting(09_x, epochs)"] == 80 and values["setting(09_x, temperatures.1)"] == 4
    assert values["setting(09_x, gamma)"] == 2  # focal loss, as a recipe has it where nothing else is said
    ends = found.loc["setting(09_x, augmentation.crop_ratio)", ["low", "value", "high"]]
    assert ends.tolist() == [0.9, 1, 1.1]
    assert not [name for name in values if "names" in name or "full" in name or "alpha" in name]
    assert set(found["evidence"]) == {(params / "paper/09_x.yaml").as_posix()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("loss: focal\ngamma: 3.0", {"setting(09_x, gamma)": 3}),
        ("loss: cross_entropy\nepochs: 8", {"setting(09_x, epochs)": 8}),
        ("names: [a]", {}),
    ],
)
def test_what_is_said_goes_before_what_a_recipe_has_and_another_loss_has_no_gamma(params, text, expected):
    (params / "paper/09_x.yaml").write_text(text)
    assert settings.evidence([], params)["value"].to_dict() == expected


def test_parameters_that_are_no_yaml_are_refused(params):
    (params / "paper/09_x.yaml").write_text("epochs: [")
    with pytest.raises(claims.LedgerError, match=r"09_x\.yaml"):
        settings.evidence([], params)


@pytest.mark.parametrize(
    ("printed", "unit", "key", "verdict"),
    [
        ("80", "epochs", "epochs", "as run"),
        ("90", "epochs", "epochs", "not reproduced"),
        ("5", "percent", "augmentation.translation", "as run"),
        ("0.90..1.10", "setting", "augmentation.crop_ratio", "as run"),
        ("0.80..1.20", "setting", "augmentation.crop_ratio", "not reproduced"),  # whose middle is the same
        ("7", "setting", "temperatures.7", "not run"),
    ],
)
def test_a_setting_is_as_run_where_it_is_the_same(write, paper, params, printed, unit, key, verdict):
    claim = f'  - {{id: text.set, where: here, value: "{printed}", unit: {unit}, about: it,\n'
    claim += f'     measurement: "setting(09_x, {key})"}}\nstatements:'
    ledger = write(paper.replace("statements:", claim, 1))
    table = claims.judge(ledger, settings.evidence([], params), []).set_index("id")
    assert table.loc["paper/text.set", "verdict"] == verdict


def test_one_of_two_settings_that_a_paper_prints_is_inconsistent_though_it_is_run_with(write, paper, params):
    claim = (
        '  - {id: text.set, where: here, value: "80", unit: epochs, about: it, measurement: "setting(09_x, epochs)"}\n'
    )
    claim += '  - {id: text.other, where: there, value: "50", unit: epochs, about: it}\nstatements:'
    check = "  - {id: lengths, says: one length, same: [text.set, text.other]}\n"
    ledger, found = write(paper.replace("statements:", claim, 1) + check), settings.evidence([], params)
    table = claims.judge(ledger, found, claims.run(ledger, found)).set_index("id")
    assert table.loc["paper/text.set", ["verdict", "rule"]].tolist() == ["inconsistent", "contradicted"]


def test_the_papers_settings_are_those_that_run():
    ledger = claims.load(ROOT / "params/claims", claims.networks(ROOT / "params/paper/networks.yaml"))
    table = claims.judge(ledger, settings.evidence([], ROOT / "params"), [])
    said = table[table["measurement"].str.startswith("setting(")]
    assert len(said) > 50
    other = said[said["verdict"] != "as run"]
    told = [f"{row.id}: {row.claimed} is printed, {row.measurement} is {row.measured}" for row in other.itertuples()]
    assert not told, "; ".join(told)
    assert not said["measured"].map(math.isnan).any()


def test_what_the_experiments_of_table_iv_are_run_with_is_evidence():
    values = settings.evidence([], ROOT / "params")["value"]
    assert values["setting(06_mini_resemotenet, e4_b.alpha)"] == 0.15
    assert values["setting(06_mini_resemotenet, e6_c.temperature)"] == 3


@pytest.mark.parametrize(
    ("value", "second", "verdict"), [(16, "16", "exact"), (8, "16", "not reproduced"), (16, "32", "inconsistent")]
)
def test_a_layer_is_exact_where_it_is_the_same_and_the_paper_says_one_thing(
    write, paper, params, value, second, verdict
):
    claim = '  - {id: text.set, where: here, value: "16", unit: filters, about: it,\n'
    claim += '     measurement: "structure(tinyfer_lite, features.0.0.filters)"}\n'
    claim += f'  - {{id: text.other, where: there, value: "{second}", unit: filters, about: it}}\nstatements:'
    check = "  - {id: widths, says: one width, same: [text.set, text.other]}\n" if second != "16" else ""
    asked = '  - {id: one_layer, says: one, claim: text.other, from: "{=structure(tinyfer_lite, fc_layers)} + 15"}\n'
    ledger = write(paper.replace("statements:", claim, 1) + check + asked)
    assert ledger.arguments("structure") == [("tinyfer_lite", "fc_layers"), ("tinyfer_lite", "features.0.0.filters")]
    row = {"measurement": "structure(tinyfer_lite, features.0.0.filters)", "value": value}
    found = measurements.table([row]).assign(evidence="counted").set_index("measurement")
    table = claims.judge(ledger, found, claims.run(ledger, found)).set_index("id")
    assert table.loc["paper/text.set", "verdict"] == verdict
