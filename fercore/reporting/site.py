"""The report as a site: reports/PROFILE/index.html, beside the folders of the stages and pages of their notebooks.

It is worked out from what the stages have written as CSV and JSON, and from the ledger; executed notebooks and records,
which hold times, are linked and never read. Its figures are the files beside it; nothing comes from elsewhere.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import mistune
import numpy as np
import pandas as pd

from .. import claims
from ..claims import effort, render, settings
from ..files import write_text
from ..results import measurements, tables, text
from ..results.folders import REFERENCE, TIMINGS
from ..results.tables import SENTENCES
from . import contents, ledger_page, ledger_sentences
from .page import folded, shell

PUBLIC = "public_networks"  # the stage whose table has the numbers of public networks
HEADLINE = "headline.svg"  # of the reference results: size against accuracy
ROWS = 40  # of a table that stands open or is folded away; a longer one is folded away or linked alone
PROSE = 40  # letters: what is longer in a table may be broken
WIDE = 1.9  # times as wide as high
WIDEST = 560  # points: of what is wider, half a page would make the letters too small
LARGE = 200_000  # bytes: of a figure with photographs the PNG is smaller, and enough
TITLE = "Lightweight facial emotion recognition, reproduced"
SHOWN = {  # tables that are to be seen, by stage; the others are folded away
    "01_data_audit": ("class_counts", "leakage_exact", "leakage_near", "vote_agreement"),
    "02_baselines": ("comparison", "costs"),
    "03_tinyfer_lite": ("scores", "report", "ablation", "differences"),
    "04_microexpnet_pooling": ("table_2", "verdicts"),
    "05_kd_temperature_grid": ("table_4", "variance", "methods", "verdicts"),
    "07_light_fer_compression": ("compression", "latency"),
    "08_edge_benchmarks": ("latency", "formats", "end_to_end", "devices"),
    "public_networks": ("networks",),
    "priors": ("networks",),
    "voted": ("networks",),
    "frontier": ("networks",),
    "released": ("files",),
    "ingredients": ("ingredients",),
    "student_training": ("speed",),
}
FIRST = ("scores", "verdicts", "comparison")  # of a stage that is not listed
KINDS = ("part", "score", "answers", "split", "device")  # columns of ids that are no names


def write(profile: str, root: str | Path = ".") -> Path:
    """Write reports/`profile`/index.html of the project at `root`, for a profile or for the reference results; returns
    its path. Raises LedgerError for claims that cannot be read."""
    target = Path(root, "reports", profile, "index.html")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_text(target, index(profile, root))
    return target


def index(profile: str, root: str | Path = ".") -> str:
    """The page that `write` writes. The same results give the same text."""
    root = Path(root)
    reports, reference = root / "reports" / profile, root / "reports" / REFERENCE
    params, folders = root / "params", [reports, reference] if profile != REFERENCE else [reference]
    results = _results(reports, root)  # first, so that a damaged file is reported at once
    before = _results(reference, root) if profile != REFERENCE else ""
    networks = claims.networks(params / "paper/networks.yaml")
    ledger = claims.load(params / "claims", networks)
    evidence = settings.evidence(folders, params)
    evidence["evidence"] = [Path(one).relative_to(root).as_posix() for one in evidence["evidence"]]
    made = measurements.every([*folders, *(folder / TIMINGS for folder in folders)])
    findings = claims.run(ledger, evidence)
    table = claims.judge(ledger, evidence, findings)
    plan = effort.plan(ledger, table, networks, evidence, params)
    parts = {
        "headline": ("What the papers are known for", _headline(ledger, table, made, reports, reference)),
        "verdicts": ("What became of the claims", _verdicts(table)),
        "contradictions": ("Where papers contradict themselves or their data sets", _contradictions(findings, table)),
        "results": ("What was measured", results),
        "real": ("Measured on real data before", before),
        "open": ("What it would take", _open(plan)),
        "provenance": ("How it was made", _provenance(reports, profile)),
        "ledger": ("The ledger", _ledger(ledger, table, made, plan)),
    }
    parts = {key: (name, body) for key, (name, body) in parts.items() if body}
    body = "\n".join(
        f'<section aria-labelledby="{key}"><h2 id="{key}">{text.html(name)}</h2>\n{section}</section>'
        for key, (name, section) in parts.items()
    )
    contents = {key: name for key, (name, _) in parts.items()}
    return shell(f"{TITLE}: {profile}", body, contents, _lead(profile, reports))


def picture(root: str | Path = ".", out: str | Path | None = None) -> Path:
    """Write the headline figure of the reference results, size against accuracy on FER2013: what was measured of public
    networks, this project's and the papers' by their own settings, and what the papers claim. Returns its path.

    out  the folder; by default that of the reference results
    """
    from .. import models
    from ..results import figures
    from . import plots

    root = Path(root)
    reference = root / "reports" / REFERENCE
    found = tables.read(reference / "public_networks/networks.csv", index_col="network")
    again = found.index.str.contains(", (?:quantised|earlier)$")  # a second file of the same package
    again |= (found.index + ", distilled").isin(found.index)  # the same network, which has learned less
    found = found[(found["views"] == "one") & ~again]  # as papers print, where they do not say otherwise
    columns = {"accuracy": "value", "accuracy_low": "low", "accuracy_high": "high"}
    shown = found.rename(columns=columns)[["parameters", *columns.values()]]
    ledger = claims.load(root / "params/claims", claims.networks(root / "params/paper/networks.yaml"))
    evidence, printed, rebuilt = measurements.gather([reference]), {}, {}
    for claim in map(ledger.claims.get, ledger.headline):
        kind, words, _ = measurements.split(claim.measurement) if claim.measurement else ("", [], [])
        network = words[0].split("+")[0] if words else ""
        if kind == "accuracy" and words[1] == "fer2013" and network in models.names() and network not in printed:
            size = evidence["value"][f"parameters({network}, 7)"]
            printed[network] = size, claim.value * (0.01 if claim.unit == "percent" else 1), np.nan, np.nan
            row = evidence.loc[claim.measurement] if claim.measurement in evidence.index else None
            if row is not None and measurements.reservation(str(row["protocol"])) is not None:
                rebuilt[network] = size, *row[["value", "low", "high"]]
    claimed, rebuilt = (
        pd.DataFrame.from_dict(points, orient="index", columns=shown.columns) for points in (printed, rebuilt)
    )
    claimed.index += ", claimed"
    ours = [*found.index[found["package"] == "this project"], *rebuilt.index]
    whole = pd.concat([shown, rebuilt, claimed])
    drawn = plots.size_and_accuracy(whole, "fer2013", "Accuracy by size, no TTA", ours, claimed.index.tolist())
    path = Path(out or reference) / HEADLINE
    figures.save(drawn, path.parent, path.stem)
    path.with_suffix(".png").unlink()
    return path


def stages(reports: str | Path) -> list[Path]:
    """The folders below `reports` that hold a stage's findings, in the order of the notebooks."""
    return sorted(path.parent for path in Path(reports).glob("*/findings.json"))


