"""Videos and cameras, read and written by OpenCV; every picture is uint8 (H, W, 3), RGB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..datasets import DataError
from .detect import opencv

SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".3gp", ".flv", ".mts", ".ogv")
NO_FRAME = "no frame that can be read", "a video that OpenCV reads, such as .mp4 or .avi"
FPS = 15.0  # of a video that does not say how fast it is
TIMED = 100  # frames by whose times it is asked then


def frames(path: Path, every: int = 1) -> Iterator[tuple[int, np.ndarray]]:
    """Number, from 0, and picture, uint8 (H, W, 3), of every so many frames of a video.

    Raises DataError where there is no frame that can be read; a video that breaks off ends there.
    """
    cv2 = opencv()
    if every < 1:
        raise ValueError(f"every must be at least 1 frame, not {every}")
    video, number = _opened(path), 0
    try:
        while video.grab():
            if number % every == 0:
                whole, frame = video.retrieve()
                if not whole:
                    break
                yield number, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            number += 1
    finally:
        video.release()
    if number == 0:
        raise DataError(path, *NO_FRAME)


def fps(path: Path) -> float:
    """Frames a second of a video; where it does not say, by the times of its first frames, or FPS. Raises DataError."""
    cv2, video, times = opencv(), _opened(path), []
    try:
        told = video.get(cv2.CAP_PROP_FPS)
        if 0 < told < 1000:  # not the ticks of a clock, such as the milliseconds of .webm that browsers record
            return told
        while len(times) < TIMED and video.grab():
            times.append(video.get(cv2.CAP_PROP_POS_MSEC))
    finally:
        video.release()
    passed = times[-1] - times[0] if times else 0
    pace = 1000 * (len(times) - 1) / passed if passed > 0 else FPS
    return pace if pace <= 1000 else FPS


def _opened(path: Path):
    if not path.is_file():  # a pipe would be waited for
        raise DataError(path, "no such file", "a video")
    return opencv().VideoCapture(str(path))


def camera(number: int | str = 0) -> Iterator[np.ndarray]:
    """Pictures of a camera, by number, or of a video, uint8 (H, W, 3) RGB, as long as it gives any.

    Raises DataError where there is no such camera or video, or it gives no picture.
    """
    cv2 = opencv()
    if isinstance(number, str) and not Path(number).exists() and "://" not in number:  # which may be a stream
        raise DataError(number, "no such file", "the number of a camera, or a video")
    source = cv2.VideoCapture(number)
    given = False
    try:
        while True:
            read, frame = source.read()
            if not read:
                break
            given = True
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    finally:
        source.release()
    if not given and isinstance(number, str):
        raise DataError(number, *NO_FRAME)
    if not given:
        raise DataError(f"camera {number}", "no picture", "a camera that is plugged in and not in use; try --camera 1")


def writer(path: str | Path, size: tuple[int, int], fps: float = FPS):
    """OpenCV's writer of a video of (width, height) pixels: .mp4 in MPEG-4, for players, or .webm in VP8, which plays
    in browsers, too, and is slower to write. Raises DataError where it cannot write there."""
    cv2 = opencv()
    fps = max(float(f"{fps:.4g}"), 0.1)  # MPEG-4 has fractions of 16 bits
    codec = "VP80" if Path(path).suffix.lower() == ".webm" else "mp4v"
    made = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), fps, size)
    if not made.isOpened():
        raise DataError(
            path, "a place that OpenCV cannot write a video to", "a file ending in .mp4 or .webm in a folder that is"
        )
    return made
