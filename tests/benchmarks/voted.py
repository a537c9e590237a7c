"""What networks score by the labels of FER+'s voters, in place of FER2013's own: the same answers to the same images.

    python tests/benchmarks/voted.py data/fer2013 fer2013new.csv --answers FOLDER [--to reports/reference/voted]

FER+ has ten votes an image (Barsoum et al., ICMI 2016, arXiv:1608.01041). Of PrivateTest, the images are taken on which
more than half of the votes agree, single ones left out (`votes.targets`), on one of FER2013's seven classes. No network
has learned from these labels. The networks are those of public_networks.py, with mirrored views, by the probabilities
that it keeps with --answers; except those that it sets aside.

networks.csv has a row a network, part of PrivateTest and score: by FER2013's labels (own) and by the votes (voted),
with its 95 % interval over images; gaps.csv has this project's networks minus RIVALS by the votes.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from priors import RIVALS
from public_networks import MASK, NETWORKS, OWN, kept, told_apart

from fercore import audit, datasets
from fercore.datasets import votes
from fercore.evaluation import metrics, statistics
from fercore.reporting.sentences import listed, ranked
from fercore.results import provenance, tables
from fercore.results.text import markdown

TEST = "PrivateTest"


def voted(faces: datasets.Faces, rows: np.ndarray) -> np.ndarray:
    """The class of `faces` that the votes give each of `rows`, int (n,); -1 where they give none of them."""
    targets = votes.targets(votes.counts(faces)[rows])[:, list(votes.places(faces.classes))]
    return np.where(targets.any(axis=1), targets.argmax(axis=1), -1)


def compared(
    labels: np.ndarray,
    said: Mapping[str, np.ndarray],
    by_votes: np.ndarray,
    masks: Mapping[str, np.ndarray],
    classes: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """networks.csv and gaps.csv. Of the images that test, int (N,) each: FER2013's labels, what each network has said,
    and `voted`; masks  of `audit.without_copies`."""
    kept = by_votes >= 0
    labels, by_votes = labels[kept], by_votes[kept]
    said = {name: answered[kept] for name, answered in said.items()}
    masks = {part: mask[kept] for part, mask in masks.items()}
    rows = {}
    for name, answered in said.items():
        own, other = (
            statistics.compare(truth, answered, classes, masks).set_index(["part", "score"])
            for truth in (labels, by_votes)
        )
        for part, score in product(("published", *masks), metrics.SCORES[:2]):
            row = other.loc[(part, score), ["images", "value", "low", "high", "note"]]
            rows[name, part, score] = {"own": own.loc[(part, score), "value"], **row.rename({"value": "voted"})}
    gaps = {}
    parts = {"published": np.ones(len(labels), bool), **masks}
    ours = [public.name for public in NETWORKS if public.package == OWN and public.name in said]
    for name, rival, part, score in product(ours, RIVALS, parts, metrics.SCORES[:2]):
        truth, one, two = (values[parts[part]] for values in (by_votes, said[name], said[rival]))
        gap = statistics.difference(truth, [one], [two], classes, score)
        gaps[name, rival, part, score] = {key: gap[key] for key in ("difference", "low", "high", "note")}
    tall = pd.DataFrame(rows).T.infer_objects().rename_axis(["network", "part", "score"])
    return tall, pd.DataFrame(gaps).T.infer_objects().rename_axis(["ours", "network", "part", "score"])


def to_see(networks: pd.DataFrame, gaps: pd.DataFrame) -> str:
    """What there is to see in networks.csv and gaps.csv on all images, as Markdown."""
    found = networks.xs(("published", "accuracy"), level=("part", "score"))
    rises = found.index[found["voted"] > found["own"]]
    said = (
        f"Accuracy by the votes, on {found['images'].iloc[0]:,.0f} images: {ranked(found['voted'])}. FER2013's own "
        f"labels of the same images give {listed(f'*{markdown(name)}*' for name in rises)} less, and the others as "
        "much or more. By the 95 % interval of the difference in accuracy by the votes:"
    )
    parts = gaps.xs(("published", "accuracy"), level=("part", "score")).groupby(level="ours", sort=False)
    lines = [f"- *{markdown(ours)}*: {told_apart(part)}." for ours, part in parts]
    return "\n".join([said, "", *lines])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("votes", help="fer2013new.csv")
    parser.add_argument("--answers", type=Path, required=True, help="where public_networks.py has kept probabilities")
    parser.add_argument("--to", type=Path, help="where the tables and provenance.json go")
    words = parser.parse_args()
    faces = datasets.load_imported(words.data)
    rows = faces.rows("test")
    labels, by_votes = faces.labels[rows], voted(votes.join(faces, words.votes), rows)
    said = {name: splits[TEST].argmax(1) for name, splits in kept(words.answers).items()}
    masks = {"near_deduplicated": audit.without_copies(faces, "test", MASK)["near_deduplicated"]}
    networks, gaps = compared(labels, said, by_votes, masks, len(faces.classes))
    print(networks.to_string(), gaps.to_string(), sep="\n")
    if words.to:
        caption = (
            "PrivateTest, by FER2013's labels and by a majority of FER+'s voters, where it is for one of seven classes"
        )
        tables.save(networks, words.to, "networks", faces, caption)
        caption = f"This project's networks less {' and '.join(RIVALS)} on PrivateTest, by a majority of FER+'s voters"
        tables.save(gaps, words.to, "gaps", faces, caption)
        tables.write_json(words.to / tables.SENTENCES, [{"figure": "", "sentence": to_see(networks, gaps)}])
        count = {"images": int((by_votes >= 0).sum()), "without_a_majority": int((by_votes < 0).sum())}
        found = {"networks": len(said), **count, "labels_that_agree": (labels == by_votes).sum() / count["images"]}
        tables.save_findings(found, words.to, faces)
        tables.write_json(words.to / "provenance.json", provenance.record({"target": "majority"}, faces, "cpu"))


if __name__ == "__main__":
    main()