def findings_of(stage: Path) -> tuple[str, pd.DataFrame]:
    """What the data of a stage are called, and its single numbers: a row each, with name and value. Raises OSError, and
    ValueError for a file that is damaged."""
    whole = tables.read_json(path := stage / "findings.json")
    if not isinstance(found := whole.get("findings"), dict) or "data" not in whole:
        raise ValueError(f"{path}: names no data or no findings")
    rows = [(name.replace("_", " "), value) for name, value in found.items()]
    return whole["data"], pd.DataFrame(rows, columns=["finding", "value"], dtype=object)


def command(stage: Path, root: str | Path) -> str:
    """What makes a stage: its notebook, its recipe or its benchmark, whichever there is."""
    root, profile = Path(root), stage.parent.name
    if (root / f"notebooks/{stage.name}.ipynb").is_file():
        if profile != REFERENCE:
            return f"fercore notebook {stage.name} {profile}"
        return f"make reproduce PROFILE={_profile(stage)} STAGE={stage.name} FER2013=DOWNLOAD"
    if (root / f"params/recipes/{stage.name}.yaml").is_file():
        run = f"fercore train params/recipes/{stage.name}.yaml --data data/fer2013 --to runs/{stage.name}"
        weights = root / f"fercore/models/released/{stage.name}.safetensors"
        return f"{run} --release fercore/models/released" if weights.is_file() else run
    name, epochs = _benchmark(stage)
    if not (root / f"tests/benchmarks/{name}.py").is_file():
        return ""
    trained = ""
    if epochs and (stage / "runs.csv").is_file():
        chosen = pd.read_csv(stage / "runs.csv")["ingredient"].unique()
        trained = f" --epochs {epochs} --runs runs/{stage.name} --only " + " ".join(f'"{one}"' for one in chosen)
    return f"python tests/benchmarks/{name}.py data/fer2013{trained} --to reports/reference/{stage.name}"


