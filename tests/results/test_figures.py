"""A figure is there whole, in both formats, or as it was before."""

import pytest
from matplotlib.figure import Figure

from fercore.results import figures


def drawn(title):
    figure = Figure()
    figure.subplots().set_title(title)
    return figure


def test_both_formats_are_the_same_bytes_again_and_say_what_they_show(tmp_path):
    for folder in ("first", "second"):
        figures.save(drawn("recall"), tmp_path / folder, "x")
    for suffix in ("svg", "png"):
        first, second = ((tmp_path / folder / f"x.{suffix}").read_bytes() for folder in ("first", "second"))
        assert first == second and b"recall" in first
    assert figures.save(drawn("recall"), "", "x").axes[0].get_title() == "recall"


def test_one_that_finds_no_room_leaves_the_earlier_one(tmp_path, monkeypatch):
    figures.save(drawn("before"), tmp_path, "x")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(figure, target, **how):
        target.write(b"<svg ")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(OSError, match=r"x\.svg"):
        figures.save(drawn("after"), tmp_path, "x")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
