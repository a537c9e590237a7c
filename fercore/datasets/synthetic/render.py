"""Faces drawn from facial action units, many at once, with nothing but numpy.

`portrait` draws the face, `features` its eyes, brows and mouth; here are the tables of what can be drawn, and the
camera: the canvas is turned, shifted and scaled into the picture, which then gets its exposure, blur and noise.

The action units are those of P. Ekman and W. V. Friesen, Facial Action Coding System, Consulting Psychologists Press,
1978; what each does to brows, lids and lips follows the manual.
"""

from __future__ import annotations

import numpy as np

from .features import F, blend, clip
from .portrait import REACH, canvas, grid, noise

UNITS = {
    "AU1": "inner brow raiser",
    "AU2": "outer brow raiser",
    "AU4": "brow lowerer",
    "AU5": "upper lid raiser",
    "AU6": "cheek raiser",
    "AU7": "lid tightener",
    "AU9": "nose wrinkler",
    "AU10": "upper lip raiser",
    "AU12": "lip corner puller",
    "AU14": "dimpler",
    "AU15": "lip corner depressor",
    "AU16": "lower lip depressor",
    "AU17": "chin raiser",
    "AU20": "lip stretcher",
    "AU23": "lip tightener",
    "AU25": "lips part",
    "AU26": "jaw drop",
    "AU43": "eyes closed",
    "AU12L": "lip corner puller, left side of the face only",
    "AU12R": "lip corner puller, right side of the face only",
    "AU14L": "dimpler, left side of the face only",
    "AU14R": "dimpler, right side of the face only",
}
# What makes a person: mean, standard deviation, lowest, highest. Lengths in half pictures, tones from 0 to 1.
TRAITS = {
    "width": (0.74, 0.045, 0.64, 0.84),
    "chin": (0.94, 0.04, 0.85, 1.02),
    "square": (-0.15, 0.22, -0.55, 0.3),
    "eye_x": (0.365, 0.022, 0.31, 0.42),
    "eye_y": (-0.185, 0.025, -0.24, -0.13),
    "eye_w": (0.186, 0.015, 0.15, 0.22),
    "eye_open": (0.078, 0.012, 0.05, 0.105),
    "eye_tilt": (0.03, 0.05, -0.07, 0.14),
    "brow_y": (0.205, 0.022, 0.16, 0.26),
    "brow_thick": (0.036, 0.010, 0.018, 0.06),
    "brow_arch": (0.03, 0.016, 0.0, 0.065),
    "brow_dark": (0.68, 0.13, 0.35, 0.9),
    "nose_w": (0.125, 0.016, 0.095, 0.165),
    "nose_y": (0.2, 0.03, 0.13, 0.26),
    "nose_h": (1.0, 0.22, 0.55, 1.5),
    "mouth_y": (0.49, 0.03, 0.43, 0.55),
    "mouth_w": (0.28, 0.025, 0.23, 0.33),
    "lip_up": (0.042, 0.011, 0.02, 0.068),
    "lip_low": (0.06, 0.014, 0.03, 0.092),
    "lip_tone": (0.70, 0.08, 0.5, 0.86),
    "skin": (0.62, 0.12, 0.34, 0.8),
    "hair_tone": (0.22, 0.14, 0.06, 0.7),
    "iris": (0.24, 0.1, 0.1, 0.5),
    "hairline": (-0.83, 0.07, -0.98, -0.66),
    "hair_curve": (0.35, 0.3, -0.2, 1.0),
    "parting": (0.0, 0.1, -0.22, 0.22),
    "hair_volume": (0.10, 0.04, 0.03, 0.2),
    "hair_end": (-0.12, 0.1, -0.35, 0.08),
    "age": (0.35, 0.25, 0.0, 1.0),
    "beard": (0.0, 0.0, 0.0, 1.0),
    "moustache": (0.0, 0.0, 0.0, 1.0),
    "glasses": (0.0, 0.0, 0.0, 1.0),
    "collar": (0.4, 0.25, 0.05, 0.95),
}
# What makes a picture: the head's pose, the lamp, the camera. Angles in radians, light from 0 to 1.
CONDITIONS = {
    "roll": (0.0, 0.09, -0.3, 0.3),
    "yaw": (0.0, 0.09, -0.24, 0.24),
    "pitch": (0.0, 0.05, -0.13, 0.13),
    "shift_x": (0.0, 0.04, -0.1, 0.1),
    "shift_y": (0.0, 0.04, -0.1, 0.1),
    "scale": (1.06, 0.06, 0.9, 1.2),
    "gaze_x": (0.0, 0.022, -0.06, 0.06),
    "gaze_y": (0.0, 0.01, -0.025, 0.025),
    "lamp_x": (0.0, 0.3, -0.6, 0.6),
    "lamp_y": (-0.32, 0.2, -0.7, 0.15),
    "ambient": (0.5, 0.08, 0.3, 0.7),
    "back": (0.45, 0.25, 0.03, 0.95),
    "back_slope": (0.0, 0.15, -0.3, 0.3),
    "back_mess": (0.06, 0.06, 0.0, 0.2),
    "contrast": (1.05, 0.14, 0.7, 1.4),
    "exposure": (0.0, 0.06, -0.16, 0.16),
    "gamma": (0.0, 0.25, -0.5, 0.5),
    "blur": (0.1, 0.07, 0.0, 0.25),
    "noise": (0.008, 0.005, 0.002, 0.025),
    "cover": (0.0, 0.0, 0.0, 1.0),
    "cover_x": (0.0, 0.6, -0.95, 0.95),
    "cover_y": (0.75, 0.2, 0.2, 1.0),
    "asymmetry": (0.0, 0.012, -0.03, 0.03),
    "grain": (0.5, 0.29, 0.0, 1.0),
}
BLOCK = 96  # images drawn at a time: few enough for a core's caches, enough to hide what a numpy call costs


