"""The report gathers what the stages left behind, opens without a network, and runs nothing that it was given."""

import html
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from fercore.claims import effort
from fercore.reporting import site
from fercore.results.text import markdown

ROOT = Path(__file__).parents[2]
NASTY = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with one profile of two stages, beside the papers' claims and the reference results."""
    root = tmp_path_factory.mktemp("project")
    for name in ("params", "reports/reference"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copytree(ROOT / name, root / name)
    (root / "notebooks").mkdir()
    (root / "notebooks/01_a.ipynb").touch()
    (root / "notebooks/01_a.py").write_text("# %% [markdown]\n# # 1 · What is <b>?\n")
    for name, data in (("01_a", "synthfer (synthetic)"), ("02_b", NASTY)):
        stage = root / "reports/quick" / name
        stage.mkdir(parents=True)
        found = {"test_images": 35887, "share": 0.125, "none": None, "yes": True, NASTY: NASTY}
        (stage / "findings.json").write_text(json.dumps({"data": data, "findings": found}))
        (stage / "scores.csv").write_text(f"name,value,low,high,data\n{NASTY},0.5,0.4,0.6,x\nb,0.25,,,x\n")
        (stage / "scores.tex").write_text("\\begin{table}\n\\caption{of a\\_b \\& c, x}\n")
        (stage / "long.csv").write_text("n\n" + "1\n" * 99)
        title = "<dc:title>a &lt;b&gt; &quot;c&quot; over d; panel two</dc:title>"
        (stage / "curve.svg").write_text(f'<svg viewBox="0 0 560 400">{title}</svg>')
        (stage / "large.svg").write_text('<svg viewBox="0 0 561 400"></svg>')
        (stage / "panels.svg").write_text('<svg viewBox="0 0 1200.5 400"></svg>')
    said = [
        {"figure": "", "sentence": "*Nothing* of one figure."},
        {"figure": "curve", "sentence": f"- {markdown(NASTY)}\n- {markdown('$5$')}"},
        {"figure": "drawn_by_none", "sentence": "Of a picture that is not here."},
        {"figure": "pair", "sentence": f"Of both. {markdown(NASTY)}"},
    ]
    (root / "reports/quick/01_a/sentences.json").write_text(json.dumps(said))
    timed = root / "reports/quick/timings/01_a"
    timed.mkdir(parents=True)
    for name in ("panels_two", "pair_one", "pair_two"):
        (timed / f"{name}.svg").write_text("<svg></svg>")
    (timed / "sentences.json").write_text(json.dumps([{"figure": "panels", "sentence": "Of the first."}]))
    (root / "reports/quick/03_nothing").mkdir()
    (root / "reports/quick/notebooks").mkdir()
    (root / "reports/quick/notebooks/01_a.html").touch()
    (root / "reports/quick/provenance").mkdir()
    (root / "reports/quick/provenance/01_a.json").write_text('{"wall_seconds": 12345.6}')
    return root


@pytest.fixture(scope="module")
def text(project):
    return site.write("quick", project).read_text(encoding="utf-8")


def section(text, key):
    return re.search(rf'<section aria-labelledby="{key}">(.*?)</section>', text, re.DOTALL)[1]


def test_stages_in_the_order_of_the_notebooks_and_only_those_that_ran(project):
    assert [stage.name for stage in site.stages(project / "reports/quick")] == ["01_a", "02_b"]
    assert site.stages(project / "reports/elsewhere") == []


def test_a_stage_has_its_tables_figures_command_and_where_more_is(text):
    one = section(text, "quick-01_a")
    assert "<code>fercore notebook 01_a quick</code>" in one and '<a href="notebooks/01_a.html">' in one
    assert '<a href="../../notebooks/01_a.py">' in one and "the source" not in section(text, "quick-02_b")
    assert '<a href="provenance/01_a.json">' in one and "12345" not in text  # which holds times
    assert "0.500 [0.400, 0.600]" in one and "<td>0.250</td>" in one
    assert '<a href="01_a/scores.csv">CSV</a>, <a href="01_a/scores.tex">LaTeX</a>' in one
    assert "Long, 99 rows" in one and one.count("<tr>") < 20
    assert '<figure><img src="01_a/curve.svg" alt="a &lt;b&gt; &quot;c&quot; over d; panel two"' in one
    assert "<figcaption><div" in one, "what stands within the picture is not said again"
    assert "<figcaption>Large, synthfer (synthetic)</figcaption>" in one, "of a picture without a title"
    for name in ("panels", "large"):
        start = f'<figure class="wide" tabindex="0"><img src="01_a/{name}.svg"'
        assert start in one, "or its letters would be too small"
    assert "<caption>Of a_b &amp; c, x</caption>" in one, "as in LaTeX"
    assert "1 · What is &lt;b&gt;? <small>(01_a)</small></h3>" in one
    links = re.findall(r'<li><a href="#(quick-\w+)">(.*?)</a></li>', section(text, "results"))
    assert links == [("quick-01_a", "1 · What is &lt;b&gt;?"), ("quick-02_b", "02_b")]
    for row in ("35,887", "0.125", "yes"):
        assert re.search(f"<td[^>]*>{row}</td>", one)


def test_what_is_to_be_seen_stands_with_the_figure_that_it_is_about(text):
    one = section(text, "quick-01_a")
    below = dict(re.findall(r'01_a/(\w+)\.svg"[^>]*>\s*<figcaption>(.*?)</figcaption>', one, re.DOTALL))
    assert list(below) == ["curve", "pair_one", "pair_two", "panels", "large", "panels_two"]
    assert re.findall("<li>(.*?)</li>", html.unescape(below["curve"])) == [NASTY, "$5$"]
    assert "<p>Of the first.</p>" in below["panels"] and "said" not in below["panels_two"], "the name itself goes first"
    ((said, pair),) = re.findall('<div class="across"><div class="said">(.*?)</div>(.*?)</div>', one, re.DOTALL)
    assert f"<p>Of both. {NASTY}</p>" in html.unescape(said) and re.findall(r"(\w+)\.svg", pair) == [
        "pair_one",
        "pair_two",
    ]
    assert "said" not in below["pair_one"] + below["pair_two"], "of several above them all"
    above = html.unescape(one[: one.index("<figure>")])
    assert "<em>Nothing</em> of one figure." in above, "what is of no figure stands above them"
    assert "not here" not in one, "what is of a figure that is not there stands nowhere"
    assert '"said"' not in section(text, "quick-02_b")


def test_a_long_table_is_folded_away_even_where_it_is_to_be_seen(tmp_path):
    def stands_open(rows):
        path = tmp_path / f"{rows}/01_a/scores.csv"
        path.parent.mkdir(parents=True)
        path.write_text("name,value\n" + "a,1\n" * rows)
        return not site._of_stage(path, "").startswith("<details")

    assert stands_open(site.ROWS) and not stands_open(site.ROWS + 1)


def test_words_stand_to_the_left(text):
    table = re.search(r"<caption>Of a_b(.*?)</table>", section(text, "quick-01_a"), re.DOTALL)[1]
    assert '<th scope="col" class="words">name</th><th scope="col">value</th>' in table and "<td>0.250</td>" in table


def test_what_comes_from_files_is_escaped(text):
    assert "alert(1)" in text and NASTY not in text
    assert text.count("<script>") == 1  # which searches the ledger


def test_rendered_faces_are_called_so(text):
    assert "no number of theirs compares with a paper" in " ".join(text.split())
    assert "synthfer (synthetic)" in section(text, "quick-01_a")


def test_it_reaches_for_nothing_and_its_links_lead_somewhere(project, text):
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text) and "@import" not in text and "url(" not in text
    ids = re.findall(r'\bid="(.*?)"', text)
    assert len(ids) == len(set(ids))
    for link in set(re.findall(r'(?:href|src)="(.*?)"', text)):
        if link.startswith("#"):
            assert link[1:] in ids, link
        elif not link.startswith("data:"):
            assert (project / "reports/quick" / link).exists(), link


