"""The commands on claims and networks print what the ledger has."""

from pathlib import Path

import pytest

from fercore import claims
from fercore.claims import settings
from fercore.cli import main

ROOT = Path(__file__).parents[2]
PAPERS = sorted(path.stem for path in ROOT.glob("params/claims/*.yaml"))


def test_claims_are_printed_and_chosen(said, at_the_root):
    whole = said("claims").splitlines()
    assert len(whole) > 800 and whole[0].split() == [
        "id",
        "claimed",
        "unit",
        "measured",
        "seeds",
        "verdict",
        "evidence",
        "how",
    ]
    (row,) = (line for line in whole if "tinyfer/table3.accuracy.value" in line)
    assert row.endswith("another protocol: laptop profile, random weights"), "a number that decides nothing says why"
    inconsistent = said("claims", "--paper", "light_fer", "--verdict", "inconsistent").splitlines()[1:]
    assert inconsistent and all(
        line.strip().startswith("light_fer/") and "inconsistent" in line for line in inconsistent
    )
    exact = said("claims", "--measurement", "parameters(tinyfer_lite").splitlines()[1:]
    assert exact and all(
        "932,202" in line and "exact" in line and "networks/measurements.csv" in line for line in exact
    )


def test_the_summary_adds_up(said, at_the_root):
    *papers, total = [line.split() for line in said("claims", "--summary").splitlines()[2:]]
    assert [row[0] for row in papers] == sorted(path.stem for path in (ROOT / "params/claims").glob("*.yaml"))
    assert [int(number) for number in total[1:]] == [
        sum(map(int, column)) for column in list(zip(*papers, strict=True))[1:]
    ]


def test_findings_show_both_sides(said, at_the_root):
    text = said("claims", "--findings", "--paper", "mini_resemotenet")
    assert "76.33" in text and "76.42" in text and "653 is the number of sad" in text
    assert "light_fer" not in text


def test_findings_are_as_many_as_the_report_has_and_what_decides_nothing_stands_apart(said, at_the_root):
    whole = said("claims", "--findings")
    sure, apart = whole.split("\nNo contradictions: ")
    folder = ROOT / "params"
    findings = claims.run(
        claims.load(folder / "claims", claims.networks(folder / "paper/networks.yaml")),
        settings.evidence([ROOT / "reports/reference"]),
    )
    assert sure.count("  |  ") == len(claims.contradicting(findings)) > 50
    assert "assuming that" not in sure and "assuming that" in apart


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--paper", "tinyfer_lite"), f"no paper 'tinyfer_lite'; there are {', '.join(PAPERS)}"),
        (("--verdict", "wrong"), "no verdict 'wrong'; there are exact"),
    ],
)
def test_unknown_papers_and_verdicts_are_refused(refused, at_the_root, words, expected):
    assert expected in refused("claims", *words)


@pytest.mark.parametrize("words", [(), ("--open",)])
def test_where_no_claim_fits_it_is_said(said, at_the_root, words):
    assert said("claims", "--measurement", "nothing is called this", *words) == "no claim fits\n"


@pytest.mark.parametrize("words", [("--verdict", "exact"), ("--measurement", "parameters")])
def test_findings_are_not_chosen_by_what_they_lack(refused, at_the_root, words):
    assert "leave out --verdict and --measurement" in refused("claims", "--findings", *words)


@pytest.mark.parametrize("words", [("--open", "--summary"), ("--findings", "--open"), ("--summary", "--findings")])
def test_claims_are_shown_in_one_way_at_a_time(at_the_root, capsys, words):
    with pytest.raises(SystemExit, match="2"):
        main(["claims", *words])
    assert "not allowed with argument" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["claims", "networks"])
def test_claims_elsewhere_than_at_the_root(refused, command):
    assert "params/paper/networks.yaml: not there; run this at the root of the project" in refused(command)


def test_networks_are_printed_beside_their_papers_numbers(said, at_the_root, tmp_path):
    lines = {tuple(line.split()[:2]): line.split() for line in said("networks", "--save", str(tmp_path)).splitlines()}
    assert lines["tinyfer_lite", "7"][3:6] == ["932,202", "932,202", "yes"]
    assert lines["microexpnet_se", "7"][3:6] == ["1,243,127", "1.18M", "no"]
    assert (tmp_path / "measurements.csv").read_bytes() == (
        ROOT / "reports/reference/networks/measurements.csv"
    ).read_bytes()