def source(stage: Path, root: str | Path) -> str:
    """The file that says how a stage is made, from the root: its notebook's script, its recipe or its benchmark."""
    name, _ = _benchmark(stage)
    kinds = (f"notebooks/{stage.name}.py", f"params/recipes/{stage.name}.yaml", f"tests/benchmarks/{name}.py")
    return next((path for path in kinds if Path(root, path).is_file()), "")


def _benchmark(stage: Path) -> tuple[str, str]:
    """The benchmark that a stage is called after, BENCHMARK or BENCHMARK-EPOCHS, and these epochs, "" where it names
    none."""
    found = re.fullmatch(r"(\w+)-(\d+)", stage.name)
    return (found[1], found[2]) if found else (stage.name, "")


def _profile(stage: Path) -> str:
    """The profile that reference results were made with."""
    path = stage / measurements.FILE
    found = pd.read_csv(path, dtype=str)["profile"].dropna() if path.is_file() else pd.Series(dtype=str)
    return found.iloc[0] if len(found) else "laptop"


def _lead(profile: str, reports: Path) -> str:
    rendered = any("synthetic" in findings_of(stage)[0] for stage in stages(reports))
    real = "reference results, on real data" + ", and on rendered faces where they are named" * rendered
    kind = real if profile == REFERENCE else f"profile {profile}"
    warning = '<p class="warning">Some results here are of rendered faces. They are called synthetic, and no number of '
    warning += "theirs compares with a paper's.</p>"
    return f"""<h1>{TITLE}</h1>
<p>Papers on facial emotion recognition with small networks: what they print, what was measured, and a verdict on each
claim, worked out and never typed. This is the report of the {text.html(kind)}.</p>
{warning if rendered else ""}"""


def _headline(ledger, table: pd.DataFrame, made: pd.DataFrame, reports: Path, reference: Path) -> str:
    path, picture = reference / HEADLINE, ""
    if path.is_file():
        inline = f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}"
        caption = (
            "Accuracy on FER2013's PrivateTest by size, without TTA. What is measured has its 95 % interval: over "
            "images or, of several seeds, over seeds. "
        )
        links = f'The numbers stand in <a href="#{_key(reference / PUBLIC)}">the table of public networks</a> and in '
        links += '<a href="#ledger">the ledger</a>.'
        picture = _figure(HEADLINE if path.parent == reports else inline, caption, said=links, wide=True)
    rows = ledger_page.grouped(render.headline(ledger, table, made), ledger.papers)
    return f"""{picture}
<p><i>Nearest</i> is what stands closest to a claim whose own training, data or device could not be had, under its own
name and with how it differs; it decides no verdict. <i>Deduplicated</i> leaves out the test images that also stand in
what is trained on.</p>
<div class="known">{_scrolled(rows, "what the papers are known for")}</div>
<p>{_bold(ledger_sentences.known_for(table, ledger.headline))}</p>"""


