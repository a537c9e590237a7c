"""The README's numbers are the ones that were measured, and its commands exist."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from fercore import claims
from fercore.results import measurements

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REFERENCE = ROOT / "reports/reference/01_data_audit/findings.json"
FINDINGS = {
    "redundant, byte for byte": ("exact_redundant", "images"),
    "redundant, the same photograph": ("near_redundant", "images"),
    "PrivateTest images that stand in Training, byte for byte": ("exact_PrivateTest_in_Training", "images_PrivateTest"),
    "PrivateTest images whose photograph stands in Training": ("near_PrivateTest_in_Training", "images_PrivateTest"),
    "copies of one photograph with different labels": ("near_contradicted", "images"),
    "labels that a majority of ten FER+ voters contradicts": ("labels_voted_wrong", "images"),
}
FOUND = README.split("## What has been found")[1].split("## Where things are")[0]
DATA, NETWORKS, SMALLER, STUDIES, LEDGER = re.split(r"^### .+$", FOUND, flags=re.M)
ROWS = dict(re.findall(r"^\| ([^|]+?) \| (.+) \|$", DATA, flags=re.M))


@pytest.mark.parametrize("row", FINDINGS)
def test_headline_numbers_are_the_measured_ones(row):
    found = json.loads(REFERENCE.read_text(encoding="utf-8"))
    assert not found["synthetic"]
    name, of = FINDINGS[row]
    count, share = (cell.strip() for cell in ROWS[row].split("|"))
    value = found["findings"][name]
    assert count == f"{value:,}"
    assert share == (f"{100 * value / found['findings'][of]:.1f} %" if of else "")


def test_every_headline_number_is_checked():
    assert set(ROWS) - {"FER2013", "---"} == set(FINDINGS)


def public_rows():
    """The README's table of networks that packages ship, best first: accuracy in one view; mirrored, its accuracy,
    macro-F1, accuracy without copies and on Training. Without what is another, quantised, and what no code loads."""
    table = pd.read_csv(ROOT / "reports/reference/public_networks/networks.csv", index_col="network")
    table = table.drop(index=["mini-XCEPTION, quantised", "SimpleConvolutionalNetwork, earlier"])
    one, mirrored = (table[table["views"] == view] for view in ("one", "mirrored"))
    rows = {}
    for name, row in mirrored.sort_values("accuracy", ascending=False).iterrows():
        low, high = 100 * row["accuracy_low"], 100 * row["accuracy_high"]
        shares = row[["accuracy", "macro_f1", "accuracy_deduplicated", "accuracy_Training"]]
        cells = [f"{100 * share:.1f}" for share in (one.loc[name, "accuracy"], *shares)]
        cells[1] += f" [{low:.1f}, {high:.1f}]"
        own = row["package"] == "this project"
        shown = f"`{name}`, this project's" if own else f"{name}, `{row['package']}`"
        rows[shown] = [f"{row['parameters']:,}", *cells]
    return rows


def trained_rows():
    """The README's table of what was trained here in one view, from the reference results and the ledger."""
    reference = ROOT / "reports/reference"
    ledger = claims.load(ROOT / "params/claims", claims.networks(ROOT / "params/paper/networks.yaml"))

    def row(scores, parameters):
        cells = [f"{parameters:,.0f}" if parameters == parameters else ""]
        for part, score in (("published", "accuracy"), ("published", "macro_f1"), ("deduplicated", "accuracy")):
            value, low, high = 100 * scores.loc[(part, score), ["value", "low", "high"]].astype(float)
            cells.append(f"{value:.1f} [{low:.1f}, {high:.1f}]")
        return cells

    rows = {}
    printed = (ledger.printed(f"{score}(tinyfer_lite, fer2013, PrivateTest)") for score in ("accuracy", "macro_f1"))
    rows["TinyFER-Lite, as printed"] = ["932,202", *(f"{100 * value:.1f}" for value in printed), ""]
    scores = pd.read_csv(reference / "02_baselines/scores.csv", index_col=["part", "score"])
    costs = pd.read_csv(reference / "02_baselines/comparison.csv", index_col="network")["parameters"]
    for name in costs.index:
        shown = "LBP + linear SVM" if name == "lbp_svm" else f"`{name}`, five epochs"
        rows[shown] = row(scores[scores["name"] == name], costs[name])
    return rows


