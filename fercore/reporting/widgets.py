"""A figure with sliders, for looking around in a notebook."""

from __future__ import annotations

import io
from collections.abc import Callable

import ipywidgets
from matplotlib.figure import Figure


def explore(draw: Callable[..., Figure], **controls: ipywidgets.Widget) -> ipywidgets.VBox:
    """`draw`'s figure below its `controls`, drawn again when one of them is moved; each is passed by its name.

    The figure is an Image widget and not an Output widget's content: under papermill and nbval those wait for ever.
    """
    for name, control in controls.items():
        control.description = control.description or name
    picture = ipywidgets.Image(format="png")

    def update(_=None) -> None:
        buffer = io.BytesIO()
        draw(**{name: control.value for name, control in controls.items()}).savefig(buffer, dpi=90)
        picture.value = buffer.getvalue()

    for control in controls.values():
        control.continuous_update = False
        control.observe(update, "value")
    update()
    return ipywidgets.VBox([ipywidgets.HBox(list(controls.values())), picture])
