"""What to see in the figures and tables of distilled students, worked out from their values, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

from ..datasets import Faces
from ..results.measurements import OTHERWISE
from ..results.text import markdown
from ..studies import mini_resemotenet as study
from ..studies.teachers import pretrained
from .sentences import listed, percent, points, ranked, warned

P100 = 9.3e12 / 2  # multiply-accumulates a second of a Tesla P100 in fp32 (NVIDIA's data sheet)


def sizes(counted: Mapping[str, float]) -> str:
    """Parameters of the students as shares of the teacher's, from measurements by name."""
    whole = counted["parameters(resemotenet, 7)"]
    own = {size.upper(): counted[f"parameters(mini_resemotenet_{size}, 7)"] / whole for size in study.SIZES}
    return (
        f"Of the teacher's {whole:,} parameters, {ranked(pd.Series(own))}: a weight connects two channels, "
        "so half the width is a quarter of the weights. The widths that Table II prints for the residual blocks are of "
        "the channels that enter them: twice as many leave them, or its parameters would not come out."
    )


def unused(table: pd.DataFrame) -> str:
    """How many weights meet padding alone: a row a network with its parameters, unused, share and left."""
    own = table.loc[study.NETWORKS[0]]
    students = table.drop(index=study.NETWORKS[0]).rename(lambda name: name.rpartition("_")[2].upper())
    smallest = students.iloc[-1]
    shares = listed(f"{name} {row.share:.1f} %" for name, row in students.iterrows())
    return (
        f"{own['unused']:,.0f} of the teacher's {own['parameters']:,.0f} parameters, {own['share']:.1f} %, only ever "
        "multiply padding: its last block receives a 2 × 2 feature map, and the second layer of that block a 1 × 1 "
        "one, so of a kernel's nine weights four matter in the first layer and one in the second. The others have no "
        f"gradient and change no output; without them the teacher has {own['left']:,.0f}. The share is nearly the "
        f"same in its students ({shares}): {students.index[-1]}, of {smallest['parameters']:,.0f} parameters, works "
        f"with {smallest['left']:,.0f}."
    )


def batches(table: pd.DataFrame, printed: Mapping[str, Mapping[str, float]], counted: Mapping[str, float]) -> str:
    """At which batches memory is what is printed: a row a data set and way, a column a network.

    printed  MB by data set and network; counted  measurements by name
    """
    apart = table.max(axis=1) / table.min(axis=1)
    data, way = apart.idxmin()
    best = table.loc[(data, way)]
    pair = best[["resemotenet", "mini_resemotenet_a"]]
    return (
        f"No single batch size explains all the numbers. The closest are those of {markdown(data)}, *{way}*: "
        f"{listed(f'{name} {batch:,.0f}' for name, batch in best.items())}. "
        f"Teacher and A agree there within {percent(pair.max() / pair.min() - 1)}, and B's corresponds to a batch "
        f"{best['mini_resemotenet_b'] / pair.mean():.2f} times as large. {_more_than_weights(printed, counted)}"
    )


def _more_than_weights(printed: Mapping[str, Mapping[str, float]], counted: Mapping[str, float]) -> str:
    """By how much the teacher's memory is above A's, and its weights are."""
    pair = ("resemotenet", "mini_resemotenet_a")
    weights = [counted[f"size({name}, 7, parameters)"] / 1e6 for name in pair]
    gaps = {data: values[pair[0]] - values[pair[1]] for data, values in printed.items()}
    told = [f"{gap:,.0f} MB on {markdown(data)}" for data, gap in gaps.items()]
    least = weights[0] - weights[1]
    less = [markdown(data) for data, gap in gaps.items() if gap < least]
    return f"As printed, the teacher needs {listed(told)} more than A; its weights alone are {least:,.0f} MB more." + (
        f" So no batch that both share explains {listed(less)}." if less else ""
    )


