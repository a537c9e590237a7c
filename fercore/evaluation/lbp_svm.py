"""The hand-crafted baseline: local binary patterns and a linear support vector machine.

T. Ahonen, A. Hadid, M. Pietikäinen, "Face Description with Local Binary Patterns", PAMI 2006;
C. Shan, S. Gong, P. McOwan, "Facial expression recognition based on Local Binary Patterns", IVC 2009.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from skimage.feature import local_binary_pattern
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from ..datasets import Faces
from . import metrics

# why it decides no claim of a paper that prints no recipe, for the ledger
DEPARTS = "a linear SVM by this project's recipe: class weights, C chosen by macro-F1"
BINS = 59  # uniform patterns of 8 neighbours, and one bin for all others


def lbp(pixels: np.ndarray, cells: int = 6) -> np.ndarray:
    """Histograms of uniform patterns in `cells` x `cells` parts of each image, float32 (N, cells² * 59).

    pixels  uint8 (N, H, W) or (N, H, W, 3), which is taken by its luminance
    """
    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(lambda image: _histograms(image, cells), pixels)))


def _histograms(image: np.ndarray, cells: int) -> np.ndarray:
    if image.ndim == 3:
        image = np.rint(image @ (0.299, 0.587, 0.114)).astype(np.uint8)  # ITU-R BT.601
    codes = local_binary_pattern(image, 8, 1, "nri_uniform").astype(np.intp)
    rows, columns = (np.arange(size) * cells // size for size in codes.shape)
    places = (rows[:, None] * cells + columns) * BINS + codes
    counts = np.bincount(places.ravel(), minlength=cells * cells * BINS).reshape(-1, BINS)
    return (counts / counts.sum(1, keepdims=True)).ravel().astype(np.float32)


def lbp_svm(
    faces: Faces, train: np.ndarray, select: np.ndarray, costs: Sequence[float] = (0.0001, 0.001)
) -> tuple[Pipeline, float]:
    """A classifier of `lbp` features fitted on the rows `train`, and its C: the one with the best macro-F1 on `select`.

    Classes are weighted by inverse frequency, as in the networks' loss.
    """
    features, labels = lbp(faces.pixels[train]), faces.labels[train]
    seen, expected = lbp(faces.pixels[select]), faces.labels[select]

    def fitted(cost: float) -> Pipeline:
        machine = LinearSVC(C=cost, class_weight="balanced", dual=False, max_iter=200, tol=1e-3, random_state=0)
        return make_pipeline(StandardScaler(), machine).fit(features, labels)

    with warnings.catch_warnings(), ThreadPoolExecutor() as pool:  # liblinear computes outside Python's lock
        warnings.simplefilter("ignore", ConvergenceWarning)  # the score on `select` judges
        models = list(pool.map(fitted, costs))
    found = []
    for cost, model in zip(costs, models, strict=True):
        matrix = metrics.confusion(expected, model.predict(seen), len(faces.classes))
        found.append((float(metrics.scores(matrix)["macro_f1"]), -cost, model))
    best = max(found, key=lambda one: one[:2])
    return best[2], -best[1]