def test_the_tables_of_networks_are_what_was_measured():
    rows = {name: " | ".join(cells) for name, cells in {**public_rows(), **trained_rows()}.items()}
    told = re.findall(r"^\| ([^|]+?) \| (.+) \|$", NETWORKS, flags=re.M)
    heads = {
        "network, shipped by": "parameters | one view, % | mirrored, % | macro-F1, % | without copies, % | Training, %",
        "network, one view": "parameters | accuracy, % | macro-F1, % | accuracy without copies, %",
    }
    assert dict(told) == {**heads, **rows}
    assert [name for name, _ in told if name in public_rows()] == list(public_rows()), "best first"


def test_what_the_text_says_of_public_networks_is_what_was_measured():
    folder = ROOT / "reports/reference/public_networks"
    gaps = pd.read_csv(folder / "differences.csv", index_col=["network", "views", "part", "score"])

    def gap(network, part, score="accuracy"):
        cells = 100 * gaps.loc[(network, "mirrored", part, score), ["difference", "low", "high"]].astype(float)
        return "{:+.1f} [{:+.1f}, {:+.1f}]".format(*cells)

    told = [" ".join(part.split()) for part in re.findall(r"[+-]\d\.\d\s\[[^]]+\]", NETWORKS)]
    near = [gap(name, "near_deduplicated") for name in ("XCEPTION", "mini-XCEPTION")]
    assert told == [gap("XCEPTION", "published"), gap("XCEPTION", "published", "macro_f1"), *near]
    table = pd.read_csv(folder / "networks.csv", index_col=["network", "views"])
    known = table.loc[[("XCEPTION", "mirrored"), ("lean_250k", "mirrored")], "accuracy_near_copies"]
    right = re.search(r"right on (\d+) % of these\s710, `lean_250k` on (\d+) %", NETWORKS)
    assert [int(part) for part in right.groups()] == [round(100 * share) for share in known]


FORMS = {
    "as it is": "fp32",
    "weights of 8 bits, by the paper's equations": "weights of 8 bits",
    "weights of 4 bits": "weights of 4 bits",
    "half of the weights, at once": "pruned 0.5 at once",
    "half of the weights, while trained on": "pruned 0.5 while training",
    "80 % of the weights, while trained on": "pruned 0.8 while training",
    "30 % of the channels, then trained on": "without 30 % of channels",
    "INT8 throughout, ONNX Runtime": "INT8 per tensor",
}


def smaller_rows():
    """The README's table of compression: MiB and accuracy of two networks, a row a form; nothing where it has none."""
    table = pd.read_csv(ROOT / "reports/reference/07_light_fer_compression/compression.csv")
    table = table.set_index(["network", "variant"])
    rows = {}
    for shown, form in FORMS.items():
        cells = []
        for name in ("lean_250k", "tinyfer_lite"):
            row = table.loc[(name, form)] if (name, form) in table.index else None
            cells += ["", ""] if row is None else [f"{row['MiB']:.2f}", f"{100 * row['accuracy']:.1f}"]
        rows[shown] = " | ".join(cells)
    return rows


def test_what_compression_costs_is_what_was_measured():
    head = {"taken out, or rounded": "`lean_250k`, MiB | accuracy, % | `tinyfer_lite`, MiB | accuracy, %"}
    assert dict(re.findall(r"^\| ([^|]+?) \| (.+) \|$", SMALLER, flags=re.M)) == head | smaller_rows()


