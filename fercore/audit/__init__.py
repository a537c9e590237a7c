"""What is in a data set before anyone trains on it: counts, duplicates, leakage between splits, and labels in doubt.

Everything takes arrays or `Faces` and returns DataFrames; nothing here writes or draws.

counts       how many images of what
near         the same photograph twice, cropped, mirrored or edited
duplicates   groups of such images: leakage between splits, labels that contradict
labels       labels in doubt
pixels       images as rows of numbers
"""

from .counts import brightness, counts, mean_faces, measurements
from .duplicates import (
    contradicted,
    contradictions,
    copies,
    groups,
    leakage,
    nearest_labels,
    read_rows,
    score_duplicates,
    without_copies,
)
from .labels import known_wrong, label_errors, out_of_sample, score_label_errors, vote_agreement, voted_wrong
from .near import KINDS, SAME, SAME_SYNTHETIC, near_duplicates
from .pixels import constant, exact_duplicates, thumbnails

__all__ = [
    "KINDS",
    "SAME",
    "SAME_SYNTHETIC",
    "brightness",
    "constant",
    "contradicted",
    "contradictions",
    "copies",
    "counts",
    "exact_duplicates",
    "groups",
    "known_wrong",
    "label_errors",
    "leakage",
    "mean_faces",
    "measurements",
    "near_duplicates",
    "nearest_labels",
    "out_of_sample",
    "read_rows",
    "score_duplicates",
    "score_label_errors",
    "thumbnails",
    "vote_agreement",
    "voted_wrong",
    "without_copies",
]
