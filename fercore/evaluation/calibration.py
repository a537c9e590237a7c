"""Probabilities that mean what they say: one number, the temperature, that logits are divided by.

C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, arXiv:1706.04599,
section 4.2. It changes no answer of one view, only how sure it is.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from .metrics import require_labels

CERTAIN = 0.5  # calibrated probability below which an answer is more likely wrong than right, and called uncertain
RANGE = (0.05, 20.0)  # beyond which a temperature says that something else is wrong


def calibrated(logits: torch.Tensor, temperature: float) -> np.ndarray:
    """Probabilities (n, C) of the logits of some views (views, n, C): the mean over views of softmax(z / T)."""
    return (logits.double() / temperature).softmax(-1).mean(0).numpy()


def fit_temperature(logits: torch.Tensor, labels: np.ndarray) -> float:
    """The temperature under which `labels`, int (n,), are most likely given logits (views, n, C).

    Take images that the network was not trained on, and report on others still. Warns where it is at an end of RANGE.
    Raises ValueError for no image, for logits that are not finite, and for labels out of range.
    """
    if not len(labels):
        raise ValueError("no image to fit a temperature on")
    if not logits.isfinite().all():
        raise ValueError("logits that are not finite")
    require_labels(np.asarray(labels), logits.shape[-1])
    places = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        right = calibrated(logits, np.exp(log_temperature))[places, labels]
        return -np.log(np.maximum(right, 1e-12)).mean()

    found = minimize_scalar(loss, bounds=np.log(RANGE), method="bounded", options={"xatol": 1e-4})
    temperature = round(float(np.exp(found.x)), 4)
    if not 1.01 * RANGE[0] < temperature < RANGE[1] / 1.01:
        warnings.warn(f"no temperature calibrates these probabilities: {temperature:g} is at the end", stacklevel=2)
    return temperature