def test_what_runtimes_take_is_what_was_measured():
    table = pd.read_csv(ROOT / "reports/reference/08_edge_benchmarks/latency.csv")
    table = table.set_index(["network", "img_size", "runtime"])["median"]
    text = " ".join(SMALLER.split())
    told = re.findall(r"`(\w+)` at (\d+) px takes ([\d.]+) ms in PyTorch, ([\d.]+) in ONNX Runtime", text)
    assert len(told) == 2
    for name, side, *ms in told:
        assert [f"{table[name, int(side), runtime]:.2f}" for runtime in ("PyTorch", "ONNX Runtime")] == ms
    eight = re.search(r"in INT8 ([\d.]+) and ([\d.]+)", text)
    found = [table["lean_250k", 48, "ONNX Runtime int8"], table["tinyfer_lite", 64, "ONNX Runtime int8"]]
    assert list(eight.groups()) == [f"{ms:.2f}" for ms in found]


HEADLINES = (
    "subject_pooling",
    "random_pooling_costs",
    "kd_helps",
    "kd_grows",
    "temperature_pays",
    "temperature_swings",
)


def study_rows():
    """The README's table of MicroExpNet's statements: effects in points of accuracy, and their verdicts."""
    rows = {}
    for stage in ("04_microexpnet_pooling", "05_kd_temperature_grid"):
        found = pd.read_csv(ROOT / f"reports/reference/{stage}/verdicts.csv")
        for says, part in found[found["statement"].isin(HEADLINES)].groupby("says", sort=False):
            one = part.set_index("data")
            assert list(one.index) == ["synthck (synthetic)", "fer2013"]
            scale = 1 if (one["statement"] == "temperature_swings").all() else 100  # in squared points already
            cells = [
                f"{scale * row.value:+.1f} [{scale * row.low:+.1f}, {scale * row.high:+.1f}]: {row.verdict}"
                for row in one.itertuples()
            ]
            rows[says] = " | ".join(cells)
    return rows


def test_the_table_of_statements_is_what_was_measured():
    assert dict(re.findall(r"^\| ([^|]+?) \| (.+) \|$", STUDIES, flags=re.M)) == {
        "MicroExpNet's statement": "rendered faces (synthetic) | FER2013",
        **study_rows(),
    }


def test_what_the_split_does_is_what_was_measured():
    table = pd.read_csv(ROOT / "reports/reference/04_microexpnet_pooling/table_2.csv")
    none = table[(table["data"] == "fer2013") & (table["size"] == "m")].set_index("split")["none"]
    told = re.search(r"M without pooling scores\s(\d+) % on random folds and (\d+) % on grouped ones", STUDIES)
    assert [int(part) for part in told.groups()] == [
        round(100 * none[split]) for split in ("random folds", "copy folds")
    ]


def test_what_temperature_and_seed_do_is_what_was_measured():
    table = pd.read_csv(ROOT / "reports/reference/05_kd_temperature_grid/variance.csv")
    grouped = table[table["split"] != "random folds"]
    told = re.search(r"make (\d+) to (\d+) % of\sthe variance .* the seed alone (\d+) to (\d+) %", STUDIES)
    shares = [grouped[name].agg(end) for name in ("temperature", "seeds") for end in ("min", "max")]
    assert [int(part) for part in told.groups()] == [round(100 * share) for share in shares]
    assert (table["p"] > 0.05).all()  # as chance does


def test_targets_and_paths_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:^|`)make (\w+)", README, flags=re.M):
        assert re.search(rf"^{target}:", makefile, flags=re.M), target
    for path in re.findall(r"\]\(([^)]+)\)|`((?:notebooks|fercore|params|reports|tests)/[\w./]*)`", README):
        path = "".join(path)
        assert (ROOT / path).exists() or list(ROOT.glob(f"{path}*")), path


def test_the_ledgers_headline_is_what_it_gives_now():
    ledger = claims.load(ROOT / "params/claims", claims.networks(ROOT / "params/paper/networks.yaml"))
    evidence = measurements.gather([ROOT / "reports/reference"])
    found = claims.summary(claims.judge(ledger, evidence, claims.run(ledger, evidence)))
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", LEDGER, re.M)
    ]
    shown = [name for name in claims.VERDICTS if found.loc["total", name]]
    assert head == ["paper", *shown, "claims"]
    for name, *numbers in rows:
        assert numbers == [f"{found.loc[name, column]:,}" for column in [*shown, "total"]], name
    assert [name for name, *_ in rows] == list(found.index)
