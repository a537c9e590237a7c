"""Every figure names its data, stands the odd cases, and is the same file every run."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from fercore import audit
from fercore.datasets import votes as fer_votes
from fercore.datasets.faces import FER2013_CLASSES, Faces, table
from fercore.reporting import plots

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
    return pd.concat([part.assign(run="one"), part.assign(run="two", recall=part["recall"] / 2)])


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
    rows = [(share, how, share / 2) for share in (0.5, 0.8) for how in ("at once", "while training")]
    return pd.DataFrame(rows, columns=["sparsity", "how", "accuracy"])


def timed():
    names = ["PyTorch", "ONNX Runtime int8", "TensorRT"]
    part = pd.DataFrame({"runtime": names, "median": [4.2, 0.6, np.nan], "p90": [4.4, 0.9, np.nan], "img_size": 64})
    return pd.concat([part.assign(network=name, limit=0.3) for name in ("microexpnet_xxs", "tinyfer_lite")])


def variants():
    values = {"MiB": [3.6, 1.8, 1.0, 3.6, 1.9], "accuracy": [0.65, 0.66, 0.64, 0.6, 0.5]}
    return pd.DataFrame(values, index=["fp32", "FP16", "INT8", "pruned", "fewer channels"])


DRAW = {
    "sparsity": lambda faces: plots.sparsity(pruned(), 0.6, faces, "Weights taken out"),
    "latencies": lambda faces: plots.latencies(timed(), faces, "Batch 1, one thread"),
    "pareto": lambda faces: plots.pareto(variants(), "MiB", "accuracy", faces, "Sizes", "MiB", "accuracy, %"),
    "softened": lambda faces: plots.softened(faces, 4 * np.eye(7)[np.arange(63) % 7], 5, 8.0),
    "panels": lambda faces: plots.panels(over_sizes(), "size", "pooling", "split", faces, "Accuracy", "accuracy, %"),
    "shares": lambda faces: plots.shares(parts(), faces, "Variance", "share, %"),
    "training_curves": lambda faces: plots.training_curves(
        {"tinyfer_lite": history(), "mobilenet_v3_small": history(1, 1)}, faces, "macro_f1", "Runs"
    ),
    "confusion": lambda faces: plots.confusion(np.arange(49).reshape(7, 7) ** 2, faces, "PrivateTest"),
    "intervals": lambda faces: plots.intervals(
        scored(list("abcd")), faces, "Scores", "accuracy, %", {"b": 0.5, "z": 1}
    ),
    "size_and_latency": lambda faces: plots.size_and_latency(costs(), faces),
    "recall_by_frequency": lambda faces: plots.recall_by_frequency(recalls(faces), faces),
    "reliability": lambda faces: plots.reliability(calibrated(), 0.073, faces),
    "explanations": lambda faces: plots.explanations(
        faces, [0, 1, 2], np.full((3, 24, 24), 0.5), ["angry\nsays sad"] * 3, "Grad-CAM"
    ),
    "class_counts": lambda faces: plots.class_counts(audit.counts(faces), faces),
    "contact_sheet": lambda faces: plots.contact_sheet(faces, [[0, 1], [2], []], ["a", "b", "c"], "Some"),
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


def words(figure):
    """All text of a figure."""
    return [text.get_text() for text in figure.findobj(lambda part: hasattr(part, "get_text"))]


def titles(figure):
    return [figure.get_suptitle(), *[axis.get_title() for axis in figure.axes]]


@pytest.mark.parametrize("name", DRAW)
def test_the_title_says_what_the_data_are(name):
    own = {name for name, value in vars(plots).items() if getattr(value, "__module__", "") == plots.__name__}
    public = {name for name in own if name[0] != "_"}
    assert set(DRAW) == public - {"save"}, "a figure that is not tested here"
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
        plots.save(DRAW[name](seven()), out, name)


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
    assert plots.save(plots.save(figure, tmp_path / "here", "first"), tmp_path / "here", "second") is figure
    for suffix in ("png", "svg"):
        first, second = ((tmp_path / f"here/{part}.{suffix}").read_bytes() for part in ("first", "second"))
        assert first == second == (tmp_path / f"there/mean_faces.{suffix}").read_bytes()
    assert b"<dc:date>" not in (tmp_path / "here/first.svg").read_bytes()


def test_nothing_is_written_where_out_is_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    figure = Figure()
    assert plots.save(figure, "", "x") is figure and not list(tmp_path.iterdir())


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
    assert colors[1] != {plots.sns.color_palette()[0]}


def test_shares_add_up_and_one_that_is_unknown_is_none():
    figure = plots.shares(parts(), seven(), "Variance", "share, %")
    assert sum(bar.get_width() for bars in figure.axes[0].containers for bar in bars) == pytest.approx(150)


def test_a_softened_answer_is_the_softmax_of_the_logits_over_the_temperature():
    logits = np.array([[2.0, 0, -2]] * 3)
    figure = plots.softened(faces_of([0, 1, 2], classes=("a", "b", "c")), logits, 1, 2.0)
    bars = [bar.get_width() for bars in figure.axes[1].containers for bar in bars]
    expected = [100 * np.exp(logits[0] / t) / np.exp(logits[0] / t).sum() for t in (1, 2)]
    assert bars == pytest.approx(np.concatenate(expected)) and "Labelled b" in figure.get_suptitle()
