"""Which action units make an expression, and what people take it for when they get it wrong.

The prototypes and their variants are those of EMFACS: P. Ekman and W. V. Friesen, Facial Action Coding System,
Consulting Psychologists Press, 1978, and the Investigator's Guide to it.
"""

from __future__ import annotations

import numpy as np

from ..faces import meaning
from .render import UNITS

# EMFACS prototypes and common variants, with how often each is drawn
PROTOTYPES = {
    "neutral": ((1.0, {}),),
    "anger": (
        (0.5, {"AU4": 1.0, "AU5": 0.5, "AU7": 0.8, "AU23": 1.0}),
        (0.25, {"AU4": 1.0, "AU7": 0.8, "AU17": 0.7, "AU23": 0.8}),
        (0.25, {"AU4": 1.0, "AU5": 0.6, "AU7": 0.7, "AU10": 0.5, "AU20": 0.3, "AU25": 0.9, "AU26": 0.45, "AU16": 0.5}),
    ),
    "contempt": ((0.5, {"AU12L": 0.7, "AU14L": 1.0}), (0.5, {"AU12R": 0.7, "AU14R": 1.0})),
    "disgust": (
        (0.5, {"AU9": 1.0, "AU10": 0.8, "AU15": 0.7, "AU16": 0.4, "AU25": 0.5, "AU4": 0.4, "AU7": 0.4}),
        (0.5, {"AU9": 1.0, "AU10": 0.5, "AU15": 0.8, "AU17": 0.6, "AU4": 0.6, "AU7": 0.4}),
    ),
    "fear": (
        (0.6, {"AU1": 1.0, "AU2": 0.7, "AU4": 0.7, "AU5": 1.0, "AU20": 0.9, "AU25": 0.9, "AU26": 0.25}),
        (0.4, {"AU1": 1.0, "AU2": 0.6, "AU4": 0.6, "AU5": 1.0, "AU20": 0.6, "AU25": 1.0, "AU26": 0.6}),
    ),
    "happy": (
        (0.7, {"AU6": 0.9, "AU12": 1.0, "AU25": 0.9}),
        (0.15, {"AU6": 0.8, "AU12": 0.95}),
        (0.15, {"AU6": 1.0, "AU12": 1.0, "AU25": 1.0, "AU26": 0.45}),
    ),
    "sadness": (
        (0.6, {"AU1": 1.0, "AU4": 0.7, "AU15": 1.0, "AU17": 0.5}),
        (0.25, {"AU1": 0.8, "AU4": 0.5, "AU15": 0.9, "AU43": 0.5}),
        (0.15, {"AU1": 1.0, "AU4": 0.9, "AU15": 0.8, "AU20": 0.3, "AU25": 0.6, "AU7": 0.4}),
    ),
    "surprise": (
        (0.7, {"AU1": 0.9, "AU2": 1.0, "AU5": 0.9, "AU25": 1.0, "AU26": 1.0}),
        (0.3, {"AU1": 0.9, "AU2": 1.0, "AU5": 0.7, "AU25": 0.8, "AU26": 0.55}),
    ),
}
# What people take an expression for when they get it wrong: both for blends in a face and for labels that are wrong
CONFUSED = {
    "neutral": {"sadness": 0.5, "anger": 0.2, "happy": 0.15, "fear": 0.1, "contempt": 0.3},
    "anger": {"disgust": 0.4, "sadness": 0.2, "neutral": 0.2, "fear": 0.2},
    "contempt": {"neutral": 0.6, "happy": 0.4},
    "disgust": {"anger": 0.7, "sadness": 0.2, "fear": 0.1},
    "fear": {"surprise": 0.55, "sadness": 0.25, "anger": 0.2},
    "happy": {"neutral": 0.6, "surprise": 0.3, "contempt": 0.2},
    "sadness": {"neutral": 0.5, "fear": 0.25, "anger": 0.25},
    "surprise": {"fear": 0.7, "happy": 0.2, "neutral": 0.1},
}


def confuse(luck, label, classes):
    """Another class for each of `label`, as people confuse them; `luck` is uniform between 0 and 1."""
    names = [meaning(name, tuple(CONFUSED)) for name in classes]
    weights = np.array([[CONFUSED[a].get(b, 0.02 * (a != b)) for b in names] for a in names])
    edges = np.cumsum(weights / weights.sum(1, keepdims=True), axis=1)
    edges[:, -1] = 1
    return (luck[:, None] > edges[label]).sum(1)


def draw(rng, true, strength, group, classes, wild: bool):
    """Action units of N images, float32 (N, len(UNITS)).

    true, strength, group  (N,): the class that is shown, how strongly from 0 to 1, and the sequence that it belongs to
    wild                   as people look in the street, with mixed feelings; otherwise as posed in a laboratory
    """
    names = [meaning(name, tuple(CONFUSED)) for name in classes]
    index = {unit: i for i, unit in enumerate(UNITS)}
    groups = group.max() + 1

    def prototypes(which, choice):
        units = np.zeros((len(which), len(index)), np.float32)
        for c, name in enumerate(names):
            edge = 0.0
            for share, proto in PROTOTYPES[name]:
                rows = np.flatnonzero((which == c) & (choice >= edge) & (choice < edge + share))
                edge += share
                for unit, value in proto.items():
                    units[rows, index[unit]] = value
        return units

    # the other expression that is mixed in: mostly a little of it, sometimes nearly half
    other = confuse(rng.random(groups)[group], true, classes)
    mix = 0.5 * rng.beta(1.1, 2.0, groups) if wild else 0.3 * rng.beta(0.8, 2.5, groups)
    choice, other_choice = rng.random(groups)[group], rng.random(groups)[group]
    mix = mix.astype(np.float32)[group][:, None]
    units = prototypes(true, choice) * (1 - mix) + prototypes(other, other_choice) * mix
    units *= np.asarray(strength, np.float32)[:, None]
    # no two faces move every muscle alike, and resting faces are not at zero
    units *= np.clip(rng.normal(1, 0.22, (groups, len(index))), 0.2, 1.6).astype(np.float32)[group]
    rest = np.zeros((groups, len(index)), np.float32)
    level = 0.15 if wild else 0.12
    for unit in ("AU1", "AU2", "AU4", "AU5", "AU7", "AU12", "AU14", "AU15", "AU17", "AU20", "AU23", "AU43"):
        rest[:, index[unit]] = np.abs(rng.normal(0, level, groups)) * (rng.random(groups) < 0.45)
    units += rest[group]
    return np.clip(units, 0, 1.15)