def times(speeds: pd.DataFrame, counted: Mapping[str, float], printed: Callable[[str], float]) -> str:
    """Times of one image against what is printed and against what the paper's device can do at most.

    speeds  ms, a row a network and a column a batch; printed  `Ledger.printed`, in seconds
    """
    told, shares = [], []
    for name in speeds.index:
        said = 1000 * printed(f"latency({name}, tesla_p100, dataset=fer2013)")
        least = 1000 * counted[f"macs({name}, 7, 3x64x64)"] / P100
        told.append(f"{name} {said:.2f} ms ({percent(least / said, 0)} of the card's peak FLOP/s)")
        shares.append(said / (1000 * printed(f"latency({speeds.index[0]}, tesla_p100, dataset=fer2013)")))
    most = speeds.columns[-1]
    here = speeds[most] / speeds[most].iloc[0]
    return (
        f"Printed: {listed(told)}. At batch {most} this machine takes "
        f"{listed(f'{share:.2f}' for share in here.iloc[1:])} of the teacher's time for the others; the paper has "
        f"{listed(f'{share:.2f}' for share in shares[1:])}. Were they of a large batch, each would come nearer to "
        "what the card can do; were they of single images, A and B, which have as many layers as the teacher, would "
        "hardly be faster. So neither reading explains the three together."
    )


def called(variant: str, teacher: str = "") -> str:
    """A training as figures and sentences have it: the size of a student in capitals, as in papers, before its
    experiment, and behind the teacher which network it is, where that is given."""
    if variant in (study.TEACHER, study.SECOND):
        return f"{variant}: {teacher}" if teacher else variant
    if (size := study.size_of(variant)) is None:
        return variant
    own, _, rest = variant.partition(" ")
    return f"{size.upper()} {rest}" if own == size else f"{size.upper()} ({variant.replace('as in', 'by')})"


def names(variants: Mapping[str, Mapping], protocol: study.Protocol) -> dict[str, str]:
    """What figures call each of the trainings `variants`: as `called`, a teacher with its network, and with its epochs
    what has others than `protocol.epochs`."""
    found = {}
    for name, own in protocol.by_teacher.items():
        other = not pretrained(own) and own.teacher_epochs != protocol.epochs
        found[name] = called(name, own.teacher_network) + f", {own.teacher_epochs} epochs" * other
    for variant, words in variants.items():
        own = words["recipe"].epochs
        found[variant] = called(variant) + f", {own} epochs" * (own != protocol.epochs)
    return found


def scores(
    accuracy: pd.DataFrame, majority: float, printed: Callable[[str], float], the_papers: Mapping[str, str]
) -> str:
    """Who is above naming one class, and how the paper's teacher stands to what is printed.

    accuracy  indexed by variant: value, low, high; printed  `Ledger.beside` of the data
    the_papers  by the teacher that is the paper's network, trained here, how its training differs; empty: there is none
    """
    if accuracy.empty:
        return "Nothing has been trained yet."
    above = accuracy.index[accuracy["low"] > majority]
    text = (
        f"{ranked(accuracy['value'].rename(called))}. Always naming the most frequent class gives {percent(majority)}; "
        f"above it with the whole interval: {len(above)} of {len(accuracy)}."
    )
    students = accuracy["value"].drop([study.TEACHER, study.SECOND], errors="ignore")
    if study.TEACHER in accuracy.index and len(students):
        reach = int((students >= accuracy.loc[study.TEACHER, "value"]).sum())
        first = "first teacher" if study.SECOND in accuracy.index else "teacher"
        text += f" Ways to train a student that are as good as the {first} or better: {reach} of {len(students)}."
    said = printed("accuracy(resemotenet, fer2013, PrivateTest)")
    for name, differs in the_papers.items() if not np.isnan(said) else ():
        if name in accuracy.index:
            own = f"{percent(accuracy.loc[name, 'value'])}{f' ({differs})' if differs else ''}"
            text += f" The paper's teacher, trained here: {own}, where {percent(said, 2)} is printed."
    return text


