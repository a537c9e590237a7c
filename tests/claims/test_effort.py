"""Each open claim stands in the plan once, with a command that exists and hours that are worked out."""

import re
from pathlib import Path

import pytest

from fercore import claims, yamlio
from fercore.claims import effort, settings
from fercore.claims.ledger import LedgerError

ROOT = Path(__file__).parents[2]
WAYS = yamlio.read(ROOT / "params/effort.yaml", LedgerError)["ways"]


@pytest.fixture(scope="module")
def known():
    networks = claims.networks(ROOT / "params/paper/networks.yaml")
    ledger = claims.load(ROOT / "params/claims", networks)
    evidence = settings.evidence([ROOT / "reports/reference"], ROOT / "params")
    return ledger, claims.judge(ledger, evidence, claims.run(ledger, evidence)), networks, evidence


def test_each_open_claim_stands_in_it_once_and_what_is_cheapest_is_first(known):
    _, table, *_ = known
    plan = effort.plan(*known, ROOT / "params")
    ids = [key for claimed in plan["claims"] for key in claimed]
    settled = ("exact", "as run", "reproduced", "not reproduced", "inconsistent")
    assert sorted(ids) == sorted(table.loc[~table["verdict"].isin(settled), "id"])
    hours = plan["hours"].dropna()
    assert hours.is_monotonic_increasing and len(hours) > 3 and (plan.loc[hours.index, "command"] != "").all()
    assert (plan.loc[plan["hours"].isna(), "command"] == "").all()


def test_every_way_is_one_for_some_claim_and_its_commands_are_there(known):
    ledger = known[0]
    names = [claim.measurement for claim in ledger.claims.values() if claim.measurement]
    from fercore.cli import main

    for way in WAYS:
        for pattern in way["gives"]:
            assert any(effort.fnmatch.fnmatchcase(name, pattern) for name in names), pattern
        for command in way["command"].split(" && "):
            if stage := re.search(r"STAGE=(\w+)", command):
                assert (ROOT / f"notebooks/{stage[1]}.py").is_file()
            else:
                with pytest.raises(SystemExit) as ended:
                    main([*command.split()[1:2], "--help"])
                assert ended.value.code == 0


def test_hours_follow_from_the_papers_settings_and_the_rates(known, tmp_path):
    (tmp_path / "params/paper").mkdir(parents=True)
    (tmp_path / "params/paper/x.yaml").write_text("epochs: 10\nseeds: [1, 2]\nimg_size: 112\n")
    way = "{gives: ['*(tinyfer_lite, *'], command: fercore x, takes: [{notebook: x, trains: {tinyfer_lite: r},"
    text = f"rates: {{r: 1.0e+9}}\nthreads: 2\nways:\n  - {way} images: 100, times: [epochs, seeds, 3]}}]}}\n"
    (tmp_path / "params/effort.yaml").write_text(text)
    plan = effort.plan(*known, tmp_path / "params")
    macs = known[3].loc["macs(tinyfer_lite, 7, 3x224x224)", "value"] / 4
    assert plan["hours"].iloc[0] == pytest.approx(macs * 100 * 10 * 2 * 3 / 1e9 / 2 / 3600)
    assert "fer2013" in plan["needs"].iloc[0]
    ledger, table, networks, evidence = known
    with pytest.raises(LedgerError, match=r"macs\(tinyfer_lite, 7, 3x224x224\) is not counted; fercore networks"):
        uncounted = evidence.drop(index="macs(tinyfer_lite, 7, 3x224x224)")
        effort.plan(ledger, table, networks, uncounted, tmp_path / "params")
    part = text[text.index("{notebook") : text.index("]}\n")]
    (tmp_path / "params/effort.yaml").write_text(text.replace(part, f"{part}, {part}"))  # two networks, or one twice
    assert effort.plan(*known, tmp_path / "params")["hours"].iloc[0] == 2 * plan["hours"].iloc[0]
    for right, wrong, said in (
        ("seeds", "sedes", "'sedes' is no parameter; did you mean 'seeds'"),
        ("{tinyfer_lite:", "{tinyfer_liet:", "unknown network 'tinyfer_liet'; did you mean 'tinyfer_lite'"),
        ("tinyfer_lite: r", "tinyfer_lite: s", "unknown rate 's'; there are r"),
        ("images: 100, ", "", "a part of `takes` lacks images"),
        ("gives:", "give:", "unknown key 'give'; did you mean 'gives'"),
        ("images: 100", "image: 100", "unknown key 'image'; did you mean 'images'"),
        ("notebook: x", "notebook: y", r"paper/y\.yaml; a way takes what a notebook trains"),
    ):
        (tmp_path / "params/effort.yaml").write_text(text.replace(right, wrong))
        with pytest.raises(LedgerError, match=rf"effort\.yaml: fercore x: .*{said}"):
            effort.plan(*known, tmp_path / "params")


