"""Eyes, brows, mouth, beard and glasses, painted where the action units have moved them.

Every function gets `v`, the values of all images by name, (B, 1, 1, 1) each, and changes the patch `p` of `paint` in
place: float32 (B, 2, rows, columns), lengths in half pictures, x outward from the midline and y down.
"""

from __future__ import annotations

import numpy as np

F = np.float32


def clip(x):
    """x limited to 0..1, in place."""
    return x.clip(0, 1, out=x)


def bump(x, y, wide, high, height=1.0):
    """(1 - r²)² inside the ellipse with half-axes `wide` and `high`, 0 outside, times `height`.

    Cheapest with a row and a column of coordinates, (B, 1, 1, w) and (B, 1, h, 1).
    """
    r, s = x * (F(1) / wide), y * (F(1) / high)
    r *= r
    s *= s
    np.subtract(1, s, out=s)
    r = s - r
    r.clip(0, 1, out=r)
    r *= r
    r *= height
    return r


def blend(canvas, mask, value):
    """canvas := canvas + mask * (value - canvas), in place."""
    step = value - canvas
    step *= mask
    canvas += step


def eyes(v, p, paint, px, twist, sided, smile):
    """Eyeballs between lids, lashes and the crease above."""
    squeeze = np.maximum(v["AU6"], F(0.6) * smile)
    shut = v["AU43"]
    wide = v["eye_w"]
    ex = (p.x - v["eye_x"]) / wide
    ey = p.y - (v["eye_y"] + twist)
    tilt = v["eye_tilt"] + F(0.12) * v["AU1"] * (1 - v["AU2"])  # sorrow lets the outer corner hang
    bend = 1 - ex * ex
    bend *= 1 - F(0.18) * ex
    open_up = v["eye_open"] * (
        1 + F(0.8) * v["AU5"] - F(0.42) * v["AU7"] - F(0.3) * squeeze - F(0.2) * v["AU4"] - F(0.25) * v["AU9"]
    )
    open_low = v["eye_open"] * (
        F(0.62) + F(0.12) * v["AU5"] - F(0.32) * v["AU7"] - F(0.5) * squeeze - F(0.35) * v["AU9"]
    )
    open_up = np.maximum(open_up, F(0.012)) * (1 - shut) - shut * v["eye_open"] * F(0.3)
    open_low = np.maximum(open_low, F(0.004)) * (1 - shut) + shut * v["eye_open"] * F(0.3)
    lean = ex * (tilt * wide)
    above = ey + bend * open_up  # distance below the upper lid's edge
    above -= lean
    below = bend * open_low
    below -= ey
    below += lean
    soft = F(0.9 / px)

    # the lid's skin and its crease, in shadow below the brow
    lid = bump(ex, above + F(0.045), F(1.25), F(0.03), F(0.3) - F(0.12) * v["AU5"])
    np.subtract(1, lid, out=lid)
    skin = paint[p.at]
    skin *= lid

    # eyeball
    look_x = p.x - v["eye_x"] - v["gaze_x"] * sided
    look_y = p.y - (v["eye_y"] + twist) - v["gaze_y"] + v["eye_open"] * F(0.12)
    look_x *= look_x
    look_x += look_y * look_y
    r = np.sqrt(look_x)
    radius = F(0.076)
    ball = above * F(3.2)  # the upper lid's shadow
    ball += F(0.62)
    np.minimum(ball, 1, out=ball)
    ball *= F(0.72) + F(0.28) * v["skin"]
    ball -= ex * ex * F(0.2)
    iris = (radius - r) * soft
    clip(iris)
    tone = r * (v["iris"] * F(10))  # dark pupil, lighter towards the rim
    np.minimum(tone, v["iris"] + F(0.12), out=tone)
    blend(ball, iris, tone)
    glint = bump(
        p.x - v["eye_x"] - v["gaze_x"] * sided - (v["lamp_x"] * F(0.05)) * sided,
        look_y + F(0.028),
        F(0.034),
        F(0.034),
        F(1.2),
    )
    ball += glint
    mask = np.minimum(above, below)
    mask *= soft
    mask += F(0.35)
    blend(skin, clip(mask), ball)

    # lashes: a dark line on the upper lid, thicker outward; a faint one below
    inside = bend * F(6)
    inside += F(0.25)
    clip(inside)
    line = np.abs(above)
    line *= F(-1) / (F(0.024) + F(0.006) * (1 - v["brow_thick"] * 10))
    line += F(1.15)
    clip(line)
    line *= inside
    line *= F(0.82)
    np.abs(below, out=below)
    below *= F(-1 / 0.022)
    below += 1
    np.maximum(below, 0, out=below)
    below *= inside
    below *= F(0.38)
    np.maximum(line, below, out=line)
    np.subtract(1, line, out=line)
    skin *= line