def unequal_epochs(protocol: study.Protocol, variants: Iterable[str]) -> str:
    """For how many epochs students were trained, by size, of those that there are; empty where it is the same."""
    sizes = {study.size_of(variant) for variant in variants}
    epochs = {size: own for size, own in protocol.epochs_by_size.items() if size in sizes}
    if len({*epochs.values()}) < 2:
        return ""
    each = listed(f"{size.upper()} for {own}" for size, own in epochs.items())
    return f" Not all students were trained for the same number of epochs: {each}."


def gains(table: pd.DataFrame) -> str:
    """What a teacher adds, of `mini_resemotenet.gains`."""
    part = table.xs(("published", "accuracy"), level=["part", "score"])
    each = [f"{row['size'].upper()} ({name}, {_seeds(row)}) {points(row)}" for name, row in part.iterrows()]
    several = f" (of {len(part)}, not adjusted for their number)" if len(part) > 1 else ""
    shared = [listed(rows.index) for _, rows in part.groupby("size", sort=False) if len(rows) > 1]
    same = "".join(f" {names} are compared with the same training without a teacher." for names in shared)
    return (
        f"Accuracy with a teacher minus accuracy without: {listed(each)}.{_largest(part)} Intervals that leave out 0: "
        f"{_sure(part)}{several}.{same}{_one_seed(part)}{warned(part)}"
    )


def rate_cuts(table: pd.DataFrame) -> str:
    """When the learning rates of trainings were first cut, of `mini_resemotenet.courses`; empty where all were cut in
    the same epoch, or none was."""
    if table["rate_cut"].nunique(dropna=False) < 2:
        return ""
    told = [
        f"{called(variant)} {listed('never' if pd.isna(cut) else f'{cut:.0f}' for cut in rows['rate_cut'])}"
        for variant, rows in table.groupby(level="training", sort=False)
    ]
    return (
        f" The learning rate was first cut in epoch: {'; '.join(told)}. So a difference between two trainings may come "
        "from when their rates were cut, too, and one whose rate never was may have more to learn."
    )


def _largest(gained: pd.DataFrame) -> str:
    """Which size gains most, of those that are taught with the same alpha for the same epochs: the more alphas are
    tried on a size, the higher its largest gain by chance."""
    alpha = pd.Series([study.EXPERIMENTS[name][1] for name in gained.index], gained.index)
    told, several = [], gained["epochs"].nunique() > 1
    for (value, epochs), rows in gained.groupby([alpha, "epochs"], sort=False):
        if rows["size"].nunique() > 1:
            sizes = rows.loc[rows["value"] == rows["value"].max(), "size"].unique()
            names = listed(f"{size.upper()}'s" for size in sizes)
            told.append(f" At α = {value:.2f}{f' and {epochs} epochs' * several} the largest estimate is {names}.")
    same = "with the same α and for the same epochs" if several else "with the same α"
    return "".join(told) or f" No two sizes are taught {same} here, so which gains more stays open."


def _sure(table: pd.DataFrame) -> str:
    """The rows whose interval leaves out 0."""
    return listed(table.index[(table["low"] > 0) | (table["high"] < 0)])


def _one_seed(table: pd.DataFrame) -> str:
    """What the interval of a single seed leaves out, where there is one."""
    if not (table["seeds"] == 1).any():
        return ""
    return " With one seed, an interval tells what other images would change, and not what another seed would."


def _seeds(row: Mapping) -> str:
    return f"{row['seeds']:.0f} seed{'s' * bool(row['seeds'] > 1)}"


def reading(table: pd.DataFrame) -> str:
    """The text's reading of the loss less the equation's, of `mini_resemotenet.readings`."""
    each = [f"{name} {points(row)} ({_seeds(row)})" for name, row in table.iterrows()]
    sure = (table["low"] > 0) | (table["high"] < 0)
    if not sure.any():
        told = "The two are not told apart here."
    elif (table.loc[sure, "seeds"] > 1).any():
        told = "It matters here which of the two is meant."
    else:
        told = "These trainings are further apart than other images explain; whether the readings are is open."
    return f"{listed(each)}. {told}{_one_seed(table)}{warned(table)}"


