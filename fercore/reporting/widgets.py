"""A figure with sliders, or of one's own picture, for looking around in a notebook."""

from __future__ import annotations

import io
from collections.abc import Callable

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from ..datasets import DataError, images
from ..results import text

AS_LARGE_AS_IT_IS = {"align_self": "flex-start", "max_width": "100%"}  # else a box stretches what is in it


def explore(draw: Callable[..., Figure], **controls: ipywidgets.Widget) -> ipywidgets.VBox:
    """`draw`'s figure below its `controls`, drawn again when one of them is moved; each is passed by its name.

    The figure is an Image widget and not an Output widget's content: under papermill and nbval those wait for ever.
    """
    for name, control in controls.items():
        control.description = control.description or name
        control.style.description_width = "initial"  # or long names are cut
    picture = ipywidgets.Image(format="png", layout=AS_LARGE_AS_IT_IS)

    def update(_=None) -> None:
        picture.value = _png(draw(**{name: control.value for name, control in controls.items()}))

    for control in controls.values():
        control.continuous_update = False
        control.observe(update, "value")
    update()
    return ipywidgets.VBox([ipywidgets.HBox(list(controls.values())), picture])


def own_picture(draw: Callable[[np.ndarray], Figure], first: np.ndarray) -> ipywidgets.VBox:
    """`draw`'s figure of a picture, uint8 (H, W, 3): of `first`, until somebody chooses a file, or on a phone takes a
    photograph. It stays on this computer; where it is no picture, that is said."""
    chosen = ipywidgets.FileUpload(accept="image/*", multiple=False, description="a picture")
    picture = ipywidgets.Image(format="png", value=_png(draw(first)), layout=AS_LARGE_AS_IT_IS)
    said = ipywidgets.HTML()  # which breaks long lines, as a Label does not

    def update(change) -> None:
        for file in change["new"]:
            try:
                image = images.decode_upload(file["name"], bytes(file["content"]))
                said.value, picture.value = "", _png(draw(image))
            except DataError as error:
                said.value = text.html(str(error))
            except ValueError as error:
                said.value = text.html(f"{file['name']}: {error}")

    chosen.observe(update, "value")
    return ipywidgets.VBox([ipywidgets.HBox([chosen, said]), picture])


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=90)
    return buffer.getvalue()
