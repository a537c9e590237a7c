"""The canvas: skin as a relief lit by one lamp, what `features` paints on it, and hair, neck and background around it.

A face is drawn in its own coordinates, in which the picture that is cut out at the end is two units wide: x runs
outward from the midline, y downward. The two halves of the face are an axis of length 2, so that whatever both share is
computed once. Arrays are float32 (images, 2 or 1, rows, columns), half 0 being the right half of the picture.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .features import F, beard, blend, brows, bump, clip, eyes, glasses, mouth

REACH = 1.24  # half the canvas: what a turned and shifted head may need beyond the picture


class _Patch:
    """A rectangle of the canvas with its own coordinates x and y, (1, 1, h, w)."""

    def __init__(self, size, x0, x1, y0, y1):
        n, px = grid(size)
        at = [
            int(np.clip(round(v), 0, top))
            for v, top in (((y0 + REACH) / px, n), ((y1 + REACH) / px, n), (x0 / px, n // 2), (x1 / px, n // 2))
        ]
        self.at = (slice(None), slice(None), slice(at[0], at[1]), slice(at[2], at[3]))
        rows = ((np.arange(at[0], at[1]) + 0.5) * px - REACH).astype(F)
        columns = ((np.arange(at[2], at[3]) + 0.5) * px).astype(F)
        self.y, self.x = (np.ascontiguousarray(a)[None, None] for a in np.meshgrid(rows, columns, indexing="ij"))
        self.row, self.column = rows[None, None, :, None], columns[None, None, None]


def grid(size):
    """Rows of the canvas, an even number, and the width of its pixels."""
    n = 2 * round(size * 0.625)
    return n, 2 * REACH / n


@lru_cache
def _patches(size):
    return {
        "all": _Patch(size, 0, REACH, -REACH, REACH),
        "relief": _Patch(size, 0, 0.86, -0.6, 1.1),
        "neck": _Patch(size, 0, REACH, 0.55, REACH),
        "ear": _Patch(size, 0.55, 0.98, -0.22, 0.2),
        "crown": _Patch(size, 0, REACH, -REACH, -0.24),
        "locks": _Patch(size, 0.5, REACH, -0.24, REACH),
        "brow": _Patch(size, 0, 0.74, -0.72, -0.14),
        "eye": _Patch(size, 0.08, 0.68, -0.44, 0.06),
        "nose": _Patch(size, 0, 0.34, -0.5, 0.36),
        "cheek": _Patch(size, 0.08, 0.84, -0.25, 0.85),
        "mouth": _Patch(size, 0, 0.6, 0.2, 1.04),
        "beard": _Patch(size, 0, 0.84, 0.1, REACH),
        "glasses": _Patch(size, 0, 0.8, -0.5, 0.18),
        "forehead": _Patch(size, 0, 0.6, -0.72, -0.3),
    }


@lru_cache
def noise(size):
    """Four tiles of noise from which every image takes a window of its own: fine, soft, strands of hair, camera."""
    n, _ = grid(size)
    rng = np.random.default_rng(20130707)

    def smooth(x, rows, columns):
        for axis, times in ((0, rows), (1, columns)):
            for _ in range(times):
                x = (np.roll(x, 1, axis) + 2 * x + np.roll(x, -1, axis)) / 4
        return (x / x.std()).astype(F)

    side = n + 64
    tiles = {
        "soft": smooth(rng.standard_normal((side, side)), n // 2, n // 2),
        "fine": smooth(rng.standard_normal((side, side)), 1, 1),
        "hair": smooth(rng.standard_normal((side, side)), n // 3, 1),
    }
    windows = {key: np.lib.stride_tricks.sliding_window_view(tile, (n, n // 2)) for key, tile in tiles.items()}
    camera = rng.standard_normal(max(1 << 18, 2 * size * size)).astype(F)
    return windows, np.lib.stride_tricks.sliding_window_view(camera, size * size)


@lru_cache
def _sphere(size):
    """Normals of a generic head, outward, down and towards the camera: three arrays (1, 1, n, n/2)."""
    p = _patches(size)["all"]
    nx, ny = p.x * F(0.92), p.y * F(0.62) - F(0.02)
    nx, ny = (nx + F(0.5) * nx**3) / F(1.25), ny
    norm = np.sqrt(nx**2 + ny**2 + F(0.45))
    return nx / norm, ny / norm, F(0.67) / norm


def canvas(v, size):
    """The canvas, float32 (B, 2, n, n/2), half 0 being the right half of the picture."""
    n, px = grid(size)
    patches = _patches(size)
    p = patches["all"]
    sided = np.array([1, -1], F).reshape(1, 2, 1, 1)
    twist = v["asymmetry"] * sided
    smile = np.maximum(v["AU12"], np.concatenate([v["AU12L"], v["AU12R"]], 1))  # the picture's right is the face's left
    dimple = np.maximum(v["AU14"], np.concatenate([v["AU14L"], v["AU14R"]], 1))
    windows, _ = noise(size)
    grain = (v["grain"].ravel() * 4096).astype(int)
    jaw = F(0.13) * v["AU26"]

    # Where the face is: `outline` is 0 on its edge and 1 in its middle
    y = p.row
    up, down = np.maximum(-y, 0) / F(1.15), np.maximum(y, 0) / (v["chin"] + jaw)
    drop = down * down * (F(0.75) + F(0.25) * down)
    outline = (p.column * p.column) * ((1 + v["square"] * drop) / (v["width"] * v["width"]))
    np.subtract(1 - up * up - drop, outline, out=outline)

    fine = windows["fine"][grain % 61, grain // 64][:, None]
    tone = outline.clip(0, 0.3)  # skin turns away from the camera towards the outline
    tone *= F(0.8) * v["skin"]
    tone += F(0.77) * v["skin"]
    mottle = fine * F(0.014)
    mottle += 1
    tone *= mottle
    paint = np.empty((len(tone), 2, n, n // 2), F)
    paint[:] = tone
    relief = np.zeros_like(paint)
    _skin(v, patches, relief, paint, smile, dimple, jaw)
    eyes(v, patches["eye"], paint, px, twist, sided, smile)
    brows(v, patches["brow"], paint, px, twist, fine)
    mouth(v, patches["mouth"], paint, px, smile, dimple, jaw)
    beard(v, patches["beard"], paint, outline, fine, jaw)
    glasses(v, patches["glasses"], paint, px)

    # Light: a generic head, and on it the slopes of the relief
    nx, ny, nz = _sphere(size)
    strength = F(1.15) * (1 - v["ambient"])
    lx, ly = v["lamp_x"] * sided * strength, v["lamp_y"] * strength
    light = ny * ly
    light += nz * (strength * np.sqrt(1 - v["lamp_x"] ** 2 - np.minimum(v["lamp_y"] ** 2, F(0.5))))
    light += v["ambient"]
    light = light + nx * lx
    at = patches["relief"].at
    slope = (
        relief[:, :, at[2].start + 1 : at[2].stop + 1, at[3]] - relief[:, :, at[2].start - 1 : at[2].stop - 1, at[3]]
    )
    slope *= ly / F(-2 * px)
    light[at] += slope
    slope = relief[:, :, at[2], 2 : at[3].stop] - relief[:, :, at[2], : at[3].stop - 2]
    slope *= lx / F(-2 * px)
    light[:, :, at[2], 1 : at[3].stop - 1] += slope
    light.clip(0.12, 3, out=light)
    paint *= light
    return _surroundings(v, patches, paint, light, outline, windows, grain, px, sided)


def _skin(v, patches, relief, paint, smile, dimple, jaw):
    """Nose, sockets, cheeks, folds and wrinkles: what is skin and only moves."""
    frown, wrinkle, age = v["AU4"], v["AU9"], v["age"]
    ey = v["eye_y"]

    p = patches["nose"]
    tip = v["nose_y"] - F(0.03) * wrinkle
    shape = bump(p.column, p.row - (tip - F(0.22)), F(0.14), F(0.48), F(0.068) * v["nose_h"])
    shape += bump(p.column, p.row - (tip - F(0.03)), F(0.13), F(0.14), F(0.085) * v["nose_h"])
    shape += bump(p.column - v["nose_w"] * F(0.85), p.row - (tip + F(0.01)), F(0.075), F(0.09), F(0.045))
    relief[p.at] += shape
    # nostrils and the shadow under the tip
    dark = bump(p.column - v["nose_w"] * F(0.5), p.row - (tip + F(0.065)), F(0.065), F(0.042), F(0.75))
    dark += bump(p.column, p.row - (tip + F(0.095)), v["nose_w"] * F(1.3), F(0.06), F(0.3))
    dark += bump(
        p.column - v["nose_w"] * F(1.1), p.row - (tip + F(0.02)), F(0.03), F(0.08), F(0.25) + F(0.25) * wrinkle
    )
    # AU9 gathers the skin beside the bridge into oblique folds
    ripple = (p.y + p.x * F(0.9) - ey) * F(1 / 0.055)
    ripple -= np.floor(ripple)
    ripple *= 1 - ripple
    ripple *= bump(p.column - F(0.07), p.row - (ey + F(0.1)), F(0.13), F(0.2), wrinkle * F(2.8))
    dark += ripple
    # AU4 draws the brows together: upright furrows between them
    dark += bump(p.column - F(0.055), p.row - (ey - F(0.17)), F(0.03), F(0.13), frown * F(0.55) + wrinkle * F(0.3))
    np.subtract(1, dark, out=dark)
    dark.clip(0.12, 1, out=dark)
    paint[p.at] *= dark

    p = patches["eye"]
    socket = bump(p.column - v["eye_x"], p.row - ey, F(0.27), F(0.2), F(-0.035))
    socket += bump(p.column - v["eye_x"], p.row - ey, F(0.18), F(0.12), F(0.03))
    socket += bump(
        p.column - v["eye_x"], p.row - (ey - v["brow_y"] + F(0.05) * frown), F(0.3), F(0.1), F(0.02) + F(0.02) * frown
    )
    relief[p.at] += socket
    dark = bump(p.column - F(0.2), p.row - (ey - F(0.03)), F(0.13), F(0.14), F(0.2))
    # bags under the eyes, with age and with cheeks pushed up (AU6) or lids tightened (AU7)
    bag = age * F(0.16) + v["AU6"] * F(0.28) + v["AU7"] * F(0.14)
    dx = (p.x - v["eye_x"]) * F(1 / 0.19)
    curve = p.y - (ey + v["eye_open"] + F(0.045)) + dx * dx * F(0.05)
    dark += bump(dx, curve, F(1.1), F(0.035), bag)
    np.subtract(1, dark, out=dark)
    paint[p.at] *= dark

    # raised brows fold the forehead
    p = patches["forehead"]
    raised = np.maximum(v["AU1"], v["AU2"])
    ripple = (p.y - p.x * p.x * F(0.25) * (v["AU2"] - v["AU1"])) * F(1 / 0.095)
    ripple -= np.floor(ripple)
    ripple *= 1 - ripple
    ripple *= bump(p.column, p.row + F(0.52), F(0.25) + F(0.3) * v["AU2"], F(0.17), -raised * (F(0.25) + F(0.5) * age))
    ripple += 1
    paint[p.at] *= ripple

    # cheeks are pushed up by a smile; the fold from nostril to lip corner deepens with smile, sneer and age
    p = patches["cheek"]
    lift = np.maximum(smile, v["AU6"])
    up = p.y - (F(0.17) - F(0.07) * lift)
    relief[p.at] += bump(p.x - F(0.43), up, F(0.27), F(0.24), F(0.03) + F(0.045) * lift)
    start_x, start_y = v["nose_w"] + F(0.05), v["nose_y"] - F(0.02)
    end_y = v["mouth_y"] + F(0.03) + jaw * F(0.5)
    t = (p.y - start_y) / (end_y - start_y)
    reach = v["mouth_w"] - v["nose_w"] + F(0.01) + F(0.1) * smile + F(0.05) * v["AU10"]
    t = p.x - (start_x + reach * t * (F(1.35) - F(0.35) * t))
    deep = F(0.05) + F(0.2) * age + F(0.25) * v["AU10"] + F(0.2) * wrinkle
    deep = deep + F(0.3) * np.minimum(smile, F(0.5) + v["AU6"])
    fold = bump(t, p.row - (start_y + end_y) * F(0.5), F(0.06), F(0.22), np.minimum(deep, F(0.5)))
    np.subtract(1, fold, out=fold)
    paint[p.at] *= fold
    # outside the fold the cheek stands out
    relief[p.at] += bump(t - F(0.07), p.row - (start_y + end_y) * F(0.5), F(0.09), F(0.24), deep * F(0.06))

    p = patches["mouth"]
    chin_y = v["chin"] - F(0.16) + jaw * F(0.9)
    shape = bump(p.column, p.row - (chin_y - F(0.03) * v["AU17"]), F(0.22), F(0.16), F(0.035) + F(0.05) * v["AU17"])
    relief[p.at] += shape


def _surroundings(v, patches, paint, light, outline, windows, grain, px, sided):
    """Background, neck and collar behind the finished face, ears beside it, hair around it."""
    p, width = patches["all"], v["width"]
    back = windows["soft"][grain // 70, grain % 59][:, None] * (v["back_mess"] * sided)
    back += v["back"] + (v["back_slope"] * sided) * p.column

    p = patches["neck"]
    part = back[p.at]
    neck = (width * F(0.66) + np.maximum(p.row - 1, 0) * F(1.5) - p.column) * F(0.5 / px)
    clip(neck)
    blend(part, neck, v["skin"] * F(0.42))
    slant = F(0.35) * (p.column - F(0.4))
    cloth = (p.row - F(1.02) - F(0.25) * np.maximum(width * F(0.66) - p.column, 0) + slant) * F(0.4 / px)
    blend(part, clip(cloth), v["collar"] * F(0.7))

    p = patches["ear"]
    part = back[p.at]
    ear = bump(p.column - (width + F(0.015)), p.row + F(0.02), F(0.09), F(0.19), F(2))
    ear.clip(0, 1, out=ear)
    blend(part, ear, v["skin"] * F(0.62))

    inside = outline * (F(1 / (2.6 * px)) * width)
    inside += F(0.5)
    clip(inside)
    paint -= back
    paint *= inside
    back += paint

    # hair: within the head's outline and above the hairline, or hanging beside the face down to where it ends
    volume, end = v["hair_volume"], v["hair_end"]
    exists = v["hairline"] > F(-1.2)
    for p in (patches["crown"], patches["locks"]):
        y, x = p.row, p.column
        crown = np.sqrt(np.maximum(1 - (np.maximum(-y - F(0.1), 0) / (F(0.98) + volume)) ** 2, 0))
        hanging = np.clip((end + F(0.1) - y) * F(3.2), 0, 1) * exists  # thins out towards its ends
        long = np.clip(end * 2, 0, 1)
        beside = volume * (
            1 - (1 - long) * np.clip((y + F(0.75)) * F(1.4), 0, 0.8)
        )  # short hair lies close at the ears
        hair = (width + beside) * crown * hanging * F(0.6 / px) + F(0.5) * hanging - x * F(0.6 / px)
        temple = width * (F(1.02) - F(0.1) * np.clip((y + F(0.2)) * F(-1.2), 0, 1)) - F(0.06) * long
        front = (x - temple) * F(0.5 / px)
        if p is patches["crown"]:
            line = v["hairline"] + (x * x) * v["hair_curve"] + x * (v["parting"] * sided)
            front = np.maximum((line - y) * F(0.3 / px), front)
        front += F(0.5)
        strands = windows["hair"][grain % 53, grain // 66, p.at[2], p.at[3]][:, None] * F(0.13)
        ragged = strands * F(1.8)
        ragged += hair
        hair = np.minimum(ragged, front)
        clip(hair)
        sheen = np.clip(1 - ((y + F(0.86)) / F(0.2)) ** 2, 0, 1)  # a band of light over the crown
        strands += 1 + F(0.9) * (1 - v["hair_tone"]) ** 2 * sheen
        strands *= v["hair_tone"] * F(0.85) + F(0.03)
        tone = light[p.at]
        tone *= strands
        blend(back[p.at], hair, tone)
    return back