def teachers(table: pd.DataFrame, second: str) -> str:
    """How a second teacher, which is named, and its students stand to others: `mini_resemotenet.by_second_teacher`."""
    said = f"The second teacher is {markdown(second)}."
    students = table[table.index.get_level_values(0) != study.SECOND]
    if (itself := (study.SECOND, study.FIRST)) in table.index:
        said += f" Its accuracy minus that of {study.FIRST}: {points(table.loc[itself])}."
    for other, rows in students.groupby(level=1, sort=False):
        told = listed(f"{points(row)} for {called(name)} ({_seeds(row)})" for (name, _), row in rows.iterrows())
        of = "without a teacher" if other == study.NOBODY else f"with {other}"
        said += f" Accuracy with it minus accuracy {of}: {told}."
    if students.empty:
        said += " No student of it has been trained yet."
    return said + _one_seed(table) + warned(table)


def taught_by(protocol: study.Protocol, paper: study.Protocol, accuracy: pd.Series) -> str:
    """What to read in the paper's tables beside the row *teacher*, where it is the second one here, not trained as the
    paper does: the students there are the first one's. Empty where there is none such with an `accuracy`."""
    second = protocol.second
    if second is None or second.teacher_network != paper.teacher_network or study.SECOND not in accuracy.index:
        return ""
    if not (differs := study.other_than_the_papers(second, paper, teacher=True)):
        return ""
    scores = f" ({percent(accuracy[study.TEACHER])})" if study.TEACHER in accuracy.index else ""
    return (
        f"The row *teacher* is {markdown(second.teacher_network)}, {differs}; the students in these "
        f"tables were not taught by it, but by {markdown(protocol.teacher_network)}{scores}."
    )


def search(table: pd.DataFrame, chosen: float, faces: Faces) -> str:
    """Best and worst of what was searched over, of `mini_resemotenet.search`, and what the best scores where nothing
    was chosen: `chosen`, its accuracy on the split that tests, with the seeds of the search."""
    select, test = (markdown(faces.split_of(role)) for role in ("select", "test"))
    best, worst = table["value"].idxmax(), table["value"].idxmin()
    after = f" On {test}, which chose nothing, *{best}* scores {percent(chosen)}."
    if table["value"].max() == table["value"].min():
        same = percent(table["value"].iloc[0])
        return f"On {select} all {len(table)} settings score {same}: none is best."
    apart = table.loc[worst, ["behind", "behind_low", "behind_high"]].set_axis(["value", "low", "high"])
    noise = "images" if table.loc[worst, "seeds"] == 1 else "images and seeds"
    text = f"Best on {select} is *{best}*, worst *{worst}*, {points(apart)} apart on the same images: "
    if pd.isna(apart["low"]):
        text += "for all seeds alike, which are too few to tell how much that is."
    elif apart["low"] > 0:
        text += f"more than chance among {noise} gives two settings."
    else:
        text += "so the search has found nothing that noise could not."
    if len(table) > 2 and apart["low"] > 0:
        text += f" Two of {len(table)} that were picked for being furthest apart are so by chance more often."
    return text + _one_seed(table) + warned(table) + after


def copies(table: pd.DataFrame) -> str:
    """What copies of the tested images in training add, and these images themselves: of `mini_resemotenet.copies`."""
    told = []
    for what, rows in table.groupby(level=0, sort=False):
        each = listed(f"{points(row)} on {part} ({row['images']:,.0f})" for (_, part), row in rows.iterrows())
        verb = "Copies in training change" if what == "copies" else "Training on the test set, too, changes"
        told.append(f"{verb} accuracy by {each}.")
    return " ".join(told) + _one_seed(table) + warned(table)