def brows(v, p, paint, px, twist, fine):
    """Brows: raised at the inner end (AU1), at the outer end (AU2), lowered and drawn together (AU4)."""
    inner = F(0.135) - F(0.05) * v["AU4"] - F(0.02) * v["AU9"]
    outer = v["eye_x"] + v["eye_w"] * F(1.28)
    t = (p.x - inner) / (outer - inner)
    height = v["eye_y"] - v["brow_y"] + twist
    height = height + F(0.045) * v["AU4"] * (1 - F(0.7) * v["AU1"]) + F(0.055) * v["AU9"] - F(0.015) * v["AU5"]
    rise = 1 - t
    rise *= rise
    line = p.y - height
    line += rise * (F(0.125) * v["AU1"] - F(0.085) * v["AU4"] * (1 - F(0.6) * v["AU1"]))
    line += t * (F(0.105) * v["AU2"] - F(0.02) * v["AU1"] * (1 - v["AU2"]) + F(0.03) * v["AU4"] * (1 - v["AU1"]))
    arch = t * (1 - t)
    arch *= 4 * v["brow_arch"] + F(0.11) * v["AU2"] - F(0.03) * v["AU4"]
    line += arch
    thick = v["brow_thick"] * (1 + F(0.15) * v["AU4"])
    taper = np.maximum(t, 0)
    taper *= taper
    taper *= F(-0.6)
    taper += 1
    np.abs(line, out=line)
    line /= taper * thick + F(0.3 * px)
    line *= F(-1)
    line += F(1.3)
    clip(line)
    ends = np.minimum(t * F(7) + F(0.7), (1 - t) * F(4))
    line *= clip(ends)
    line *= v["brow_dark"] * (1 - np.maximum(v["hair_tone"] - F(0.25), 0))
    hairs = fine[p.at] * F(0.1)
    hairs += 1
    line *= hairs
    np.subtract(1, line, out=line)
    paint[p.at] *= line


def mouth(v, p, paint, px, smile, dimple, jaw):
    """Lips, the gap between them, teeth, and the shadows around."""
    lower = v["AU15"]
    tight = np.maximum(v["AU23"], F(0.7) * dimple)
    pursed = v["AU26"] * (1 - v["AU20"]) * (1 - smile)
    wide = v["mouth_w"] + F(0.085) * smile + F(0.07) * v["AU20"] + F(0.02) * lower + F(0.02) * dimple
    wide = wide - F(0.035) * v["AU23"] - F(0.075) * pursed - F(0.015) * v["AU17"]
    middle = v["mouth_y"] - F(0.02) * v["AU10"] - F(0.03) * v["AU17"] - F(0.015) * v["AU9"] - F(0.02) * smile
    corner = F(0.004) + F(-0.15) * smile + F(0.105) * lower + F(0.03) * v["AU20"] - F(0.035) * dimple + F(0.3) * jaw
    corner = corner + F(0.03) * v["AU17"]
    part = v["AU25"] * (F(0.045) + F(0.055) * smile)
    gap_up = part * F(0.5) + v["AU10"] * F(0.02) * np.minimum(v["AU25"] * 4, 1)
    gap_low = part * F(0.75) + jaw * F(1.85) * np.minimum(1, v["AU25"] * 3) + F(0.03) * v["AU16"]
    thin = 1 - F(0.6) * tight - F(0.2) * smile - F(0.25) * v["AU20"]
    lip_up = np.maximum(v["lip_up"] * (thin + F(0.15) * v["AU10"]), F(0.012))
    lip_low = np.maximum(v["lip_low"] * (thin + F(0.3) * v["AU17"] + F(0.25) * v["AU16"]), F(0.015))
    soft = F(0.9 / px)

    t = p.x / wide
    t2 = t * t
    bend = 1 - t2
    y = p.y - middle
    y -= t2 * corner
    rise = v["AU10"] * F(0.035)  # AU10 lifts the upper lip beside the middle and squares it
    square = bend * (1 + F(0.6) * t2 * v["AU10"])
    upper_edge = square * (gap_up + rise)  # y of the upper lip's inner edge is -upper_edge
    lower_edge = bend * (1 + F(0.45) * t2) * gap_low - bend * rise * F(0.4)
    rim = bend * (1 + F(1.1) * t2) * lip_up
    bow = F(0.016) * (1 - (p.column / F(0.075)) ** 2).clip(0, 1) ** 2
    outer_up = upper_edge + rim
    outer_up -= bow
    outer_low = lower_edge + bend * bend * lip_low
    outer_low += bend * lip_low * F(0.2)

    skin = paint[p.at]
    # shadow under the lower lip and in the corners
    drop = y - outer_low - F(0.05)
    dark = bump(p.x, drop, wide * F(0.85), F(0.055), F(0.17) + F(0.1) * v["AU17"])
    corner_dark = F(0.25) + F(0.4) * dimple + F(0.25) * smile + F(0.3) * lower + F(0.2) * v["AU23"]
    dark += bump(p.x - wide * F(1.03), y + corner * (t2 - 1), F(0.055), F(0.045), corner_dark)
    dark += bump(p.x - wide * F(1.1), p.y - (middle + corner + F(0.07)), F(0.06), F(0.1), F(0.3) * lower)
    np.subtract(1, dark, out=dark)
    skin *= dark

    # lips: the upper one looks down and is darker
    mask = np.minimum(y + outer_up, outer_low - y)
    mask *= soft
    mask += F(0.5)
    clip(mask)
    tone = y * F(2.2)
    tone += v["lip_tone"] + F(0.02)
    np.minimum(tone, v["lip_tone"] + F(0.14), out=tone)
    np.maximum(tone, v["lip_tone"] - F(0.06), out=tone)
    tone += bump(p.x, y - lower_edge - lip_low * F(0.5), F(0.14), F(0.03), F(0.14))
    tone *= v["skin"]
    blend(skin, mask, tone)

    # the gap: teeth above, tongue below, darkness behind
    mask = np.minimum(y + upper_edge, lower_edge - y)
    mask *= soft
    mask += F(0.15)
    clip(mask)
    mask *= np.minimum(v["AU25"] * 4, 1)
    show = np.maximum(np.maximum(smile, F(0.75) * v["AU20"]), F(0.8) * v["AU10"])
    height = F(0.02) + show * F(0.085)
    inside = (height - (y + upper_edge)) * soft
    inside += F(0.5)
    clip(inside)
    inside *= np.minimum(F(0.25) + show * F(1.2), 1)
    inside *= F(0.95) - t2 * F(0.5)
    teeth_low = v["AU16"] * F(0.75) + v["AU20"] * v["AU26"] * F(0.3)
    low = (F(0.035) - (lower_edge - y)) * soft
    clip(low)
    low *= teeth_low * (1 - t2)
    np.maximum(inside, low, out=inside)
    tongue = bump(p.x, y - lower_edge - F(0.01), wide * F(0.75), F(0.09), F(0.28))
    inside += tongue
    inside += F(0.13)
    blend(skin, mask, inside)

    # closed lips meet in a dark line
    np.abs(y, out=y)
    y *= F(-1 / 0.02)
    y += F(1.15)
    clip(y)
    bend *= 5
    bend += F(0.3)
    y *= clip(bend)
    y *= (1 - np.minimum(v["AU25"] * 4, 1)) * (F(0.62) + F(0.15) * tight)
    np.subtract(1, y, out=y)
    skin *= y


