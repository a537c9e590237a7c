"""The README's numbers are the ones that were measured; what it and the documents name exists."""

import json
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
import yaml
from PIL import Image

from fercore import claims, cli
from fercore.claims import settings
from fercore.deployment import export, predict
from fercore.evaluation import statistics
from fercore.models import weights

ROOT = Path(__file__).parents[1]
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/findings.md", "docs/usage.md")}
README = TEXTS["README.md"]
DISTILLED = "lean_250k, distilled"


def test_what_decides_which_network_to_take_is_what_was_measured():
    folder, part = ROOT / "reports/reference", README.split("## Which network to take")[1].split("## What has been")[0]
    table = pd.read_csv(folder / "released/files.csv", index_col="file")
    assert {path.name for path in weights.RELEASED.glob("*.onnx")} == set(table.index)
    rows = dict(re.findall(r"^\| \[?`([^`]+)`[^|]* \| (.+) \|$", part, flags=re.M))
    taken = table[table["weights"].eq("fer2013_distilled")]
    assert list(rows) == list(taken.sort_values(["parameters", "MiB"], ascending=False).index)
    for name, cells in rows.items():
        row = table.loc[name]
        scores = ["accuracy_PrivateTest", "low", "high", "accuracy_near_deduplicated", "macro_f1"]
        told = "{:.1f} [{:.1f}, {:.1f}] | {:.1f} | {:.1f}".format(*(100 * row[scores].astype(float)))
        assert cells == f"{row['MiB']:.2f} | {row['ms_48']:.2f} | {told}", name
    text = " ".join(part.split())
    sizes = pd.read_csv(folder / "frontier/sizes.csv", index_col=["network", "part", "score"]).sort_index()
    assert sizes.loc[["lean_932k_distilled", "lean_65k_distilled"], "seeds"].eq(3).all()
    compared = [
        100 * sizes.loc[(f"{name}_distilled", part, "accuracy"), ["value", "low", "high"]].astype(float)
        for name in ("lean_932k", "lean_65k")
        for part in ("published", "near_deduplicated")
    ]
    one = "{:+.1f} [{:+.1f}, {:+.1f}]"
    told = f"Over three seeds each, the distilled `lean_932k` minus the distilled `lean_250k` is {one} points, "
    told += f"near-deduplicated {one}; the distilled `lean_65k` minus that `lean_250k` is {one} and {one}."
    assert told.format(*(value for each in compared for value in each)) in text
    gaps = pd.read_csv(folder / "public_networks/differences.csv", index_col=["ours", "network", "part"])
    gaps = gaps[gaps["views"].eq("mirrored") & gaps["score"].eq("accuracy")].sort_index()
    gaps = gaps.loc[DISTILLED, ["difference", "low", "high"]]
    larger = -gaps.loc["lean_1m2, distilled", ["difference", "high", "low"]]
    told = (
        "`lean_1m2` (one seed), five times as large as `lean_250k`, differs from that network's file in the table by "
    )
    told += f"{one} points, near-deduplicated by {one}."
    assert told.format(*(100 * larger.loc[["published", "near_deduplicated"]].to_numpy().ravel())) in text
    parameters = table.groupby("network")["parameters"].first()
    assert round(parameters["lean_1m2"] / parameters["lean_250k"]) == 5
    larger = larger.set_axis(["difference", "low", "high"], axis="columns")["low"]
    assert larger["near_deduplicated"] < 0 < larger["published"], "the advice rests on it"
    bits = pd.read_csv(folder / "released/int8.csv").query("split == 'PrivateTest'")
    same, lower = 100 * bits["same_answer"], -100 * bits["difference"]
    assert f"the same answer for {same.min():.0f} to {same.max():.0f} % of the test images" in text
    assert f"accuracy is at most {lower.max():.1f} points lower" in text
    sure = 100 * taken.loc[~taken.index.str.contains("int8"), "overconfidence_near_deduplicated"]
    *larger, least = sure.sort_values(ascending=False)
    said = f"the three larger networks are overconfident by {larger[-1]:.0f} to {larger[0]:.0f} points"
    assert said in text and len(larger) == 3 and least < 1
    assert sure["lean_65k-fer2013_distilled.onnx"] == least
    more = taken["ms_224"] - taken["ms_48"]
    ends = sorted({f"{end:.1f}" for end in (more.min(), more.max())})
    assert f"one of 224 px takes {' to '.join(ends)} ms more" in text
    assert "of the 16 *disgust* images that remain after near-deduplication, none finds any" in text
    assert set(taken["disgust_near_deduplicated"]) == {16} and not taken["disgust_found_near_deduplicated"].any()
    default = f"{predict.NETWORK}-{weights.preferred(predict.NETWORK)}.onnx"
    assert default in rows and part.count(f"{default}`") == 1 and part.count(f'{default}"') == 1, (
        "in the table and the example"
    )
    assert TEXTS["docs/usage.md"].count(f'create("{default}")') == 1, "the example for browsers"