def confused(matrix: np.ndarray, faces: Faces, seeds: int = 1) -> str:
    """What is taken for what most often, of a confusion matrix (C, C), the mean over so many seeds."""
    off = matrix * (1 - np.eye(len(matrix), dtype=int))
    each = f", in the mean over {seeds} seeds" if seeds > 1 else ""
    labelled, said = (markdown(faces.classes[place]) for place in np.unravel_index(off.argmax(), off.shape))
    right = pd.Series(np.diag(matrix) / np.where(matrix.any(1), matrix.sum(1), np.nan), faces.classes)
    most = (
        f"Most often *{labelled}* is taken for *{said}*: {off.max():,.0f} times{each}."
        if off.any()
        else "All answers are right."
    )
    return f"{most} Recall: {ranked(right, 0)}."


def ablation(accuracy: pd.DataFrame, selected: pd.DataFrame, majority: float) -> str:
    """The order of the ablation on the split that tests and on the one that selects: value and low by row."""
    if accuracy.empty:
        return "Nothing has been trained yet."
    first, second = (
        table["value"].astype(float).drop(study.TEACHER, errors="ignore") for table in (accuracy, selected)
    )
    text = f"{ranked(accuracy['value'])}; always naming the most frequent class gives {percent(majority)}."
    if len(first) < 2:
        return text
    orders = [list(one.sort_values(ascending=False, kind="stable").index) for one in (first, second)]
    same = "the same order" if orders[0] == orders[1] else "another order"
    return f"{text} On the split that chose the epochs the rows have {same}."


def steps(table: pd.DataFrame) -> str:
    """What each step adds, of `fits.gains`."""
    part = table.xs(("published", "accuracy"), level=["part", "score"])
    each = [f"*{name}* {points(row)}" for name, row in part.iterrows()]
    sure = [f"*{name}*" for name in part.index[(part["low"] > 0) | (part["high"] < 0)]]
    single = part["value"].drop("full less backbone", errors="ignore")
    most = ""
    if len(single) > 1:
        best = listed(f"*{name}*" for name in single.index[single == single.max()])
        whole = "" if len(single) == len(part) else " *full less backbone* is all steps at once."
        most = f"{whole} {'Of single steps, most' if whole else 'Most'} is added by {best}."
        if single.max() <= 0:
            most = " By these estimates no step adds anything."
    return (
        f"Accuracy of one row minus that of another: {'; '.join(each)}.{most} Intervals that leave out 0: "
        f"{listed(sure)}.{_one_seed(part)}{warned(part)}"
    )


def hardest(f1: pd.Series) -> str:
    """Easiest and hardest class, and those below 0.60, which the paper draws red."""
    f1 = f1.dropna().round(2)  # as shown, and as the paper prints it
    below = [markdown(name) for name in f1.index[f1 < 0.6]]
    first, last = (listed(f"*{markdown(name)}*" for name in f1.index[f1 == end]) for end in (f1.max(), f1.min()))
    if f1.max() == f1.min():
        return f"All classes have an F1 of {percent(f1.max(), 0)}."
    return (
        f"Easiest is {first} ({percent(f1.max(), 0)}), hardest {last} ({percent(f1.min(), 0)}). "
        f"Below 60 %: {'all' if len(below) == len(f1) else listed(below)}."
    )


def frontier(known: pd.DataFrame) -> str:
    """Which networks no smaller one surpasses, of `microexpnet_se.measured_before`."""
    order = known.sort_values(["parameters", "value"], ascending=[True, False])
    above = order[order["value"] > order["value"].cummax().shift(fill_value=0)]
    each = [
        f"{markdown(name)} ({row['parameters']:,.0f} parameters, {percent(row['value'])})"
        for name, row in above.iterrows()
    ]
    told = (
        f"These score above every smaller one here, by however little: {listed(each)}; {len(known) - len(above)} of "
        f"{len(known)} do not."
    )
    other = int(known.index.str.endswith(OTHERWISE).sum())
    were = "was" if other == 1 else "were"
    more = f" Of these {len(known)}, {other}, marked *, {were} trained by other settings than the paper's, mostly for "
    return f"{told}{more}fewer epochs." if other else told