def beard(v, p, paint, outline, fine, jaw):
    """Stubble to full beard, and moustache, for those who have one."""
    who = np.flatnonzero((v["beard"] + v["moustache"]).ravel() > 0)
    if not len(who):
        return
    beard, moustache, mouth = v["beard"][who], v["moustache"][who], v["mouth_y"][who]
    wide = v["mouth_w"][who]
    jaw = jaw[who]
    from_y = mouth - F(0.12) - (p.x - F(0.3)) * F(0.5)
    mask = (p.y - from_y) * F(5)
    clip(mask)
    free = bump(p.x, p.y - (mouth + jaw * F(0.7)), wide * F(1.45), F(0.19) + jaw * F(0.9), F(2.2))
    np.minimum(free, 1, out=free)
    mask *= 1 - free
    mask *= np.minimum(outline[who][p.at] * 3 + F(0.9), 1)
    mask *= beard
    lip = bump(p.x - F(0.1), p.y - (mouth - F(0.125) + p.x * F(0.3)), F(0.24), F(0.07), moustache * F(1.1))
    np.maximum(mask, np.minimum(lip, F(0.9)), out=mask)
    hairs = fine[who][p.at] * F(0.14)
    hairs += F(0.85)
    mask *= hairs
    tone = (F(0.25) + v["hair_tone"][who]) / (F(0.15) + v["skin"][who])
    at = (who, *p.at[1:])
    part = paint[at]
    blend(part, mask, part * np.minimum(tone, F(0.9)))
    paint[at] = part


def glasses(v, p, paint, px):
    """Frames, for those who wear them."""
    who = np.flatnonzero(v["glasses"].ravel() > 0)
    if not len(who):
        return
    x = (p.x - v["eye_x"][who]) * F(1 / 0.25)
    y = (p.y - (v["eye_y"][who] + F(0.02))) * (F(1) / (F(0.15) + F(0.05) * v["age"][who]))
    x *= x
    x *= x
    y *= y
    y *= y
    r = np.sqrt(np.sqrt(x + y))
    ring = np.abs(r - 1)
    ring *= F(-0.2) / F(0.03)
    ring += F(1.1)
    clip(ring)
    bridge = np.abs(p.y - (v["eye_y"][who] - F(0.04))) * F(-1 / 0.035) + F(1.2)
    clip(bridge)
    bridge *= p.x < v["eye_x"][who] - F(0.24)
    np.maximum(ring, bridge, out=ring)
    ring *= v["glasses"][who]
    at = (who, *p.at[1:])
    part = paint[at]
    part *= 1 - ring * F(0.9)
    paint[at] = part
