"""Labels in doubt: what ten FER+ voters say of them, and what confident learning finds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..datasets import Faces, votes
from .pixels import thumbnails


def vote_agreement(faces: Faces) -> pd.DataFrame:
    """By class, what the ten FER+ votes say: shares that agree, disagree, have no majority, and see no face.

    A majority is more than half of the votes, unknown and NF included. Raises KeyError where there are no votes.
    """
    counts, own = votes.counts(faces), _own_votes(faces)
    most, total = counts.max(axis=1), counts.sum(axis=1)
    majority = most > total / 2
    agrees = majority & (own == most)
    frame = pd.DataFrame(
        {
            "class": pd.Categorical(np.asarray(faces.classes)[faces.labels], faces.classes),
            "images": 1,
            "agree": agrees,
            "disagree": majority & ~agrees,
            "no_majority": ~majority,
            "no_face": counts[:, votes.VOTES.index("NF")] > total / 2,
            "own_votes": own / np.maximum(total, 1),
        }
    )
    shares = ["agree", "disagree", "no_majority", "no_face", "own_votes"]
    how = {"images": "sum", **dict.fromkeys(shares, "mean")}
    table = frame.groupby("class", observed=False).agg(how)
    table.loc["all"] = frame.agg(how)
    return table.astype({"images": int})


def voted_wrong(faces: Faces) -> np.ndarray:
    """float (N,): 1 where a majority of the FER+ votes is for another class, 0 where for the label, NaN without one."""
    counts, own = votes.counts(faces), _own_votes(faces)
    most = counts.max(axis=1)
    return np.where(most > counts.sum(axis=1) / 2, (own < most).astype(float), np.nan)


def known_wrong(faces: Faces) -> tuple[str, np.ndarray | None]:
    """Who can say which labels are wrong, in words, and what they say, float (N,) with NaN where they do not know: what
    was planted in rendered faces, or a majority of the FER+ votes; "" and None where nobody can."""
    if "true_label" in faces.table:
        return "what was planted", (faces.table["true_label"] != faces.labels).to_numpy(float)
    if f"votes_{votes.VOTES[0]}" in faces.table:
        return "the FER+ votes", voted_wrong(faces)
    return "", None


def _own_votes(faces: Faces) -> np.ndarray:
    """How many of its votes each image has for its own label; FER2013 and FER+ order their classes differently."""
    places = np.asarray(votes.places(faces.classes))
    return votes.counts(faces)[np.arange(len(faces)), places[faces.labels]]


def out_of_sample(faces: Faces, group: np.ndarray, folds: int = 5, seed: int = 0) -> np.ndarray:
    """Class probabilities (N, classes) from models that saw neither the image nor one of its group.

    Histograms of oriented gradients (Dalal & Triggs 2005) and logistic regression: seconds, not hours, and on FER2013
    within reach of the LBP + SVM baselines. A stronger network's probabilities can take their place.
    """
    from skimage.feature import hog
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features = np.stack([hog(image, 9, (8, 8), (2, 2)) for image in thumbnails(faces.pixels)]).astype(np.float32)
    width = min(200, len(features) // (2 * folds))
    model = make_pipeline(PCA(width, random_state=seed), StandardScaler(), LogisticRegression(C=0.05, max_iter=500))
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    result = np.zeros((len(faces), len(faces.classes)))
    present = np.unique(faces.labels)  # the model knows no other classes
    result[:, present] = cross_val_predict(
        model, features, faces.labels, groups=group, cv=split, method="predict_proba"
    )
    return result


def label_errors(faces: Faces, probabilities: np.ndarray) -> pd.DataFrame:
    """Likely label errors by confident learning (Northcutt et al., JAIR 2021; cleanlab), a row an image.

    quality    0 to 1, low where the label is doubtful
    suspected  whether cleanlab counts the label among the errors
    suggested  the class that the probabilities favour
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    return pd.DataFrame(
        {
            "label": faces.labels,
            "quality": get_label_quality_scores(faces.labels, probabilities),
            "suspected": find_label_issues(faces.labels, probabilities, n_jobs=1),
            "suggested": probabilities.argmax(axis=1),
        }
    )


def score_label_errors(found: pd.DataFrame, wrong: np.ndarray, seed: int = 0, resamples: int = 500) -> pd.Series:
    """How well `found` tells the labels that are wrong, float (N,) of 1, 0 and NaN for not known.

    images, wrong_share, suspected_share, precision, recall, and the area under the ROC curve of `quality` with a 95 %
    bootstrap interval over images. Precision is to be read against wrong_share, which guessing attains. NaN for what
    cannot be told, as when no label is wrong.
    """
    from sklearn.metrics import roc_auc_score

    known = np.flatnonzero(~np.isnan(wrong))
    truth, suspected = wrong[known].astype(bool), found["suspected"].to_numpy()[known]
    doubt = 1 - found["quality"].to_numpy()[known]
    areas, area = [], float("nan")
    if 0 < truth.sum() < len(truth):
        area = roc_auc_score(truth, doubt)
    draw = np.random.default_rng(seed)
    for _ in range(resamples):
        rows = draw.integers(len(known), size=len(known))
        if 0 < truth[rows].sum() < len(rows):
            areas.append(roc_auc_score(truth[rows], doubt[rows]))
    low, high = np.quantile(areas or [float("nan")], [0.025, 0.975])
    return pd.Series(
        {
            "images": len(known),
            "wrong_share": _share(truth),
            "suspected_share": _share(suspected),
            "precision": _share(truth[suspected]),
            "recall": _share(suspected[truth]),
            "auroc": area,
            "auroc_low": low,
            "auroc_high": high,
        }
    )


def _share(which: np.ndarray) -> float:
    return float(which.mean()) if len(which) else float("nan")