def draw(table: dict, rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """`n` values, float32 (n,), of everything in TRAITS or CONDITIONS, normal and clipped to the range given there."""
    values = {}
    for key, (mean, spread, low, high) in table.items():
        values[key] = np.clip(rng.normal(mean, spread, n), low, high).astype(F)
    return values


def people(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Looks of `n` people: TRAITS, with hair, beard, glasses and the rest going together as they do, float32 (n,)."""
    look = draw(TRAITS, rng, n)
    man = rng.random(n) < 0.52
    sign = np.where(man, 1, -1).astype(F)
    look["width"] += 0.012 * sign
    look["square"] -= 0.10 * sign
    look["chin"] += 0.015 * sign
    look["brow_thick"] += 0.006 * sign
    look["brow_y"] -= 0.012 * sign
    look["lip_tone"] += 0.05 * sign
    look["hair_tone"] = np.where(look["age"] > 0.75, look["hair_tone"] + 0.3 * rng.random(n), look["hair_tone"])
    look["hair_tone"] = np.minimum(look["hair_tone"], look["skin"] + 0.15).astype(F)
    long = rng.random(n) < np.where(man, 0.06, 0.8)
    look["hair_end"] = np.where(long, rng.uniform(0.4, 1.6, n), look["hair_end"]).astype(F)
    look["hair_volume"] = np.where(long, look["hair_volume"] + 0.04, look["hair_volume"]).astype(F)
    fringe = rng.random(n) < np.where(long, 0.2, 0.06)
    look["hairline"] = np.where(fringe, rng.uniform(-0.56, -0.5, n), look["hairline"]).astype(F)
    bald = man & (rng.random(n) < 0.1)
    look["hairline"] = np.where(bald, -1.4, look["hairline"]).astype(F)
    bearded = man & (rng.random(n) < 0.3)
    look["beard"] = np.where(bearded, rng.uniform(0.15, 0.85, n), 0).astype(F)
    look["moustache"] = np.where(bearded | (man & (rng.random(n) < 0.07)), rng.uniform(0.2, 0.9, n), 0).astype(F)
    look["glasses"] = np.where(rng.random(n) < 0.11, rng.uniform(0.35, 1, n), 0).astype(F)
    return look


def faces(units, look, scene, size: int, out=None, block: int = BLOCK) -> np.ndarray:
    """Draw N faces into `out`, uint8 (N, size, size).

    units   (N, len(UNITS)), intensities from 0 (absent) to 1 (as strong as it gets)
    look    TRAITS, (N,) each          scene   CONDITIONS, (N,) each
    The same arguments give the same bytes, whatever `block` is.
    """
    units = np.asarray(units, F)
    # glibc hands freed blocks back to the system until one as large as this has been freed; the page faults that this
    # costs for every temporary array are a quarter of the time
    np.empty(31 << 20, np.uint8)
    if out is None:
        out = np.empty((len(units), size, size), np.uint8)
    for start in range(0, len(units), block):
        part = slice(start, start + block)
        values = {name: units[part, i].reshape(-1, 1, 1, 1) for i, name in enumerate(UNITS)}
        values |= {key: np.asarray(v, F)[part].reshape(-1, 1, 1, 1) for key, v in (look | scene).items()}
        out[part] = _expose(_pose(canvas(values, size), values, size), values, size)
    return out


def _pose(drawn, v, size):
    """Turn, shift and scale what is drawn, (B, 2, n, n/2) into pictures (B, size, size)."""
    n, px = grid(size)
    images = len(drawn)
    whole = np.empty((images, n, n), F)
    whole[:, :, n // 2 :] = drawn[:, 0]
    whole[:, :, : n // 2] = drawn[:, 1, :, ::-1]

    at = (np.arange(size, dtype=F) + F(0.5)) * F(2 / size) - 1
    gx, gy = at.reshape(1, 1, -1), at.reshape(1, -1, 1)
    roll, yaw, pitch, dx, dy, scale = (
        v[key].reshape(-1, 1, 1) for key in ("roll", "yaw", "pitch", "shift_x", "shift_y", "scale")
    )
    cos, sin = np.cos(roll) / scale, np.sin(roll) / scale
    # in a turned head the middle moves further than the outline
    x = (gx * cos - dx - np.maximum(1 - F(1.3) * gx * gx, 0) * yaw) + gy * sin
    y = (gy * cos - dy - np.maximum(1 - F(0.9) * gy * gy, 0) * pitch) - gx * sin
    for axis in (x, y):
        axis *= F(1 / px)
        axis += F(REACH / px - 0.5)
        axis.clip(0, n - 1.01, out=axis)
    column, row = np.floor(x), np.floor(y)
    x -= column
    y -= row
    row *= n
    row += column
    index = row.astype(np.intp)
    index += (np.arange(images) * (n * n)).reshape(-1, 1, 1)
    flat = whole.reshape(-1)
    above, above_right, below, below_right = (flat[step:].take(index, mode="clip") for step in (0, 1, n, n + 1))
    for left, right in ((above, above_right), (below, below_right)):
        right -= left
        right *= x
        left += right
    below -= above
    below *= y
    above += below
    return above


def _expose(picture, v, size):
    """Occlusion, blur, contrast, exposure, gamma and noise: float32 in, uint8 (B, size, size) out."""
    v = {key: value.reshape(-1, 1) for key, value in v.items() if key in CONDITIONS or key == "skin"}
    who = np.flatnonzero(v["cover"] > 0)
    if len(who):
        picture[who] = _cover(picture[who], {key: value[who, :, None] for key, value in v.items()}, size)
    picture = picture.reshape(len(picture), -1)
    for step in (
        1,
        size,
    ):  # neighbours in a row, then in a column; what wraps around at the border is too little to see
        side = picture[:, 2 * step :] + picture[:, : -2 * step]
        side *= v["blur"]
        middle = picture[:, step:-step]
        middle *= 1 - 2 * v["blur"]
        middle += side
    picture *= v["contrast"]
    picture += F(0.45) * (1 - v["contrast"]) + v["exposure"]
    clip(picture)
    bent = picture * (-255 * v["gamma"])
    bent += 255 * (1 + v["gamma"])
    picture *= bent
    _, camera = noise(size)
    grain = camera[(v["grain"].ravel() * (len(camera) - 1)).astype(int)]
    grain *= 255 * v["noise"]
    picture += grain
    picture += F(0.5)
    picture.clip(0, 255, out=picture)
    return picture.astype(np.uint8).reshape(-1, size, size)


def _cover(picture, v, size):
    """A hand before the face: three fingers from outside the picture."""
    at = ((np.arange(size, dtype=F) + F(0.5)) * F(2 / size) - 1).astype(F)
    x, y = at.reshape(1, 1, -1) - v["cover_x"], at.reshape(1, -1, 1) - v["cover_y"]
    lean = v["cover_x"] * F(0.6)
    along, across = y + lean * x, x - lean * y
    finger = across * F(1 / 0.17)
    finger -= np.floor(finger)
    finger *= 1 - finger
    tip = along + F(0.15) - across * across * F(0.9) + finger * F(0.5)
    mask = np.minimum(tip, F(0.34) - np.abs(across)) * F(size / 2.5)
    blend(picture, clip(mask), v["skin"] * (F(0.45) + finger * F(1.6)))
    return picture