def test_every_picture_has_words_and_every_table_a_name(text):
    assert all(re.search(r'alt="[^"]+"', image) for image in re.findall(r"<img [^>]*>", text))
    assert not [name for name in re.findall(r'role="group" aria-label="(.*?)"', text) if not name]
    assert text.count('role="group"') >= text.count("<table") - 10  # those of one box of contradictions share it


def test_the_ledger_leads_to_what_a_verdict_would_take(text):
    links = re.findall(r'<a href="#(way-\d+)">(.*?)</a>', text)
    assert len(links) > 50 and {place for place, _ in links} == set(re.findall(r'<li id="(way-\d+)">', text))
    assert "fercore claims" in section(text, "open") or "make reproduce" in section(text, "open")
    assert effort.FILE in section(text, "open")


def test_the_same_results_give_the_same_text(project, text):
    assert site.index("quick", project) == text
    assert str(project) not in text and str(ROOT) not in text


def test_a_profile_in_which_nothing_ran_says_how_to_run_it(project):
    text = site.index("laptop", project)
    assert "make reproduce PROFILE=laptop" in section(text, "results")


def test_what_is_no_notebooks_is_called_by_what_its_file_says_it_is():
    titles = {stage.name: site._title(stage, ROOT) for stage in site.stages(ROOT / "reports/reference")}
    assert titles["lean_250k-fer2013"] == "lean_250k on FER2013's labels alone"
    assert titles["lean_932k-fer2013_distilled"].endswith("by equation 1 of the MicroExpNet of 2026")
    assert titles["priors"].endswith("and not on what it sees"), "and no command"
    assert max(map(len, titles.values())) < 160
    assert titles["light_fer"] == "Light-FER on FER2013 from Keras's ImageNet weights"
    assert titles["01_data_audit"].startswith("1 · Data audit") and not set(titles) & set(titles.values())
    assert site._title(ROOT / "reports/reference/mine", ROOT) == "mine"


