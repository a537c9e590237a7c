"""The figure follows its controls."""

import io
from datetime import UTC, datetime

import ipywidgets
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from fercore.datasets import images
from fercore.reporting.widgets import explore, own_picture


def draw(height, kind):
    drawn.append((height, kind))
    figure = Figure(figsize=(2, 1))
    figure.subplots().bar([0], [height], color={"a": "red", "b": "blue"}[kind])
    return figure


drawn = []


def test_the_picture_changes_when_a_control_is_moved():
    drawn.clear()
    slider = ipywidgets.IntSlider(1, 0, 5)
    menu = ipywidgets.Dropdown(options=["a", "b"], description="colour")
    box = explore(draw, height=slider, kind=menu)
    controls, picture = box.children
    assert controls.children == (slider, menu) and isinstance(picture, ipywidgets.Image)
    first = picture.value
    assert drawn == [(1, "a")] and np.asarray(Image.open(io.BytesIO(first))).std() > 0
    slider.value = 4
    second = picture.value
    menu.value = "b"
    assert drawn == [(1, "a"), (4, "a"), (4, "b")]
    assert len({first, second, picture.value}) == 3
    slider.value, menu.value = 1, "a"
    assert picture.value == first, "the same settings give the same picture"


def test_controls_are_named_and_wait_for_the_hand_to_rest():
    slider = ipywidgets.IntSlider(1, 0, 5)
    menu = ipywidgets.Dropdown(options=["a", "b"], description="colour")
    explore(draw, height=slider, kind=menu)
    assert slider.description == "height" and menu.description == "colour" and not slider.continuous_update


def test_ones_own_picture_takes_the_place_of_the_first_and_what_is_none_is_told():
    seen = []

    def look(picture):
        seen.append(picture.shape)
        return draw(len(seen), "a")

    drawn.clear()
    box = own_picture(look, np.zeros((8, 8), np.uint8))
    (chosen, said), picture = box.children[0].children, box.children[1]
    first, buffer = picture.value, io.BytesIO()
    Image.new("L", (6, 4)).save(buffer, "PNG")
    chosen.value = [file("me.png", buffer.getvalue())]
    assert seen == [(8, 8), (4, 6, 3)] and picture.value != first and said.value == ""
    chosen.value = [file("no.png", b"no")]
    assert said.value.startswith("no.png: found an image that cannot be decoded") and len(seen) == 2
    chosen.value = [file("<b>.png", b"no")]
    assert said.value.startswith("&lt;b&gt;.png: found")


def test_ones_own_picture_is_read_as_every_other():
    """What is transparent lies on the same background, and kinds that are not read are told."""
    seen = []
    box = own_picture(lambda picture: seen.append(picture) or draw(1, "a"), np.zeros((8, 8), np.uint8))
    (chosen, said), buffer, postscript = box.children[0].children, io.BytesIO(), io.BytesIO()
    Image.new("RGBA", (6, 4), (9, 9, 9, 0)).save(buffer, "PNG")
    chosen.value = [file("clear.png", buffer.getvalue())]
    assert (seen[-1] == images.BACKGROUND).all()
    Image.new("RGB", (6, 4)).save(postscript, "EPS")
    chosen.value = [file("me.eps", postscript.getvalue())]
    assert said.value.startswith("me.eps: found an image that cannot be decoded") and len(seen) == 2


def test_a_picture_that_cannot_be_looked_at_is_told():
    def look(picture):
        if min(picture.shape[:2]) < 5:
            raise ValueError("too small")
        return draw(1, "a")

    box = own_picture(look, np.zeros((8, 8), np.uint8))
    (chosen, said), buffer = box.children[0].children, io.BytesIO()
    Image.new("L", (6, 4)).save(buffer, "PNG")
    chosen.value = [file("me.png", buffer.getvalue())]
    assert said.value == "me.png: too small"


def file(name, content):
    """As a browser sends one."""
    now = datetime.now(UTC)
    return {"name": name, "content": memoryview(content), "type": "", "size": len(content), "last_modified": now}