def test_the_example_of_the_onnx_file_runs(tmp_path, monkeypatch, capsys):
    pytest.importorskip("onnxruntime")
    code = re.search(r"```python\n(.*?)```", README, flags=re.S)[1]
    Image.new("RGB", (60, 60), "gray").save(tmp_path / "face.png")
    monkeypatch.chdir(tmp_path)
    exec(code.replace('"fercore/models', f'"{ROOT}/fercore/models'), held := {})
    assert re.fullmatch(r"[a-z]+ 0\.\d+\n", capsys.readouterr().out)
    assert tuple(held["names"]) == export.load(weights.RELEASED / "lean_932k-fer2013.onnx").description.classes


def test_every_notebook_is_in_the_table_of_papers():
    part = README.split("## The papers and their notebooks")[1].split("## Where things are")[0]
    named = re.findall(r"`(\d\w+)`", part)
    notebooks = sorted(path.stem for path in ROOT.glob("notebooks/[0-9]*.ipynb"))
    assert sorted(named) == notebooks, "the table of papers names each notebook"
    papers = {path.stem for path in ROOT.glob("params/claims/*.yaml")}
    assert papers == set(re.findall(r"`(\w+)`", part)) & papers and "tests/benchmarks/light_fer.py" in part


@pytest.mark.parametrize("name", TEXTS)
def test_targets_and_places_exist(name):
    makefile, text = (ROOT / "Makefile").read_text(encoding="utf-8"), TEXTS[name]
    for target in re.findall(r"(?:^|`)make (\w+)", text, flags=re.M):
        assert re.search(rf"^{target}:", makefile, flags=re.M), target
    for path in re.findall(r"`((?:notebooks|fercore|params|reports|tests|docs)/[\w./]*)`", text):
        assert (ROOT / path).exists() or list(ROOT.glob(f"{path}*")), path
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        path, _, anchor = link.partition("#")
        place = (ROOT / name).parent / path if path else ROOT / name
        assert place.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", place.read_text(encoding="utf-8"), flags=re.M)
            assert anchor in map(as_anchor, headings), link