def test_what_makes_reference_results(project):
    made = {stage.name: site.command(stage, ROOT) for stage in site.stages(ROOT / "reports/reference")}
    assert made["01_data_audit"] == "make reproduce PROFILE=laptop STAGE=01_data_audit FER2013=DOWNLOAD"
    assert made["lean_250k-fer2013"].startswith("fercore train params/recipes/lean_250k-fer2013.yaml")
    assert made["lean_250k-fer2013"].endswith("--release fercore/models/released")
    assert made["lean_250k_soft_labels"].endswith("--to runs/lean_250k_soft_labels"), "no weights of it come along"
    assert made["public_networks"].startswith("python tests/benchmarks/public_networks.py")
    assert (
        made["ingredients"] == "python tests/benchmarks/ingredients.py data/fer2013 --to reports/reference/ingredients"
    )
    assert made["ingredients-120"] == (
        "python tests/benchmarks/ingredients.py data/fer2013 --epochs 120 --runs runs/ingredients-120 "
        '--only "logit adjustment" "the recipe" --to reports/reference/ingredients-120'
    )
    assert site.command(ROOT / "reports/reference/released-int8", ROOT) == "", "of no benchmark"
    assert site._title(ROOT / "reports/reference/released-int8", ROOT) == "released-int8"
    assert "--only" not in site.command(ROOT / "reports/reference/frontier-2", ROOT), "without runs.csv"
    assert all(made.values()), made
    sources = {stage.name: site.source(stage, ROOT) for stage in site.stages(ROOT / "reports/reference")}
    assert all(sources.values()), sources


def test_tables_are_made_to_be_read(tmp_path):
    path = tmp_path / "comparison.csv"
    path.write_text(
        "network,parameters,cpu_ms,accuracy,accuracy_low,accuracy_high,p,data\n"
        "tinyfer_lite,932202.0,8.74,0.2754,0.2416,0.3133,,fer2013\nlbp_svm,,,0.655,0.615,0.6917,,fer2013\n"
        "not_measured,,,,,,,fer2013\n"
    )
    table, of = site.read(path)
    assert of == "fer2013" and list(table) == ["network", "parameters", "cpu ms", "accuracy"]
    assert table["accuracy"].tolist() == ["0.275 [0.242, 0.313]", "0.655 [0.615, 0.692]", ""]
    assert pd.api.types.is_integer_dtype(table["parameters"])