def _verdicts(table: pd.DataFrame) -> str:
    meanings = "".join(f"<dt>{name}</dt><dd>{meaning}</dd>" for name, meaning in claims.VERDICTS.items())
    return f"""{_table(claims.summary(table).reset_index(), "Claims by paper and verdict")}
<p>{_bold(ledger_sentences.counted(table))}</p>
{folded("What each verdict means", f"<dl>{meanings}</dl>")}"""


def _contradictions(findings: list[claims.Finding], table: pd.DataFrame) -> str:
    found, doubtful = (render.contradictions(findings, assuming) for assuming in (False, True))
    both = (
        _scrolled(ledger_page.both_sides(one, name), name) for one, name in ((found, "sides"), (doubtful, "doubtful"))
    )
    return f"""<p>{_bold(ledger_sentences.contradicted(findings, found, table))}</p>
{folded(f"All {len(found)}, both sides", next(both))}
{folded(f"{len(doubtful)} under an assumption, or by one reading of several", next(both))}"""


def _open(plan: pd.DataFrame) -> str:
    ways, none = (plan[(plan["command"] != "") == there] for there in (True, False))
    items = []
    for number, way in ways.iterrows():
        needs = text.html(measurements.spelled(way["needs"]) or "nothing")
        which = folded("which", f"<p>{', '.join(map(text.html, way['claims']))}</p>")
        many = f"{len(way['claims'])} claim{'s' * (len(way['claims']) > 1)}"
        items.append(
            f'<li id="way-{number}"><b>{effort.shown(way["hours"])}</b>, {many}, needs {needs}:<br>'
            f"<code>{text.html(way['command'])}</code>{which}</li>"
        )
    counts, needs = none["claims"].map(len), none["needs"].map(measurements.spelled).replace("", effort.NO_NEED)
    rest = pd.DataFrame({"needs": needs, "claims": counts}).sort_values("claims", ascending=False, kind="stable")
    return f"""<p>A command for each group of claims without a verdict, cheapest first. Times are of two cores of an AMD
EPYC (Zen 4), worked out from multiply-adds, images and epochs over measured rates (<code>params/effort.yaml</code>).
What a command measures joins the ledger by itself, as do the files of <code>reports/paper</code> from elsewhere.</p>
<ol>{"".join(items)}</ol>
{folded(f"{counts.sum():,} claims that no command here settles", _table(rest, "Claims without a command"))}"""


def _ledger(ledger, table: pd.DataFrame, made: pd.DataFrame, plan: pd.DataFrame) -> str:
    ways = {
        key: (f"way-{number}", effort.shown(way["hours"]))
        for number, way in plan[plan["command"] != ""].iterrows()
        for key in way["claims"]
    }
    return ledger_page.searchable(table, "../../", "claims", near=render.beside(ledger, table, made), ways=ways)


def _results(reports: Path, root: Path) -> str:
    found = stages(reports)
    if not found:
        return f"<p>Nothing yet: <code>make reproduce PROFILE={text.html(reports.name)}</code>.</p>"
    links = (f'<li><a href="#{_key(stage)}">{text.html(_title(stage, root))}</a></li>' for stage in found)
    return "\n".join([f"<ul>{''.join(links)}</ul>", *(_stage(stage, root) for stage in found)])


def _key(stage: Path) -> str:
    """By which a page's links find a stage."""
    return text.html(f"{stage.parent.name}-{stage.name}")