@pytest.fixture
def small(write, evidence, tmp_path):
    """The plan of the small paper, of which `ways` say what gives its accuracies."""

    def small(paper, *ways, open_claims=slice(None), **values):
        ledger, found = write(paper), evidence(**values)
        table = claims.judge(ledger, found, claims.run(ledger, found)).iloc[open_claims]
        (tmp_path / "params/paper").mkdir(parents=True, exist_ok=True)
        lines = ["rates: {r: 1.0e+9}", "threads: 2", "ways:" if ways else "ways: []", *(f"  - {way}" for way in ways)]
        (tmp_path / "params/effort.yaml").write_text("\n".join(lines))
        plan = effort.plan(ledger, table, [], found, tmp_path / "params")
        assert list(plan) == ["command", "needs", "hours", "claims"] and plan.index.tolist() == list(range(len(plan)))
        return [(row.command, row.needs, [key.partition("/")[2] for key in row.claims]) for row in plan.itertuples()]

    return small


def test_what_no_command_gives_stands_by_what_it_lacks(small, paper):
    """Data are named, at hand or not, since none is included."""
    paper = paper.replace("about: speed, needs: [jetson_nano]", "about: speed, needs: [fer2013]")
    way = "{gives: ['accuracy(tinyfer_lite,*'], command: fercore x, takes: []}"
    counted = ["table1.sad.train", "table1.sad.test", "table1.all.train", "table1.all.test", "table2.ours.params"]
    assert small(paper, way, **{"images(fer2013, Training, happy)": 60}) == [
        ("fercore x", "fer2013, imagenet", ["table2.ours.accuracy", "abstract.accuracy"]),
        ("", "", ["table1.happy.test", *counted, "text.speed", "text.rate", "best", "small", "eq1"]),
        ("", "fer2013, cited", ["table2.theirs.params"]),
        ("", "fer2013, imagenet, cited", ["table2.theirs.accuracy"]),
        ("", "fer2013, imagenet", ["table2.nameless.accuracy"]),
        ("", "rafdb, jetson_nano", ["text.faces"]),
    ]
    assert small(paper, open_claims=slice(0)) == []


def test_what_was_timed_takes_as_long_again(known, tmp_path):
    (tmp_path / "params").mkdir()
    (tmp_path / "run.json").write_text('{"wall_seconds": 1800}')
    way = "{gives: ['*(tinyfer_lite, *'], command: fercore x, seconds: {record: run.json, times: 4}}"
    (tmp_path / "params/effort.yaml").write_text(f"rates: {{}}\nthreads: 2\nways: [{way}]\n")
    assert effort.plan(*known, tmp_path / "params")["hours"].iloc[0] == 2


@pytest.mark.parametrize("name", ["effort.yaml", "paper/x.yaml"])
def test_what_is_no_yaml_is_refused(known, tmp_path, name):
    (tmp_path / "params/paper").mkdir(parents=True)
    takes = "{notebook: x, trains: {tinyfer_lite: r}, images: 1, times: [1]}"
    text = f"rates: {{r: 1}}\nthreads: 1\nways: [{{gives: ['*'], command: fercore x, takes: [{takes}]}}]\n"
    (tmp_path / "params/effort.yaml").write_text(text)
    (tmp_path / "params" / name).write_text("ways: [")
    with pytest.raises(LedgerError, match=name):
        effort.plan(*known, tmp_path / "params")


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (0.001, "4 s"),
        (59.49 / 3600, "59 s"),
        (1 / 60, "1 min"),
        (0.5, "30 min"),
        (0.99, "59 min"),
        (1, "1.0 h"),
        (3.42, "3.4 h"),
        (10, "10 h"),
        (10.6, "11 h"),
        (30, "30 h"),
        (72, "3 days"),
        (24 * 100, "100 days"),
        (24 * 730, "2 years"),
        (24 * 365 * 365, "365 years"),
    ],
)
def test_hours_are_told_in_the_unit_that_one_thinks_in(hours, text):
    assert effort.shown(hours) == text
    assert effort.shown(float("nan")) == ""