def test_numbers_of_a_column_have_as_many_decimals_as_one_another():
    frame = pd.DataFrame({"n": ["a", "b"], "x": [0.5, 400.0], "ms": [211.417, 35.2], "p": [-0.00004, 2]})
    assert re.findall("<td>(.*?)</td>", site._table(frame, "t")) == [
        *("0.500", "211.42", "-0.00004"),
        *("400.000", "35.20", "2.000"),
    ]
    several = pd.DataFrame({"n": ["a", "b", "c"], "value": [4600.0, 0.125, 35887]}, dtype=object)
    assert re.findall("<td>(.*?)</td>", site._table(several, "t")) == ["4,600", "0.125", "35,887"], (
        "each of its own kind"
    )


def test_ids_are_spelled_as_they_are_read(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("network,part,score,device,accuracy\nlean_65k,near_deduplicated,macro_f1,raspberry_pi_4,0.5\n")
    assert site.read(path)[0].loc[0].tolist()[:4] == ["lean_65k", "near-deduplicated", "macro-F1", "Raspberry Pi 4"]
    path.write_text("network,answers,split\nlean_65k,3,1\n")
    assert site.read(path)[0].loc[0].tolist() == ["lean_65k", 3, 1], "a number is none"


def test_the_ledger_stands_last_and_its_first_rows_alone_are_open(text):
    assert text.rindex("<section") == text.index('<section aria-labelledby="ledger">')
    assert "hits.slice(first)" in section(text, "ledger") and "show all</button>" in section(text, "ledger")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("findings.json", "[1]", "a list"),
        ("findings.json", "{}", "names no data or no findings"),
        ("findings.json", '{"data": "x", "findings": [1]}', "names no data or no findings"),
        ("scores.csv", "", "no table that can be read"),
        ("scores.csv", "score,value\naccuracy,0.5\nmacro_f1,0.", "cut off"),
        ("provenance.json", "{", "no JSON that can be read"),
        ("provenance.json", "{}", "a damaged record .*'data'"),
        ("provenance.json", '{"data": "fer2013"}', "a damaged record"),
        ("sentences.json", "{", "no sentences that can be read"),
        ("sentences.json", '[{"figure": 1}]', "no sentences that can be read"),
    ],
)
def test_a_damaged_result_is_told_with_its_name(project, name, content, told):
    path = project / "reports/quick/01_a" / name
    whole = path.read_bytes() if path.is_file() else None
    path.write_text(content)
    try:
        with pytest.raises(ValueError, match=told) as caught:
            site.index("quick", project)
    finally:
        path.unlink() if whole is None else path.write_bytes(whole)
    assert str(path) in str(caught.value)


def test_the_reference_page_and_picture_are_of_the_results_that_are_there(tmp_path):
    reference = ROOT / "reports/reference"
    same = site.index("reference", ROOT) == (reference / "index.html").read_text(encoding="utf-8")
    assert same, "run make reference"  # of two pages of 360,000 characters nobody wants to see the difference
    assert site.picture(ROOT, tmp_path).read_bytes() == (reference / site.HEADLINE).read_bytes()
    assert (reference / site.HEADLINE).stat().st_size < 200_000
    drawn = re.findall(r"<!-- (\w+(?:, claimed)?) -->", (reference / site.HEADLINE).read_text(encoding="utf-8"))
    for network, trained in {"light_fer": True, "microexpnet_se": True, "mini_resemotenet_a": False}.items():
        assert f"{network}, claimed" in drawn and (network in drawn) == trained, "beside what was trained as it was"
    assert sum(path.stat().st_size for path in reference.rglob("*.html")) < 2_000_000