def _title(stage: Path, root: Path) -> str:
    """What a stage asks, or is: the title of its notebook, and of a recipe or a benchmark what its file begins with, up
    to the first colon, sentence's end or empty line, with its epochs where its name has them; its name where there is
    none of them."""
    if not (file := source(stage, root)):
        return stage.name
    if file.startswith("notebooks/"):
        return contents.title(root / file)
    opening = re.match(r'"""(?:.+\n?)+|(?:#.+\n?)+', (root / file).read_text(encoding="utf-8"))
    words = " ".join(re.sub(r'"""|^#', "", opening[0], flags=re.M).split()) if opening else stage.name
    title, (_, epochs) = re.split(r":|\.(?: |$)", words)[0], _benchmark(stage)
    return f"{title}, {epochs} epochs" if epochs else title


def _stage(stage: Path, root: Path) -> str:
    """Of a stage what makes it, what is to be seen, its figures and tables; whatever comes from files is escaped."""
    data, numbers = findings_of(stage)
    up = "../reference/" if stage.parent.name == REFERENCE else ""
    timed = stage.with_name(TIMINGS) / stage.name  # beside the folder of what repeats
    folders = {stage: f"{up}{stage.name}", timed: f"{up}{TIMINGS}/{stage.name}"}
    listed = [_of_stage(path, place) for folder, place in folders.items() for path in sorted(folder.glob("*.csv"))]
    drawn = {path.stem: (path, place) for folder, place in folders.items() for path in sorted(folder.glob("*.svg"))}
    said = _said([folder / SENTENCES for folder in folders], list(drawn))
    pictures = {name: _of(path, place, data, said.get((name,), "")) for name, (path, place) in drawn.items()}
    parts = []
    for about in [*said, *((name,) for name in drawn)]:
        some = "".join(pictures.pop(name, "") for name in about)
        several = (
            f'<div class="across">{said[about]}<div class="figures">{some}</div></div>' if len(about) > 1 else some
        )
        parts.append(several)
    made = f"Made by <code>{text.html(by)}</code>. " if (by := command(stage, root)) else ""
    name, key, title = text.html(stage.name), _key(stage), _title(stage, root)
    about = name if title == stage.name else f"{text.html(title)} <small>({name})</small>"
    return f"""<section aria-labelledby="{key}"><h3 id="{key}">{about}</h3>
<p>Data: {text.html(data)}. {made}{" · ".join(_links(stage, up, root))}</p>
{said.get((), "")}
<div class="figures">{"".join(parts)}</div>
{"".join(table for table in listed if not table.startswith(("<details", "<p")))}
{"".join(table for table in listed if table.startswith(("<details", "<p")))}
{folded(f"{len(numbers)} settings and single numbers", _table(numbers, f"Of {stage.name}"))}</section>"""


class _Escaping(mistune.HTMLRenderer):
    """Takes no HTML, but the entities that `text.markdown` writes."""

    def text(self, text: str) -> str:
        return mistune.util.safe_entity(text)


def _said(files: Iterable[Path], figures: list[str]) -> dict[tuple[str, ...], str]:
    """What a stage says is to be seen, in its order, as HTML by what it is about: a figure, several whose names begin
    alike, or none, (). What is of figures that are not there, such as those that show faces, is left out."""
    read = mistune.create_markdown(renderer=_Escaping(escape=True))
    found = {}
    for path in files:
        for said in _sentences(path) if path.is_file() else []:
            name = said["figure"]
            alike = (name,) if name in figures else tuple(one for one in figures if one.startswith(f"{name}_"))
            about = alike if name else ()
            if about or not name:
                found[about] = found.get(about, "") + read(said["sentence"].replace(text.DOLLAR, "$"))
    return {about: f'<div class="said">{said}</div>' for about, said in found.items()}


