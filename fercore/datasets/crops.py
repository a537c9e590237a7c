"""The eight windows that MicroExpNet's authors cut from each face (Cugu, Sener, Akbas, section III-C)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from . import preprocess
from .faces import Faces

FACE, WINDOW = 256, 224  # px, in the authors' code
# top and left, as in the authors' code: four corners and four more, none of them at the bottom, one at no side
EIGHT = ((0, 0), (0, 5), (0, 32), (5, 0), (32, 0), (5, 5), (32, 32), (5, 32))


def eight(faces: Faces, side: int = 84) -> Faces:
    """Every image as its eight windows, one after the other: 8 N grey images of side x side px.

    Row r of `faces` becomes rows 8 r to 8 r + 7, with its label, subject and all else. A window is 7/8 of the face wide
    and high, and is resampled bilinearly; an image of more than 8/7 of `side` is brought to that first, with
    antialiasing. Colour becomes luminance.
    """
    maps = [
        preprocess.crop_map(
            *(torch.tensor([part / FACE]) for part in (left, top, WINDOW, WINDOW)), torch.tensor([False])
        )
        for top, left in EIGHT
    ]
    pixels = np.empty((len(faces), len(EIGHT), side, side), np.uint8)
    for start in range(0, len(faces), 1024):
        part = torch.from_numpy(np.ascontiguousarray(faces.pixels[start : start + 1024])).float()
        images = preprocess.grey(part.permute(0, 3, 1, 2) if part.ndim == 4 else part[:, None])
        images = preprocess.shrink(images, round(side * FACE / WINDOW))
        for number, window in enumerate(maps):
            cut = preprocess.warp(images, (window.expand(len(images), 2, 3),), side)
            pixels[start : start + 1024, number] = cut[:, 0].round().clamp(0, 255).byte().numpy()
    places = np.repeat(np.arange(len(faces)), len(EIGHT))
    table = faces.table.iloc[places].reset_index(drop=True)
    note = f"Each image is there as {len(EIGHT)} windows of {side} px."
    return replace(
        faces, pixels=pixels.reshape(-1, side, side), table=table, notes=(*faces.notes, note), fingerprint=None
    )
