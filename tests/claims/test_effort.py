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
    assert sorted(ids) == sorted(table.loc[table["verdict"].isin(effort.OPEN), "id"])
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
    for right, wrong, said in (
        ("seeds", "sedes", "'sedes' is no parameter; did you mean 'seeds'"),
        ("{tinyfer_lite:", "{tinyfer_liet:", "unknown network 'tinyfer_liet'; did you mean 'tinyfer_lite'"),
        ("tinyfer_lite: r", "tinyfer_lite: s", "unknown rate 's'; there are r"),
        ("images: 100, ", "", "a part of `takes` lacks images"),
        ("notebook: x", "notebook: y", r"paper/y\.yaml; a way takes what a notebook trains"),
    ):
        (tmp_path / "params/effort.yaml").write_text(text.replace(right, wrong))
        with pytest.raises(LedgerError, match=rf"effort\.yaml: fercore x: .*{said}"):
            effort.plan(*known, tmp_path / "params")


@pytest.mark.parametrize(
    ("hours", "text"),
    [(0.001, "4 s"), (0.5, "30 min"), (3.42, "3.4 h"), (30, "30 h"), (24 * 9, "9 days"), (24 * 365 * 12, "12 years")],
)
def test_hours_are_told_in_the_unit_that_one_thinks_in(hours, text):
    assert effort.shown(hours) == text
    assert effort.shown(float("nan")) == ""