def as_anchor(heading: str) -> str:
    """As GitHub has it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def commands(text: str) -> list[list[str]]:
    """The words of each `fercore …` in a Markdown text, without those that leave something out."""
    told = re.findall(r"^(fercore [a-z].+?)(?: +#.*)?$|`(fercore [a-z][^`]+)`", text, flags=re.M)
    lines = [part for pair in told for part in "".join(pair).replace("\\|", "|").split(" && ")]
    return [shlex.split(line)[1:] for line in lines if line.startswith("fercore ") and "…" not in line]


@pytest.mark.parametrize("name", TEXTS)
def test_commands_are_understood(name, capsys):
    """As they stand there: sub-commands, options and numbers of words. A sub-command alone, or one with a mere option,
    is a name: it has to be one."""
    parser = cli._parser()
    for words in commands(TEXTS[name]):
        named = len(words) == 1 or (len(words) == 2 and words[1].startswith("--"))
        try:
            parser.parse_args([words[0], "--help"] if named else words)
        except SystemExit as stopped:
            assert stopped.code == 0 and all(word in capsys.readouterr().out for word in words[1:]), words


def test_enough_commands_are_looked_at():
    assert len(commands(TEXTS["docs/usage.md"])) > 30


def test_the_digest_says_what_was_measured():
    """Sentence by sentence what no interval marks."""
    text, folder = " ".join(README.split()), ROOT / "reports/reference"
    found = json.loads((folder / "01_data_audit/findings.json").read_text(encoding="utf-8"))["findings"]
    near, exact = (
        100 * found[f"{kind}_PrivateTest_in_Training"] / found["images_PrivateTest"] for kind in ("near", "exact")
    )
    assert (
        f"For {near:.1f} % of PrivateTest's images the same photograph was found in Training, for {exact:.1f} %" in text
    )
    voted = 100 * found["labels_voted_wrong"] / found["images"]
    assert f"contradicts {voted:.1f} % of all FER2013's labels" in text
    networks = json.loads((folder / "public_networks/findings.json").read_text(encoding="utf-8"))["findings"]
    assert (networks["networks"], networks["packages"]) == (
        10,
        8,
    ) and "match or pass the ten that public packages ship" in text
    gains = pd.read_csv(folder / "03_tinyfer_lite/gains.csv", index_col=["part", "score", "choice"]).sort_index()
    gains = 100 * gains.loc[("published", "accuracy"), ["value", "low", "high"]]
    shown = {choice: "{:+.1f} [{:+.1f}, {:+.1f}]".format(*row) for choice, row in gains.iterrows()}
    p = pd.read_csv(folder / "03_tinyfer_lite/gains.csv").query("part == 'published' and score == 'accuracy'")
    p = statistics.adjusted(p.set_index("choice")["p"])
    told = "accuracy changes by {class weights} and {focal loss} points, the latter borderline (p {p:.3f} adjusted). "
    told += "ECA ({ECA}) is inconclusive"
    assert told.format(**shown, p=p["focal loss"]) in text and p["ECA"] > 0.05 and abs(p["focal loss"] - 0.05) < 0.005
    lower = pd.read_csv(folder / "03_tinyfer_lite/gains.csv").query("part == 'published' and score == 'macro_f1'")
    assert lower.set_index("choice").loc[["focal loss", "class weights"], "high"].lt(0).all()
    table = pd.read_csv(folder / "04_microexpnet_pooling/table_2.csv").query("data == 'fer2013' and size == 'm'")
    none = (100 * table.set_index("split")["none"]).round()
    told = (
        "MicroExpNet M without pooling scores {:.0f} % on random folds, where copies fall on both sides, and {:.0f} %"
    )
    assert told.format(none["random folds"], none["copy folds"]) in text
    ledger = claims.load(ROOT / "params/claims", claims.networks(ROOT / "params/paper/networks.yaml"))
    evidence = settings.evidence([folder], ROOT / "params")
    table = claims.judge(ledger, evidence, claims.run(ledger, evidence))
    total = claims.summary(table).loc["total"]
    assert f"**Of {total['total']:,} claims** {total['exact']} are exact (" in text
    table = table.set_index("verdict")
    assert not table.loc["reproduced", "protocol"].str.contains("teacher").any()
    failed = table.loc["not reproduced", "protocol"]
    taught, weights = failed.str.contains("teacher").sum(), failed.eq("paper, with random weights").sum()
    told = f"{total['reproduced']} are reproduced and {total['not reproduced']} are not, {taught} of them with another "
    told += f"teacher and {weights} from random weights"
    assert f"{told}; in {total['inconsistent']} a paper contradicts itself" in text
    student = table.loc["not run"].set_index("id").loc["mini_resemotenet/results.c.accuracy"]
    by_text = 100 * evidence.loc[student["measurement"].replace(")", ", reading=text)"), ["value", "low", "high"]]
    told = (
        "Mini-ResEmoteNet's student C, for which the paper reports {} %. With a far smaller teacher than the paper's "
        "it reaches {:.1f} [{:.1f}, {:.1f}] here by the paper's equation, and {:.1f} [{:.1f}, {:.1f}], with one seed, "
        "by a reading of its text"
    )
    assert told.format(*student[["claimed", "measured", "low", "high"]], *by_text) in text
    assert student["how"].startswith("depends on how the paper is read")


def test_the_digest_is_of_the_findings():
    """Every number of it stands in the section that its bullet links to."""
    digest = README.split("## What has been found")[1].split("## The papers and their notebooks")[0]
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXTS["docs/findings.md"], flags=re.M | re.S))
    sections = {as_anchor(heading): " ".join(text.split()) for heading, text in sections.items()}
    bullets = [" ".join(bullet.split()) for bullet in re.findall(r"^- (.+?)(?=^- |\Z)", digest, flags=re.M | re.S)]
    assert len(bullets) == 7
    for bullet in bullets:
        (anchor,) = re.findall(r"docs/findings\.md#([\w-]+)", bullet)
        text = re.sub(r"\(\[.*?\)|`\w+`", "", bullet)
        numbers = re.findall(r"[+-]?\d[\d.,]* \[[^]]+\]|(?<![\d[.,+-])\d[\d.,]*\d", text)
        assert numbers and [number for number in numbers if number.rstrip(",.") not in sections[anchor]] == [], anchor


def test_the_papers_are_counted_and_named():
    """By the README and by CITATION.cff: as many as there are files of claims, each by its title or its beginning."""
    papers = claims.load(ROOT / "params/claims", claims.networks(ROOT / "params/paper/networks.yaml")).papers
    titles = {paper["title"] for paper in papers.values()}
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {reference["title"] for reference in citation["references"]} == titles
    count = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight"][len(titles)]
    assert re.search(rf"\b{count} papers\b", citation["title"])
    assert README.split("\n\n")[1].startswith(f"{count.capitalize()} papers on ")
    named = README.split("## The papers and their notebooks")[1].split("\n\n")[1]
    assert [title for title in titles if title.partition(":")[0] not in named] == []
    years = {reference["title"]: str(reference.get("year", "not printed")) for reference in citation["references"]}
    assert years == {paper["title"]: paper["year"] for paper in papers.values()}
