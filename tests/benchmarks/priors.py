"""How much of a network's macro-F1 hangs on how often it answers a class, and not on what it sees.

    python tests/benchmarks/priors.py data/fer2013 --answers FOLDER [--to reports/reference/priors]

A network that learned from few images of a class answers it rarely, and in macro-F1 each class counts alike. Here tau
times the logarithm of a class's share of Training is subtracted from its log-probability before the most probable class
is answered (post-hoc logit adjustment: Menon et al., 2021, arXiv:2007.07314, section 4.2). No network is trained anew.
tau is chosen for each network by macro-F1 on PublicTest, the smaller where two are equal, and PrivateTest is looked at
with that one alone. The networks are those of public_networks.py, with mirrored views, by the probabilities that it
keeps with --answers; except those that it sets aside.

networks.csv has a row for each network, part of PrivateTest and score, adjusted minus as it is; gaps.csv has this
project's networks minus RIVALS, all as they are and all adjusted.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from public_networks import MASK, NETWORKS, OWN, kept, told_apart

from fercore import audit, datasets
from fercore.evaluation import metrics, statistics
from fercore.reporting.sentences import listed, points
from fercore.results import provenance, tables
from fercore.results.text import markdown

TAUS = np.arange(11) / 10
RIVALS = ("XCEPTION", "mini-XCEPTION")
RARE = "disgust"
SELECT, TEST = "PublicTest", "PrivateTest"
BEFORE, ADJUSTED = "as_it_is", "adjusted"


def answers(probabilities: np.ndarray, shares: np.ndarray, tau: float) -> np.ndarray:
    """The class that is answered, int (N,). probabilities  float (N, C); shares  of the classes in Training, (C,)"""
    smallest = np.finfo(np.float64).tiny  # a probability that a runtime has rounded to 0
    return (np.log(np.maximum(probabilities, smallest)) - tau * np.log(shares)).argmax(1)


def chosen(probabilities: np.ndarray, labels: np.ndarray, shares: np.ndarray) -> float:
    """The tau of TAUS with the best macro-F1; the smallest of several."""
    count = len(shares)
    found = [
        float(metrics.scores(metrics.confusion(labels, answers(probabilities, shares, tau), count))["macro_f1"])
        for tau in TAUS
    ]
    return float(TAUS[int(np.argmax(found))])


def shares_of(faces: datasets.Faces) -> np.ndarray:
    """Of each class among the training images, float (C,)."""
    train = faces.rows("train")
    return np.bincount(faces.labels[train], minlength=len(faces.classes)) / len(train)


def compared(
    faces: datasets.Faces, found: Mapping[str, Mapping[str, np.ndarray]], masks: Mapping[str, np.ndarray]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """networks.csv and gaps.csv.

    found  by network and split, probabilities float (N, C)
    masks  of `audit.without_copies`, for the split that tests
    """
    shares, classes = shares_of(faces), len(faces.classes)
    labels = {split: faces.labels[faces.rows(split)] for split in (SELECT, TEST)}
    parts = {"published": np.ones(len(labels[TEST]), bool), **masks}
    taus = {name: chosen(splits[SELECT], labels[SELECT], shares) for name, splits in found.items()}
    said = {
        name: {BEFORE: splits[TEST].argmax(1), ADJUSTED: answers(splits[TEST], shares, taus[name])}
        for name, splits in found.items()
    }

    def gap(one: np.ndarray, other: np.ndarray, part: str, score: str) -> dict:
        kept = parts[part]
        gap = statistics.difference(labels[TEST][kept], [one[kept]], [other[kept]], classes, score)
        return {key: gap[key] for key in ("difference", "low", "high", "note")}

    rows, gaps, rare = {}, {}, labels[TEST] == faces.classes.index(RARE)
    for name, part, score in product(found, parts, metrics.SCORES[:2]):
        kept, row = parts[part], {"tau": taus[name]}
        for state, answered in said[name].items():
            matrix = metrics.confusion(labels[TEST][kept], answered[kept], classes)
            row[state] = float(metrics.scores(matrix)[score])
            row[f"{RARE}_{state}"] = int(((answered == labels[TEST]) & rare & kept).sum())
        same = {"difference": 0.0, "low": 0.0, "high": 0.0, "note": ""}  # it answers the same always
        apart = gap(said[name][ADJUSTED], said[name][BEFORE], part, score) if taus[name] else same
        rows[name, part, score] = row | apart
    own = [public.name for public in NETWORKS if public.package == OWN and public.name in found]
    for ours, rival, state, part, score in product(own, RIVALS, (BEFORE, ADJUSTED), parts, metrics.SCORES[:2]):
        gaps[ours, rival, state, part, score] = gap(said[ours][state], said[rival][state], part, score)
    tall = pd.DataFrame(rows).T.infer_objects().rename_axis(["network", "part", "score"])
    return tall, pd.DataFrame(gaps).T.infer_objects().rename_axis(["ours", "network", "answers", "part", "score"])


def to_see(networks: pd.DataFrame, gaps: pd.DataFrame) -> str:
    """What there is to see in networks.csv and gaps.csv on all images, as Markdown."""
    all_images = networks.xs(("published", "macro_f1"), level=("part", "score"))
    changed = all_images[all_images["tau"] > 0]
    up, down = changed.index[changed["low"] > 0], changed.index[changed["high"] < 0]
    told = "; ".join(
        f"*{markdown(name)}* {points(row.rename({'difference': 'value'}))}" for name, row in changed.iterrows()
    )
    said = (
        f"On {SELECT}, a tau above 0 is best for {len(changed)} of {len(all_images)} networks; the predictions of the "
        f"others do not change. Macro-F1 on {TEST} changes by: {told}. It rises with its whole interval for "
        f"{listed(f'*{markdown(name)}*' for name in up)}, and falls for "
        f"{listed(f'*{markdown(name)}*' for name in down)}. By the 95 % interval of the difference in macro-F1:"
    )
    lines = [said, ""]
    rivals = gaps.xs(("published", "macro_f1"), level=("part", "score"))
    for ours, part in rivals.groupby(level="ours", sort=False):
        before, after = (told_apart(part.xs(state, level="answers"), "better", "worse") for state in (BEFORE, ADJUSTED))
        lines.append(f"- *{markdown(ours)}*, with no network adjusted: {before}. With all adjusted: {after}.")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--answers", type=Path, required=True, help="where public_networks.py has kept probabilities")
    parser.add_argument("--to", type=Path, help="where the tables and provenance.json go")
    words = parser.parse_args()
    faces = datasets.load_imported(words.data)
    found = kept(words.answers)
    masks = {"near_deduplicated": audit.without_copies(faces, "test", MASK)["near_deduplicated"]}
    networks, gaps = compared(faces, found, masks)
    print(networks.to_string(), gaps.to_string(), sep="\n")
    if words.to:
        caption = (
            "Macro-F1 and accuracy with logits adjusted by the classes' shares, less those without, on PrivateTest"
        )
        tables.save(networks, words.to, "networks", faces, caption)
        caption = f"This project's networks less {' and '.join(RIVALS)} on PrivateTest, as they are and adjusted"
        tables.save(gaps, words.to, "gaps", faces, caption)
        tables.write_json(words.to / tables.SENTENCES, [{"figure": "", "sentence": to_see(networks, gaps)}])
        tables.save_findings({"networks": len(found), "images": len(faces.rows("test"))}, words.to, faces)
        settings = {"taus": [float(tau) for tau in TAUS], "chosen_by": f"macro-F1 on {SELECT}"}
        tables.write_json(words.to / "provenance.json", provenance.record(settings, faces, "cpu"))


if __name__ == "__main__":
    main()