def _sentences(path: Path) -> list[dict]:
    """What `Stage.says` has written. Raises ValueError with the file's name where it is damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if all(isinstance(one[key], str) for one in found for key in ("figure", "sentence")):
            return found
        why = "not all are text"
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        why = repr(error)
    raise ValueError(f"{path}: no sentences that can be read ({why})")


def _links(stage: Path, up: str, root: Path) -> list[str]:
    """To what says how it is made, to the executed notebook and to the record, where there are any."""
    file = source(stage, root)
    found = [f'<a href="../../{text.html(file)}">the source</a>'] if file else []
    if (stage.parent / f"notebooks/{stage.name}.html").is_file():
        found.append(f'<a href="{up}notebooks/{text.html(stage.name)}.html">the executed notebook</a>')
    for record in (f"{stage.name}/provenance.json", f"provenance/{stage.name}.json"):
        if (stage.parent / record).is_file():
            found.append(f'<a href="{up}{text.html(record)}">how it was made</a>')
    return found


def _of_stage(path: Path, place: str) -> str:
    """A table of a stage with its files: open, folded away, or where it is long only the files."""
    frame, of = read(path)
    files = [f'<a href="{place}/{path.name}">CSV</a>']
    if path.with_suffix(".tex").is_file():
        files.append(f'<a href="{place}/{path.stem}.tex">LaTeX</a>')
    caption = _caption(path) or f"{path.stem.replace('_', ' ')}{of and ', '}{of}"
    if "_" not in caption.split()[0]:  # which is the name of a network
        caption = caption[0].upper() + caption[1:]
    known = SHOWN.get(path.parent.name, FIRST)
    if path.stem not in known and len(frame) > ROWS:
        return f"<p>{text.html(caption)}, {len(frame):,} rows: {', '.join(files)}</p>"
    table = f'{_table(frame, caption)}<div class="quiet">{", ".join(files)}</div>'
    return table if path.stem in known and len(frame) <= ROWS else folded(caption, table)


def _caption(path: Path) -> str:
    """What a table says of itself in LaTeX, plain; empty where it does not."""
    tex = path.with_suffix(".tex")
    found = re.search(r"^\\caption\{(.+)\}$", tex.read_text(encoding="utf-8"), re.M) if tex.is_file() else None
    return text.from_latex(found[1]) if found else ""


def read(path: Path) -> tuple[pd.DataFrame, str]:
    """A table of a stage to be read, with intervals beside what they are of and no column that is empty; and of which
    data it is."""
    table = tables.read(path)
    of = ", ".join(map(str, table["data"].unique())) if "data" in table else ""
    if "data" in table and table["data"].nunique() == 1:
        table = table.drop(columns="data")
    table = tables.with_intervals(table.convert_dtypes())  # whole numbers become whole
    for name in table.columns.intersection(KINDS):
        if tables.is_text(table[name]):
            table[name] = table[name].map(_spelled, na_action="ignore")
    return table.rename(columns=_spelled), of


def _spelled(name: str) -> str:
    """An id as it is read: "near-deduplicated", "Raspberry Pi 4"."""
    name = measurements.spelled(name)
    return re.sub("(macro|weighted) f1", r"\1-F1", name.replace("_", " ")).replace("near dedup", "near-dedup")


def _of(path: Path, place: str, data: str, said: str) -> str:
    """A figure with what is to be seen in it, HTML; what it shows in words is what the file says of itself, and its
    name stands below where it has no title."""
    png = path.with_suffix(".png")
    file = png if path.stat().st_size > LARGE and png.is_file() else path
    own = re.search(r"<dc:title>(.*?)</dc:title>", path.read_text(encoding="utf-8"), re.DOTALL)
    name = f"{path.stem.replace('_', ' ').capitalize()}, {data}"
    words = html.unescape(own[1]) if own else name
    return _figure(f"{place}/{file.name}", "" if own else name, words, said, wide=_is_wide(path))


def _is_wide(path: Path) -> bool:
    """Whether an SVG is so wide that half a page would make its letters too small."""
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', path.read_text(encoding="utf-8"))
    if not found:
        return False
    width, height = map(float, found.groups())
    return width > WIDEST or width > WIDE * height


def _figure(source: str, caption: str, words: str = "", said: str = "", wide: bool = False) -> str:
    """An image with a caption, and where that is not enough with words for those who do not see it; `said`: HTML that
    stands below the caption."""
    kind = ' class="wide" tabindex="0"' if wide else ""  # which a narrow window scrolls, by keys too
    below = f"<figcaption>{text.html(caption)}{said}</figcaption>" if caption or said else ""
    image = f'<img src="{text.html(source)}" alt="{text.html(words or caption)}" loading="lazy">'
    return f"<figure{kind}>{image}\n{below}</figure>\n"


def _provenance(reports: Path, profile: str) -> str:
    rows = []
    for path in (stage / "provenance.json" for stage in stages(reports)):
        if not path.is_file():  # of a profile: it holds times, and is linked alone
            continue
        try:
            rows.append({"stage": path.parent.name} | _made(tables.read_json(path)))
        except (LookupError, TypeError, AttributeError) as error:
            raise ValueError(f"{path}: a damaged record ({error!r})") from None
    table = _table(pd.DataFrame(rows), "Records of the stages") if rows else ""
    again = "fercore site reference" if profile == REFERENCE else f"make reproduce PROFILE={profile}"
    return f"""{table}<p>This page is made by <code>{text.html(again)}</code>. Each stage has a record of its
