"""Every figure names its data, stands the odd cases, and is the same file every run."""

import itertools
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.path import Path as MatplotlibPath
from matplotlib.text import Text

from fercore import audit
from fercore.datasets import votes as fer_votes
from fercore.datasets.faces import FER2013_CLASSES, Faces, table
from fercore.reporting import plots
from fercore.reporting.plots import drawing
from fercore.results import figures

READING = "pairs of images"


def faces_of(label, split="", synthetic=True, classes=FER2013_CLASSES, colour=(), seed=0, **more):
    pixels = np.random.default_rng(seed).integers(0, 256, (len(label), 24, 24, *colour), np.uint8)
    return Faces("set", pixels, table(label, split, **more), classes, synthetic)


def seven(split=("Training", "PublicTest", "PrivateTest"), **settings):
    label = np.tile(np.arange(7), 9)
    settings = {"label": label, "split": np.repeat(split, 63 // len(split)), **settings}
    return faces_of(**settings)


def suspects(faces, seed=0):
    draw = np.random.default_rng(seed)
    return pd.DataFrame({"quality": draw.random(len(faces)), "suspected": draw.random(len(faces)) < 0.3})


def leaks(faces, group):
    return audit.leakage(faces, np.asarray(group))


def votes(faces):
    counts = np.random.default_rng(0).multinomial(10, np.full(10, 0.1), len(faces))
    columns = {f"votes_{name}": counts[:, index] for index, name in enumerate(fer_votes.VOTES)}
    return Faces(faces.name, faces.pixels, faces.table.assign(**columns), faces.classes, faces.synthetic)


def history(epochs=5, seed=0):
    draw = np.random.default_rng(seed)
    columns = {name: np.sort(draw.random(epochs)) for name in ("train_loss", "loss", "accuracy", "macro_f1")}
    return pd.DataFrame({"epoch": np.arange(epochs) + 1, **columns})


def scored(names):
    value = np.linspace(0.4, 0.6, len(names))
    return pd.DataFrame({"value": value, "low": value - 0.02, "high": value + 0.03}, index=pd.Index(names, name="name"))


def costs():
    names = ["simple_cnn", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "tinyfer_lite"]
    columns = {"parameters": [1175015, 2232839, 1525031, 4016515, 932202], "cpu_ms": [30, 19, 11.4, 31.6, 11]}
    return pd.DataFrame({**columns, "accuracy": [0.6, 0.5, 0.55, 0.4, 0.67]}, index=names)


def recalls(faces):
    part = pd.DataFrame({"class": faces.classes, "images": 3 ** np.arange(1, 8), "recall": np.linspace(0.1, 1, 7)})
    names = [
        "MobileNetV3-Small alone",
        "with ECA",
        "ECA, focal loss",
        "ECA, class weights",
        "full recipe",
        "distilled student",
    ]
    return pd.concat([part.assign(run=name, recall=part["recall"] / place) for place, name in enumerate(names, 1)])


def calibrated():
    table = pd.DataFrame({"confidence": [0.3, 0.6, 0.95], "accuracy": [0.2, 0.5, 0.9], "images": [5, 90, 40]})
    return table.assign(bin=[4, 9, 14])


def over_sizes():
    rows = [
        (split, kind, size)
        for split in ("subject folds", "random folds")
        for kind in ("none", "after both")
        for size in ("m", "xxs")
    ]
    value = np.linspace(-0.1, 0.9, len(rows))
    return pd.DataFrame(rows, columns=["split", "pooling", "size"]).assign(
        value=value, low=value - 0.1, high=value + 0.2
    )


def parts():
    index = ["m, subject folds", "xxs, subject folds"]
    return pd.DataFrame({"folds": [0.5, 0.2], "temperature": [0.01, 0.3], "seeds": [0.49, np.nan]}, index)


def pruned():
    ways = itertools.product(("lean_250k", "simple_cnn"), (0.5, 0.8), ("at once", "while training"))
    rows = [(network, share, how, share / 2) for network, share, how in ways]
    return pd.DataFrame(rows, columns=["network", "sparsity", "how", "accuracy"])


def timed():
    names = ["PyTorch", "ONNX Runtime int8", "TensorRT"]
    part = pd.DataFrame({"runtime": names, "median": [4.2, 0.6, np.nan], "p90": [4.4, 0.9, np.nan], "img_size": 64})
    return pd.concat([part.assign(network=name, limit=0.3) for name in ("microexpnet_xxs", "tinyfer_lite")])


FORMS = ["fp32", "FP16", "INT8 per tensor", "pruned 0.5 at once", "without 30 % of channels"]


def variants():
    values = {"MiB": [3.6, 1.8, 1.0, 3.6, 1.9], "accuracy": [0.65, 0.66, 0.64, 0.6, 0.5]}
    index = pd.MultiIndex.from_product([["lean_250k"], FORMS])
    return pd.DataFrame(values, index)


def two_splits(faces):
    place = np.arange(len(faces))
    return {"subject folds": place // 21, "random folds": place % 3}


DRAW = {
    "sparsity": lambda faces: plots.sparsity(
        pruned(), {"lean_250k": 0.6, "simple_cnn": 0.7}, faces, "Weights taken out"
    ),
    "rounded": lambda faces: plots.rounded(np.linspace(-1, 1, 99), np.arange(99) % 3 - 1.0, 2, "conv1", faces),
    "latencies": lambda faces: plots.latencies(timed(), faces, "Batch 1, one thread"),
    "pareto": lambda faces: plots.pareto(variants(), "MiB", "accuracy", faces, "Sizes", "MiB", "accuracy, %"),
    "softened": lambda faces: plots.softened(faces, 4 * np.eye(7)[np.arange(63) % 7], 5, 8.0),
    "sides": lambda faces: plots.sides(faces, [0, 2, 5, 9], two_splits(faces), 1),
    "panels": lambda faces: plots.panels(over_sizes(), "size", "pooling", "split", faces, "Accuracy", "accuracy, %"),
    "shares": lambda faces: plots.shares(parts(), faces, "Variance", "share, %"),
    "training_curves": lambda faces: plots.training_curves(
        {"tinyfer_lite": history(), "mobilenet_v3_small": history(1, 1)}, faces, "macro_f1", "Runs"
    ),
    "confusion": lambda faces: plots.confusion(np.arange(49).reshape(7, 7) ** 2, faces, "PrivateTest"),
    "intervals": lambda faces: plots.intervals(scored(list("abcd")), faces, "Scores", "accuracy, %"),
    "size_and_latency": lambda faces: plots.size_and_latency(costs(), faces),
    "size_and_accuracy": lambda faces: plots.size_and_accuracy(sized(), faces, "Networks", ["five"]),
    "affordable": lambda faces: plots.affordable(sized(), faces, 1e6),
    "by_agreement": lambda faces: plots.by_agreement(faces, np.linspace(0, 1, len(faces)), 0.5),
    "recall_by_frequency": lambda faces: plots.recall_by_frequency(recalls(faces), faces),
    "reliability": lambda faces: plots.reliability(calibrated(), 0.073, faces),
    "explanations": lambda faces: plots.explanations(
        faces, [0, 1, 2], np.full((3, 24, 24), 0.5), ["angry\nsays sad"] * 3, "Grad-CAM"
    ),
    "class_counts": lambda faces: plots.class_counts(audit.counts(faces), faces),
    "contact_sheet": lambda faces: plots.contact_sheet(faces, [[0, 1], [2], []], ["a", "b", "c"], "Some"),
    "by_doubt": lambda faces: plots.by_doubt(faces, np.arange(len(faces)) / 63, 0.5, 2),
    "answered": lambda faces: plots.answered(faces, np.arange(20), (faces.labels[:20] + 1) % 7, *faces.classes[:2], 4),
    "augmented": lambda faces: plots.augmented(faces, [0, 1], np.zeros((3, 2, 12, 12), np.uint8), "Augmentation"),
    "by_class": lambda faces: plots.by_class(faces, 2),
    "image_pairs": lambda faces: plots.image_pairs(faces, [(0, 1)] * 3, ["x\ny"] * 3, "Pairs"),
    "leakage": lambda faces: plots.leakage(*[leaks(faces, np.arange(len(faces)) % size) for size in (50, 9)], faces),
    "class_pairs": lambda faces: plots.class_pairs(
        audit.contradictions(faces, np.arange(len(faces)) // 5), faces, "Labels", READING
    ),
    "mean_faces": lambda faces: plots.mean_faces(audit.mean_faces(faces), faces),
    "brightness": lambda faces: plots.brightness(audit.brightness(faces), faces),
    "vote_agreement": lambda faces: plots.vote_agreement(audit.vote_agreement(votes(faces)), faces),
    "label_errors": lambda faces: plots.label_errors(suspects(faces), faces.labels % 2 * 1.0, faces, "hand"),
}


def sized():
    """Networks that stand close together, so that their names have to give way."""
    value = np.array([0.5, 0.5, 0.6, 0.61, 0.65])
    table = {"parameters": [50_000, 52_000, 2_400_000, 2_500_000, 900_000], "value": value}
    names = ["one", "two", "three of a long name", "four of a long name", "five"]
    return pd.DataFrame({**table, "low": value - 0.02, "high": value + 0.01}, index=names)


def words(figure):
    """All text of a figure."""
    return [text.get_text() for text in figure.findobj(lambda part: hasattr(part, "get_text"))]


def titles(figure):
    return [figure.get_suptitle(), *[axis.get_title() for axis in figure.axes]]


@pytest.mark.parametrize("name", DRAW)
def test_the_title_says_what_the_data_are(name):
    modules = (plots.costs, plots.data, plots.pictures, plots.scores)
    defined = {name for one in modules for name, made in vars(one).items() if hasattr(made, "__wrapped__")}
    written = {
        name for one in modules for name, made in vars(one).items() if getattr(made, "__module__", "") == one.__name__
    }
    assert {name for name in defined | written if not name.startswith("_")} - {"as_text"} == {*plots.__all__}
    public = {*plots.__all__} - {"memory", "opinions"}  # of no faces; of a picture, and of no set
    assert set(DRAW) == public, "a figure that is not tested here"
    assert all(hasattr(getattr(plots, name), "__wrapped__") for name in public), (
        "a figure that takes names for mathematics"
    )
    rendered, real = DRAW[name](seven()), DRAW[name](seven(synthetic=False))
    assert isinstance(rendered, Figure)
    assert any(title.endswith("set (synthetic)") for title in titles(rendered)), titles(rendered)
    assert any(title.endswith("set") for title in titles(real)) and not any("synthetic" in word for word in words(real))


def boxes(figure):
    """What a reader reads and where it stands: (text, box) for all that is not outside the range of its axis."""
    figure.draw_without_rendering()
    found = [figure._suptitle, *figure.texts, *[text for legend in figure.legends for text in legend.get_texts()]]
    for axes in figure.axes:
        found += [*axes.texts, axes.title]
        if axes.get_legend():
            found += axes.get_legend().get_texts()
        for place, axis in enumerate((axes.xaxis, axes.yaxis) if axes.axison else ()):
            low, high = sorted(axis.get_view_interval())
            found += [
                axis.label,
                *[text for text in axis.get_ticklabels() if low <= text.get_position()[place] <= high],
            ]
    shown = {id(text): text for text in found if text is not None and text.get_visible() and text.get_text().strip()}
    return [(text.get_text(), text.get_window_extent()) for text in shown.values()]


@pytest.mark.parametrize("name", DRAW)
def test_no_text_stands_on_another(name):
    found = boxes(DRAW[name](seven()))
    assert len(found) > 3
    for place, (text, box) in enumerate(found):
        for other, another in found[:place]:
            wide = min(box.x1, another.x1) - max(box.x0, another.x0)
            high = min(box.y1, another.y1) - max(box.y0, another.y0)
            assert wide <= 2 or high <= 2, f"{text!r} stands on {other!r}"


ODD = {
    "a class missing": lambda: seven(label=np.tile([0, 1, 2, 4, 5, 6, 6], 9)),
    "a class missing in a split": lambda: seven(label=np.where(np.arange(63) < 21, 3, np.tile(np.arange(7), 9))),
    "one split": lambda: seven(split=["Training"]),
    "no split": lambda: seven(split=[""]),
    "RGB": lambda: seven(colour=(3,)),
    "one class": lambda: seven(label=np.zeros(63, int)),
}


@pytest.mark.filterwarnings("error:invalid value:RuntimeWarning", "error:Mean of empty:RuntimeWarning")
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", DRAW)
def test_odd_sets_are_drawn_too(name, odd):
    assert any("(synthetic)" in title for title in titles(DRAW[name](ODD[odd]())))


HOSTILE = (
    r"$\frac$",
    "total",
    "<img src=x onerror=alert(1)>",
    "happy (smile)",
    "a$b$",
    "_hidden",
    "tab\tand\r\n",
)


@pytest.mark.parametrize("name", DRAW)
def test_a_name_from_data_is_text_and_never_mathematics(name, tmp_path):
    faces = seven(classes=HOSTILE, split=["$x^$", "total", "all"])
    faces = Faces(r"$\undefined$ set", faces.pixels, faces.table, faces.classes, synthetic=True)
    if name == "vote_agreement":
        agreed = audit.vote_agreement(votes(seven())).rename(index=dict(zip(FER2013_CLASSES, HOSTILE, strict=True)))
        figure = plots.vote_agreement(agreed, faces)
    elif name == "leakage":
        leaked = audit.leakage(faces, np.arange(63) % 9, "$x^$")
        figure = plots.leakage(leaked, leaked, faces, "$x^$")
    elif name == "intervals":
        figure = plots.intervals(scored(HOSTILE), faces, "$a$", "$b$")
    else:
        figure = DRAW[name](faces)
    figures.save(figure, tmp_path, name)  # mathematics that nobody can read ends in an error here
    found = [title for title in titles(figure) if r"\$\undefined\$ set (synthetic)" in title]
    assert found and (tmp_path / f"{name}.svg").stat().st_size > 1000


def test_class_counts_shows_a_class_named_total():
    faces = faces_of([0, 0, 1], ["Test", "total", "total"], classes=("total", "b"))
    table = audit.counts(faces)
    assert table.index.tolist() == ["total", "b", "total of all"]
    assert table.columns.tolist() == ["Test", "total", "total of all"]
    assert table.to_numpy().tolist() == [[1, 1, 2], [0, 1, 1], [1, 2, 3]]
    assert [axis.get_title() for axis in plots.class_counts(table, faces).axes] == ["Test: 1", "total: 2"]


def test_class_counts_shows_the_counts():
    faces = faces_of([0, 0, 1, 2], ["Training", "Training", "Training", "Test"], classes=("a", "b", "c"))
    figure = plots.class_counts(audit.counts(faces), faces)
    assert [axis.get_title() for axis in figure.axes] == ["Training: 3", "Test: 1"]
    assert [bar.get_width() for bar in figure.axes[0].patches] == pytest.approx([200 / 3, 100 / 3, 0])
    assert [text.get_text() for text in figure.axes[0].texts] == ["2", "1", "0"]
    assert figure.axes[0].yaxis_inverted(), "the first class on top"


def test_a_contact_sheet_shows_the_rows_it_is_given():
    faces = seven()
    figure = plots.contact_sheet(faces, [[5, 3], [8]], ["first", "second"], "Some")
    shown = [axis.images[0].get_array() for axis in figure.axes if axis.images]
    assert [np.array_equal(image, faces.pixels[row]) for image, row in zip(shown, (5, 3, 8), strict=True)] == [True] * 3
    assert {"first", "second"} <= set(words(figure))


def test_by_class_draws_from_the_split_and_by_the_seed():
    faces = seven()

    def shown(**settings):
        return [axis.images[0].get_array() for axis in plots.by_class(faces, 2, **settings).axes if axis.images]

    pool = {image.tobytes() for image in faces.pixels[faces.rows("PublicTest")]}
    assert len(shown()) == 14 and {np.asarray(image).tobytes() for image in shown(split="PublicTest")} <= pool
    assert np.array_equal(shown(seed=1), shown(seed=1)) and not np.array_equal(shown(seed=1), shown(seed=2))
    assert "from PublicTest" in plots.by_class(faces, 2, split="PublicTest").get_suptitle()


@pytest.mark.parametrize(("count", "colour"), [(0, ()), (0, (3,)), (1, ()), (3, (3,)), (11, ())])
def test_image_pairs_shows_each_pair_with_its_caption(count, colour):
    faces = seven(colour=colour)
    pairs = [(row, row + 1) for row in range(count)]
    figure = plots.image_pairs(faces, pairs, [f"pair {row}" for row in range(count)], "Pairs")
    shown = [axis for axis in figure.axes if axis.images]
    assert len(shown) == count
    for row, axis in enumerate(shown):
        image = np.asarray(axis.images[0].get_array())
        assert np.array_equal(image[:24], faces.pixels[row]) and np.array_equal(image[-24:], faces.pixels[row + 1])
        assert axis.texts[0].get_text() == f"pair {row}"
    assert ("none" in words(figure)) == (count == 0)


def test_leakage_shows_both_kinds_and_leaves_training_out():
    faces = seven()
    exact, near = leaks(faces, np.arange(63) % 60), leaks(faces, np.arange(63) % 21)
    axis = plots.leakage(exact, near, faces).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["PublicTest", "PrivateTest"]
    assert [bar.get_width() for bar in axis.patches] == pytest.approx([0, 100 / 7, 100, 100])
    assert [text.get_text() for text in axis.texts] == ["0", "3", "21", "21"]


def test_class_pairs_leaves_the_diagonal_out_of_the_colours():
    faces = faces_of([0, 1, 2], classes=("a", "b", "c"))
    counts = pd.DataFrame([[9999, 1, 2], [1, 5, 0], [2, 0, 7]], index=faces.classes, columns=faces.classes)
    axis = plots.class_pairs(counts, faces, "Labels", READING).axes[0]
    values = axis.collections[0].get_array()
    assert np.ma.getmaskarray(values).reshape(3, 3).diagonal().all() and values.max() == 2
    assert sorted(text.get_text() for text in axis.texts) == sorted(["9,999", "5", "7", "1", "1", "2", "2", "0", "0"])
    assert not any(line.get_visible() for line in axis.get_xgridlines()), "a line through every number of the diagonal"


def test_label_errors_of_a_perfect_order_stay_at_the_top():
    faces = faces_of(np.zeros(100, int))
    wrong = np.repeat([1.0, 0.0, np.nan], [40, 40, 20])
    found = pd.DataFrame({"quality": np.arange(100) / 100, "suspected": np.arange(100) < 20})
    curve, chance, point = plots.label_errors(found, wrong, faces, "hand").axes[0].lines
    assert curve.get_xdata()[[0, -1]].tolist() == [50, 100] and curve.get_ydata()[[0, 20, -1]].tolist() == [
        100,
        100,
        50,
    ]
    assert chance.get_ydata()[0] == 50
    assert (point.get_xdata()[0], point.get_ydata()[0]) == (50, 100)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("wrong", [0.0, 1.0, np.nan])
def test_label_errors_are_drawn_where_there_are_none(wrong):
    faces = seven()
    found = suspects(faces).assign(suspected=False)
    plots.label_errors(found, np.full(63, wrong), faces, "hand").draw_without_rendering()


def test_vote_agreement_shows_shares_of_all_images():
    faces = seven()
    axis = plots.vote_agreement(audit.vote_agreement(votes(faces)), faces).axes[0]
    widths = np.array([bar.get_width() for bar in axis.patches]).reshape(3, 8)
    assert widths.sum(axis=0) == pytest.approx(np.full(8, 100))


SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
import test_plots
test_plots.save_all(sys.argv[1])
"""


SAVED = ("contact_sheet", "class_pairs", "mean_faces")  # each is laid out in its own way


def save_all(out):
    for name in SAVED:
        figures.save(DRAW[name](seven()), out, name)


def test_the_same_bytes_in_another_process_and_when_saved_again(tmp_path):
    save_all(tmp_path / "here")
    script = SCRIPT.format(folder=str(Path(__file__).parent))
    # another seed for hashes, so that nothing rests on the order of a set
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "there")], check=True, env=environment)
    files = sorted(path.name for path in (tmp_path / "here").iterdir())
    assert files == sorted(f"{name}.{suffix}" for name in SAVED for suffix in ("png", "svg"))
    for name in files:
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes(), name
    figure = DRAW["mean_faces"](seven())
    assert figures.save(figures.save(figure, tmp_path / "here", "first"), tmp_path / "here", "second") is figure
    for suffix in ("png", "svg"):
        first, second = ((tmp_path / f"here/{part}.{suffix}").read_bytes() for part in ("first", "second"))
        assert first == second == (tmp_path / f"there/mean_faces.{suffix}").read_bytes()
    assert b"<dc:date>" not in (tmp_path / "here/first.svg").read_bytes()


def test_nothing_is_written_where_out_is_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    figure = Figure()
    assert figures.save(figure, "", "x") is figure and not list(tmp_path.iterdir())


def test_panels_show_each_value_with_its_interval_and_scores_within_what_there_is():
    table = over_sizes()
    figure = plots.panels(table, "size", "pooling", "split", seven(), "Accuracy", "accuracy, %")
    drawn = [line.get_ydata() for axis in figure.axes for line in axis.lines if line.get_linestyle() == "-"]
    assert np.concatenate(drawn) == pytest.approx(100 * table["value"].to_numpy())
    assert figure.axes[0].get_ylim()[0] == 0 and figure.axes[0].get_ylim()[1] <= 100
    last = table.assign(high=np.where(table["split"] == "random folds", 0.99, 0.2), low=0.1, value=0.15)
    reach = plots.panels(last, "size", "pooling", "split", seven(), "Accuracy", "accuracy, %").axes[0].get_ylim()[1]
    assert reach >= 99  # of all panels
    gains = plots.panels(table, "size", "pooling", "split", seven(), "Gain", "points", zero=True)
    of = {line.get_color(): line.get_marker() for line in gains.axes[0].lines if line.get_marker() in drawing.MARKERS}
    assert len(set(of.values())) == len(of) == table["pooling"].nunique() > 1, "told apart without their colours, too"
    one = plots.panels(table[table["size"] == "m"], "size", "pooling", "split", seven(), "Gain", "points", zero=True)
    assert one.axes[0].get_xlim() == (-0.5, 0.5)
    assert gains.axes[0].get_ylim()[0] < -10


def test_a_category_keeps_its_color_where_another_is_not_shown():
    table = over_sizes()
    one, other = (
        plots.panels(part.assign(pooling=pd.Categorical(part["pooling"], ["none", "after both"])), "size", "pooling",
                     "split", seven(), "Accuracy", "%")
        for part in (table, table[table["pooling"] != "none"])
    )  # fmt: skip
    colors = [{line.get_color() for line in figure.axes[0].lines} for figure in (one, other)]
    assert len(colors[0]) == 2 and colors[1] < colors[0]
    assert colors[1] != {sns.color_palette()[0]}


def test_size_and_accuracy_marks_ours_and_gives_intervals():
    table = sized().rename(index={"five": "lean_932k"})
    axis = plots.size_and_accuracy(table, seven(), "Networks", ["lean_932k"]).axes[0]
    dots = {tuple(np.round(line.get_xydata()[0], 6)): line for line in axis.lines if line.get_marker() in "oD"}
    assert {spot: line.get_marker() for spot, line in dots.items()} == {
        (row.parameters, round(100 * row.value, 6)): "D" if row.Index == "lean_932k" else "o"
        for row in table.itertuples()
    }
    ends = [bar.get_segments()[0][:, 1] for bar in axis.collections]
    assert np.sort(ends, axis=0) == pytest.approx(np.sort(100 * table[["low", "high"]].to_numpy(), axis=0))
    assert axis.get_xscale() == "log" and {text.get_text() for text in axis.texts} == set(table.index)


def test_the_legend_says_which_networks_were_trained_here_and_which_are_claimed():
    for ours, claimed, expected in (
        (["lean_932k, distilled"], ["one"], ["trained here", "from a public package", "claimed by a paper"]),
        (["two", "lean_932k, distilled"], [], ["trained here", "a paper's, trained here", "from a public package"]),
        ([], [], ["from a public package"]),
    ):
        table = sized().rename(index={"five": "lean_932k, distilled"})
        [legend] = plots.size_and_accuracy(table, seven(), "Networks", ours, claimed).legends
        assert [text.get_text() for text in legend.texts] == expected


def test_networks_of_one_size_stand_side_by_side_where_they_would_cover_one_another():
    table = pd.DataFrame(
        {"parameters": [1.26e6, 1.243e6, 1.26e6, 1.26e6, 5e6], "value": [0.59, 0.62, 0.586, 0.8, 0.59],
         "low": [0.53, 0.61, np.nan, np.nan, 0.5], "high": [0.65, 0.63, np.nan, np.nan, 0.7]},
        ["lean_1m2", *"bcde"],
    )  # fmt: skip
    axis = plots.size_and_accuracy(table, seven(), "Networks", ["lean_1m2", "b"], ["c", "d"]).axes[0]
    dots = [line for line in axis.lines if line.get_marker() in "oDs"]
    at = {round(line.get_ydata()[0], 6): line.get_xdata()[0] for line in dots}
    assert at[80] == 1.26e6, "with nobody beside it"
    left, right = sorted(line.get_xdata()[0] for line in dots if round(line.get_ydata()[0], 6) == 59)
    assert right == 5e6 and left / max(at[62], at[58.6]) > 1.03 > at[58.6] / at[62]
    below, above = ([line.get_zorder() for line in dots if line.get_marker() == marker] for marker in ("o", "D"))
    assert min(below) < min(bars.get_zorder() for bars in axis.collections) < min(above)
    pair = plots.size_and_accuracy(table.iloc[[0, 4]].assign(parameters=1e6), seven(), "Networks").axes[0]
    one, other = (line.get_xdata()[0] for line in pair.lines if line.get_marker() == "o")
    assert one != other and one * other == pytest.approx(1e12), "half a step to either side"
    assert pair.get_xlabel() == "parameters; those of one size side by side"
    assert plots.size_and_accuracy(table.iloc[3:], seven(), "Networks").axes[0].get_xlabel() == "parameters"


def test_a_line_leads_to_a_name_that_had_to_move_away_and_to_no_other():
    alone = plots.size_and_accuracy(sized(), seven(), "Networks").axes[0]
    assert all(text.arrow_patch is None for text in alone.texts)
    sizes = 50_000 * 1.04 ** np.arange(8)
    crowd = pd.DataFrame({"parameters": sizes, "value": 0.6, "low": 0.5, "high": 0.7}, [12 * one for one in "abcdefgh"])
    axis = plots.size_and_accuracy(crowd, seven(), "Networks").axes[0]
    moved = [text for text in axis.texts if text.arrow_patch is not None]
    assert 0 < len(moved) < len(crowd) and all(abs(text.get_position()[1]) > 6 for text in moved)
    assert {text.get_text() for text in axis.texts} == set(crowd.index)


def crowd(seed, count, octaves):
    """Networks whose sizes are within so many octaves, with intervals of two lengths and long names."""
    draw = np.random.default_rng(seed)
    value, reach = draw.uniform(0.55, 0.65, count), draw.choice([0.005, 0.03], count)
    size = 1e6 * 2 ** draw.uniform(0, octaves, count)
    table = {"parameters": size, "value": value, "low": value - reach, "high": value + reach}
    return pd.DataFrame(table, [16 * one for one in "abcdefghijkl"[:count]])


@pytest.mark.parametrize(("seed", "count", "octaves"), [(28, 10, 1.6), (10, 10, 1.6), (11, 9, 2.5), (5, 9, 4)])
def test_no_name_stands_beside_the_dot_of_another_network_nor_is_crossed_by_a_line(seed, count, octaves):
    """Else it would be taken for that one's. These are crowds in which each has a place, if they are looked for."""
    figure = plots.size_and_accuracy(crowd(seed, count, octaves), seven(), "Networks")
    axis = figure.axes[0]
    figure.draw_without_rendering()
    boxes = {text.get_text(): Text.get_window_extent(text) for text in axis.texts}
    spots = {text.get_text(): axis.transData.transform(text.xy) for text in axis.texts}
    for (name, box), (other, (x, y)) in itertools.product(boxes.items(), spots.items()):
        beside = box.y0 < y < box.y1 and (0 < box.x0 - x < 28 or 0 < x - box.x1 < 28)
        assert other == name or not beside, (name, other)
    for text in axis.texts:
        if text.arrow_patch is not None:
            start = spots[text.get_text()]
            line = MatplotlibPath([start, start + np.array(text.get_position()) * figure.dpi / 72])
            crossed = {name for name, box in boxes.items() if line.intersects_bbox(box, filled=False)}
            assert crossed <= {text.get_text()}


def test_dots_without_a_name_are_small_and_those_with_one_may_have_a_shorter():
    axis = plots.size_and_accuracy(sized(), seven(), "Networks", called={"five": "5"}).axes[0]
    assert [text.get_text() for text in axis.texts] == ["5"]
    sizes = {line.get_xdata()[0]: line.get_markersize() for line in axis.lines if line.get_marker() == "o"}
    large = sizes.pop(sized().loc["five", "parameters"])
    assert sizes and all(size < large for size in sizes.values())


def test_what_is_only_claimed_is_hollow_and_may_have_no_interval():
    table = sized()
    table.loc["one", ["low", "high"]] = np.nan
    axis = plots.size_and_accuracy(table, "fer2013", "Networks", ["five"], ["one"]).axes[0]
    assert axis.get_title() == "Networks, fer2013"
    dots = [line for line in axis.lines if line.get_marker() == "o"]
    inside = {
        round(line.get_ydata()[0], 6): line.get_markerfacecolor() for line in dots if line.get_xdata()[0] < 51_000
    }
    assert [color for color in inside.values() if color == "white"] == ["white"]
    assert inside[round(100 * table.loc["one", "value"], 6)] == "white"


def test_what_a_budget_affords_is_coloured_and_the_best_of_it_named():
    for budget, best in ((60_000, "two"), (1e6, "five"), (10, "none")):
        axis = plots.affordable(sized(), "fer2013", budget).axes[0]
        assert {text.get_text() for text in axis.texts} == set(sized().index), "each dot has its name"
        assert f": {best}" in axis.get_title() or (best == "two" and ": one" in axis.get_title())
        spots = {line.get_xdata()[0]: line.get_color() for line in axis.lines if line.get_marker() == "o"}
        assert all((color != "0.75") == (size <= budget) for size, color in spots.items())


def test_what_networks_say_of_a_picture_stands_beside_it():
    said = pd.DataFrame({"one": [0.7, 0.3], "$two$": [0.4, 0.6]}, index=["happy", "sad"])
    figure = plots.opinions(np.zeros((9, 9, 3), np.uint8), said, "happy or sad")
    left, right = figure.axes
    assert len(left.images) == 1 and right.get_xlabel() == "probability, %"
    widths = [[round(bar.get_width()) for bar in bars] for bars in right.containers]
    assert widths == [[70, 30], [40, 60]]
    assert right.get_legend() is None, "it would lie on a bar"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", r"\$two\$"]


def test_shares_add_up_and_one_that_is_unknown_is_none():
    figure = plots.shares(parts(), seven(), "Variance", "share, %")
    assert sum(bar.get_width() for bars in figure.axes[0].containers for bar in bars) == pytest.approx(150)


def test_a_softened_answer_is_the_softmax_of_the_logits_over_the_temperature():
    logits = np.array([[2.0, 0, -2]] * 3)
    figure = plots.softened(faces_of([0, 1, 2], classes=("a", "b", "c")), logits, 1, 2.0)
    bars = [bar.get_width() for bars in figure.axes[1].containers for bar in bars]
    expected = [100 * np.exp(logits[0] / t) / np.exp(logits[0] / t).sum() for t in (1, 2)]
    assert bars == pytest.approx(np.concatenate(expected)) and "Labelled b" in figure.get_suptitle()


def shown(figure):
    """The images of a figure, in their order."""
    return [np.asarray(axis.images[0].get_array()) for axis in figure.axes if axis.images]


def test_by_doubt_goes_from_the_most_doubtful_of_a_class_to_the_clearest():
    faces, quality = faces_of(np.tile([0, 1], 4), classes=("a", "b")), np.array([4, 1, 2, 3, 1, 2, 3, 4]) / 4
    for share, rows in ((0.0, [4, 2, 1, 5]), (0.5, [2, 6, 5, 3]), (1.0, [6, 0, 3, 7])):
        images = shown(plots.by_doubt(faces, quality, share, 2))
        assert len(images) == 4 and all(np.array_equal(*pair) for pair in zip(images, faces.pixels[rows], strict=True))


def test_answered_shows_the_images_behind_a_cell_of_the_confusion_matrix():
    faces = faces_of([0, 1, 0, 0, 1], classes=("a", "b"))
    figure = plots.answered(faces, np.array([0, 2, 3, 4]), np.array([1, 0, 1, 1]), "a", "b", 5)
    expected = faces.pixels[[0, 3, 2, 4]]  # asked for, and below them each class where it is answered right
    assert all(np.array_equal(*pair) for pair in zip(shown(figure), expected, strict=True))
    assert figure.get_suptitle().startswith("Labelled a, answered b: 2 images")
    assert len(shown(plots.answered(faces, np.arange(5), faces.labels, "a", "a"))) == 3
    assert not shown(plots.answered(faces, np.array([1, 4]), np.array([0, 0]), "a", "b"))


def test_augmented_has_the_image_above_what_was_drawn_of_it():
    faces, drawn = faces_of([0, 1, 2]), np.arange(2 * 2 * 9, dtype=np.uint8).reshape(2, 2, 3, 3)
    images = shown(plots.augmented(faces, [2, 0], drawn, "Augmentation"))
    expected = [*faces.pixels[[2, 0]], *drawn.reshape(4, 3, 3)]
    assert all(np.array_equal(*pair) for pair in zip(images, expected, strict=True))


def test_a_notebook_shows_a_figure_as_a_picture_from_the_first_cell_on():
    code = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
from fercore.reporting import plots
from matplotlib.figure import Figure
figure = Figure()
figure.subplots()
assert shell.display_formatter.format(figure)[0].keys() >= {"image/png"}
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_the_sides_of_a_fold_frame_what_is_held_out():
    faces = seven()
    figure = plots.sides(faces, [1, 4, 5], {"subject folds": np.ones(63, int), "random folds": np.arange(63) % 3}, 1)
    shown = [axis for axis in figure.axes if axis.get_visible()]
    framed = [all(spine.get_visible() for spine in axis.spines.values()) for axis in shown]
    assert framed == [True] * 3 + [True, True, False]
    assert [text for text in words(figure) if "held out" in text] == [
        "subject folds, fold 1: 3 held out (framed), 0 trained on",
        "random folds, fold 1: 2 held out (framed), 1 trained on",
    ]
    assert len([axis for axis in plots.sides(faces, range(30), two_splits(faces), 0).axes if axis.get_visible()]) == 20


def test_a_softened_answer_says_how_undecided_it_is():
    figure = plots.softened(faces_of([0, 1], classes=("a", "b")), np.array([[0.0, 0.0], [100.0, 0.0]]), 1, 1e6)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "temperature 1: as between 1.0 classes", "temperature 1e+06: as between 2.0 classes"
    ]  # fmt: skip


def test_memory_has_a_marker_where_a_network_comes_to_what_is_printed():
    index = pd.MultiIndex.from_product([["big", "small"], ["bare", "kept"], [1, 10]], names=["network", "way", "batch"])
    table = pd.Series(np.arange(1.0, 9.0), index)
    rows = pd.MultiIndex.from_product([["fer2013"], ["bare", "kept"]], names=["data", "way"])
    batches = pd.DataFrame({"big": [5.0, 6.0], "small": [7.0, 8.0]}, rows)
    figure = plots.memory(table, {"fer2013": {"big": 1.5, "small": 5.5}}, batches, "Memory")
    assert [axis.get_title() for axis in figure.axes] == ["bare", "kept"]
    [legend] = figure.legends
    known = ["big", "small", "fer2013: batch size that gives the printed number"]
    assert [text.get_text() for text in legend.texts] == known, "each once"
    spots = [tuple(line.get_xydata()[0]) for line in figure.axes[1].lines if len(line.get_xydata()) == 1]
    assert spots == [(6.0, 1.5), (8.0, 5.5)] and [text.get_text() for text in figure.axes[1].texts] == ["6", "8"]


@pytest.mark.parametrize(("seeds", "told", "second"), [
    ([1, 1], "; 95 % over images", "b"), ([3, 3], "; 95 % over 3 seeds", "b"),
    ([1, 2], "; 95 % over 2 seeds, or with one seed over images", "b (2 seeds)"),
    ([2, 3], "; 95 % over the seeds", "b (3 seeds)"), (None, "; 95 % intervals", "b"),
])  # fmt: skip
def test_what_intervals_are_over_is_told_and_seeds_where_they_differ(seeds, told, second):
    table = scored(["a", "b"]) if seeds is None else scored(["a", "b"]).assign(seeds=seeds)
    axis = plots.intervals(table, seven(), "Scores", "accuracy, %").axes[0]
    assert axis.get_xlabel() == f"accuracy, %{told}" and axis.get_yticklabels()[1].get_text() == second
    apart = plots.intervals(table, seven(), "Scores", "points", zero=True).axes[0].get_xlabel()
    assert apart == "points" + re.sub(r"over (?:the )?(?=\d|seeds)", "over images and ", told)
    none = plots.intervals(table.assign(low=np.nan, high=np.nan), seven(), "Scores", "accuracy, %").axes[0]
    assert none.get_xlabel() == "accuracy, %"


@pytest.mark.filterwarnings("error")
def test_differences_near_0_are_seen_beside_large_ones_and_those_further_away_are_arrows():
    value = np.array([0.001, -0.6, 0.05])
    table = pd.DataFrame({"value": value, "low": value - 0.002, "high": value + 0.002}, index=list("abc"))
    whole, near = plots.intervals(table, seven(), "Forms", "points", zero=True, near=3).axes
    assert whole.get_xlim()[0] < -60 and near.get_xlim() == (-3, 3)
    arrows = {line.get_marker(): tuple(line.get_xydata()[0]) for line in near.lines if line.get_marker() in "<>"}
    assert arrows == {"<": (-3, 1), ">": (3, 2)}


def test_bins_of_few_images_are_hollow_and_counts_are_seen_whatever_their_size():
    table = pd.DataFrame({"confidence": [0.3, 0.6, 0.95], "accuracy": [0.2, 0.5, 0.9], "images": [1267, 30, 7]})
    above, below = plots.reliability(table, 0.05, seven(), "seed 42").axes
    hollow = {line.get_label(): list(line.get_xdata()) for line in above.lines if line.get_marker() == "o"}
    assert hollow == {"30 images or more": [30, 60], "fewer": [95]}
    assert [line.get_markerfacecolor() for line in above.lines if line.get_label() == "fewer"] == ["white"]
    assert below.get_yscale() == "log" and "seed 42" in above.get_title()


@pytest.mark.parametrize("color", [*sns.color_palette(), "0.5"])
def test_small_text_and_numbers_on_bars_can_be_read(color):
    def light(one):
        return sns.utils.relative_luminance(one) + 0.05

    assert 1.05 / light(drawing.ink(color)) >= 4.5
    axis = Figure().subplots()
    bars = axis.bar([1], [1], color=color)
    drawing.label_bars(bars, ["1"])
    ratio = light(axis.texts[0].get_color()) / light(color)
    assert max(ratio, 1 / ratio) >= 4.5


def test_runtimes_that_are_nowhere_have_no_row_and_one_that_lacks_a_number_says_so():
    table = timed()
    axis = plots.latencies(table, seven(), "Latency").axes[0]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["PyTorch", "ONNX Runtime int8"]
    assert "not here" not in words(plots.latencies(table, seven(), "Latency"))
    half = table.assign(median=np.where(np.arange(len(table)) == 1, np.nan, table["median"]))
    assert words(plots.latencies(half, seven(), "Latency")).count("not here") == 1


def test_the_best_forms_are_shown_from_near_with_their_intervals_and_both_steps_of_a_form():
    table = variants().assign(
        accuracy_low=lambda one: one["accuracy"] - 0.01, accuracy_high=lambda one: one["accuracy"] + 0.02
    )
    both = pd.MultiIndex.from_tuples([("lean_250k", "pruned 0.5 while training, FP16")])
    table = pd.concat([table, pd.DataFrame({"MiB": 1.8, "accuracy": 0.63}, both)])
    figure = plots.pareto(table, "MiB", "accuracy", seven(), "Sizes", "MiB", "accuracy, %")
    near = figure.axes[1]
    ends = sorted(tuple(np.round(line.get_ydata(), 6)) for line in near.lines if len(line.get_xdata()) == 2)
    assert (65, 68) in ends and near.get_ylim()[0] > 50, "0.66, and not 0.5"
    told = words(figure)
    numbers = {text.get_text() for axis in figure.axes for text in axis.texts}
    named = {text.get_text().split()[0] for text in figure.legends[0].texts if text.get_text()[0].isdigit()}
    assert numbers == named and len(named) > 1
    assert "Pareto front" in told and "fewer weights, FP16" in told


def test_a_line_of_pruned_networks_begins_at_the_whole_one():
    axis = plots.sparsity(pruned(), {"lean_250k": 0.6}, seven(), "Weights").axes[0]
    lines = [line for line in axis.lines if line.get_marker() == "o"]
    assert [list(line.get_xdata()) for line in lines] == [[0, 50, 80]] * 2 and lines[0].get_ydata()[0] == 60


def test_sizes_of_students_are_in_capitals():
    figure = plots.panels(over_sizes(), "size", "pooling", "split", seven(), "Accuracy", "accuracy, %")
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["M", "XXS"]


def test_losses_of_several_runs_are_not_said_to_be_one():
    for runs, told in ((["a"], "training loss"), (["a", "b"], "training loss, each run's own")):
        figure = plots.training_curves({run: history() for run in runs}, seven(), "macro_f1", "Runs")
        assert figure.axes[0].get_ylabel() == told


@pytest.mark.parametrize("zero", [False, True])
def test_differences_have_a_line_at_nothing(zero):
    table = pd.DataFrame({"value": [0.1], "low": [0.0], "high": [0.2]}, index=["a step"])
    axis = plots.intervals(table, seven(), "Steps", "points", zero=zero).axes[0]
    assert sum(list(line.get_xdata()) == [0, 0] for line in axis.get_lines()) == zero


@pytest.mark.parametrize(
    "name", ["training_curves", "size_and_latency", "size_and_accuracy", "affordable", "recall_by_frequency"]
)
def test_splits_are_called_what_the_set_calls_them(name):
    roles = {"train": "train", "select": "dev", "test": "exam"}
    figure = DRAW[name](replace(seven(("train", "dev", "exam")), roles=roles))
    told = " ".join(text.get_text() for text in figure.findobj(Text))
    assert ("dev" in told) == (name == "training_curves") and ("exam" in told) == (name != "training_curves")
    assert "PublicTest" not in told and "PrivateTest" not in told


def test_every_network_is_drawn_however_many_there_are():
    names = [f"network {number}" for number in range(12)]
    index = pd.MultiIndex.from_product([names, ["fp32"]])
    table = pd.DataFrame({"MiB": np.arange(1, 13.0), "accuracy": np.linspace(0.4, 0.7, 12)}, index)
    figure = plots.pareto(table, "MiB", "accuracy", seven(), "Sizes", "MiB", "accuracy, %")
    told = {text.get_text() for text in figure.findobj(Text)}
    assert {*names} <= told


def test_what_has_no_number_is_drawn_all_the_same():
    figure = plots.latencies(timed().assign(median=np.nan, p90=np.nan), seven(), "Batch 1")
    assert [text for text in words(figure) if text == "not here"]
    assert "after 5 epochs" in plots.size_and_latency(costs(), seven(), "5 epochs").axes[0].get_title()


def test_runs_are_told_apart_by_more_than_their_colour_however_long_each_is():
    """A marker at each of many epochs would hide the line; a single epoch is nothing but its marker."""
    runs = {f"run {number}": history(67) for number in range(12)} | {"short": history(1)}
    for axis in plots.training_curves(runs, seven(), "macro_f1", "Runs").axes:
        lines = [line for line in axis.lines if line.get_markevery()]  # the others are the best epochs
        drawn = {(line.get_color(), line.get_marker()) for line in lines}
        assert len(drawn) == len(lines) == 13 and "None" not in {marker for _, marker in drawn}
        shown = [len(line.get_xdata()[slice(line.get_markevery()[0], None, line.get_markevery()[1])]) for line in lines]
        assert {*shown[:12]} == {11, 12} and shown[12] == 1


def test_both_losses_of_a_single_run_have_one_scale():
    one, several = (
        plots.training_curves({run: history() for run in runs}, seven(), "macro_f1", "Runs").axes
        for runs in ("a", "ab")
    )
    assert one[0].get_ylim() == one[1].get_ylim() and one[0].get_shared_y_axes().joined(one[0], one[1])
    assert not several[0].get_shared_y_axes().joined(several[0], several[1])
