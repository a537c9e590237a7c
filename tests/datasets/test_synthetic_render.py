"""Rendered faces: every action unit moves its own part of the face, and nothing hangs on how the work is divided."""

import numpy as np
import pytest

from fercore.datasets.synthetic import render


def one_person(units, size=48):
    """Pictures of the same person under the same light, uint8 (n, size, size), for n dictionaries of action units."""
    values = np.array([[chosen.get(unit, 0.0) for unit in render.UNITS] for chosen in units], np.float32)
    calm = {key: np.full(1, mean, np.float32) for key, (mean, *_) in render.CONDITIONS.items()}
    return np.concatenate(
        [render.faces(row[None], render.people(np.random.default_rng(3), 1), calm, size) for row in values]
    )


@pytest.mark.parametrize("size", [48, 84])
def test_the_size_of_a_block_changes_no_byte(size):
    rng = np.random.default_rng(0)
    look, scene = render.people(rng, 90), render.draw(render.CONDITIONS, rng, 90)
    scene["cover"][::5] = 1
    units = rng.random((90, len(render.UNITS)))
    once = render.faces(units, look, scene, size)
    for block in (1, 7, 32, 90):
        assert render.faces(units, look, scene, size, block=block).tobytes() == once.tobytes()


UPPER = ("AU1", "AU2", "AU4", "AU5", "AU7", "AU43")
LOWER = ("AU10", "AU12", "AU14", "AU15", "AU16", "AU17", "AU20", "AU23", "AU25", "AU26", "AU12L", "AU14R")


@pytest.mark.parametrize("unit", render.UNITS)
def test_every_action_unit_moves_its_part_of_the_face(unit):
    calm, moved = one_person([{}, {unit: 1.0}]).astype(float)
    change = abs(moved - calm)
    assert (change > 6).sum() >= 8, f"{unit} hardly changes the picture"
    upper, lower = change[:27].sum(), change[27:].sum()
    if unit in UPPER:
        assert upper > 3 * lower
    if unit in LOWER:
        assert lower > 2 * upper
    if unit.endswith("L"):  # the left side of the face is the right of the picture
        assert change[:, 24:].sum() > 2 * change[:, :24].sum()
    if unit.endswith("R"):
        assert change[:, :24].sum() > 2 * change[:, 24:].sum()