parameters, the fingerprint of its data, the revision of the code, versions, machine and time, linked beside it. A
fingerprint covers images and labels: with other labels, such as FER+ votes, the same images have another. Tables
are there as CSV and as LaTeX.</p>"""


def _made(record: Mapping) -> dict[str, str]:
    """Of a record the row of the table of records."""
    data = record["data"] if isinstance(record["data"], list) else [record["data"]]
    of = (f"{one['name']}, {one['images']:,} images ({one['fingerprint'][:12]})" for one in data)
    return {
        "data (fingerprint)": "; ".join(of),
        "revision": (record["revision"] or "")[:12],
        "device": f"{record['system']}, {record['device']}",
        "Python, torch": f"{record['python']}, {record['versions'].get('torch', '')}",
        "seconds": f"{record['wall_seconds']:.0f}{', trained before' * bool(record.get('kept'))}",
    }


def _table(frame: pd.DataFrame, caption: str) -> str:
    """A frame as HTML, escaped; the first column heads the rows, and words stand to the left."""
    kinds = [_kind(column) for _, column in frame.items()]
    shown = [_cells(column) for _, column in frame.items()]
    head = "".join(
        f'<th scope="col"{kind}>{text.html(name)}</th>' for name, kind in zip(frame.columns, kinds, strict=True)
    )
    rows = []
    for first, *rest in zip(*shown, strict=True):
        cells = (f"<td{kind}>{one}</td>" for one, kind in zip(rest, kinds[1:], strict=True))
        rows.append(f'<tr><th scope="row">{first}</th>{"".join(cells)}</tr>\n')
    body = "".join(rows)
    title = f"<caption>{text.html(caption)}</caption>"
    return _scrolled(f"<table>{title}<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>", caption)


def _kind(column: pd.Series) -> str:
    """The class of a column's cells, as an attribute: of words, and of prose, which may take several lines."""
    if not tables.is_text(column):
        return ""
    return f' class="words{" prose" if column.astype(str).str.len().max() > PROSE else ""}"'


def _scrolled(table: str, name: str) -> str:
    """A table in a region of its own, which a narrow window scrolls, by keys too."""
    return f'<div class="scroll" tabindex="0" role="group" aria-label="{text.html(name)}">{table}</div>'


def _cells(column: pd.Series) -> list[str]:
    """The cells of a column, escaped: numbers with as many decimals as one another, or each with its own where values
    are of many kinds."""
    if column.dtype != object:
        return [text.html(cell) for cell in tables.cells(column)]
    plain = (json.dumps(one) if isinstance(one, Iterable) and not isinstance(one, str) else one for one in column)
    return [text.html(cell) for one in plain for cell in tables.cells([one])]


def _bold(markdown: str) -> str:
    """Sentences that hold no other Markdown than **bold** text; what comes from data is escaped in them already."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", markdown)
