"""Image files of any provenance, decoded with care into one array."""

from __future__ import annotations

import contextlib
import io
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from . import archives
from .faces import DataError
from .store import INDEX
from .store import allocate as allocate_temporary

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".pgm", ".ppm")
NO_IMAGES = {".txt", ".csv", ".json", ".xml", ".yaml", ".md", ".npy", ".zip", ".gz", ".tar", ".mat", ".html", ".pdf"}
UNREAD = (".heic", ".heif", ".avif", ".jp2", ".jxl", ".tga", ".psd", ".dng", ".cr2", ".nef", ".arw")  # pictures, too
STARTS = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*")  # of files whose names do not say what they are
BACKGROUND = 255  # what shows through where an image is transparent: white, as in a browser
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM")  # by content, not by name: EPS would start Ghostscript
ANIMATED = ("PNG", "WEBP", "GIF")  # a JPEG's further pictures are previews, a TIFF's are pages
MAX_PIXELS = 89_000_000  # what Pillow reads without a warning; what unpacks to more is damaged or hostile
DEEP = "8 bits per channel: convert it to 8-bit PNG or JPEG"
CHUNK = 1024  # images that are queued for decoding at a time, so that memory stays flat


def folder(source: str | Path, *parts: str) -> Path:
    """`source` as a Path; raises DataError where it, or one of the folders `parts` in it, is not a folder."""
    root = Path(source)
    for path in (root, *(root / part for part in parts)):
        if not path.is_dir():
            expected = "a folder" if path == root else f"the folders {', '.join(parts)}"
            raise DataError(path, "a file" if path.exists() else "no such folder", expected)
    return root


def inside(root: Path, name: str | Path) -> Path:
    """`root / name`, refused with DataError where it leads out of `root`, through `..`, an absolute path or a link."""
    path = root / name
    real, home = os.path.realpath(path), os.path.realpath(root)
    if os.path.commonpath([real, home]) != home:
        expected = f"one within {root}; copy it with what its links lead to (cp -rL {root} COPY) and give the copy"
        raise DataError(path, f"a path that leads to {real}", expected)
    return path


def natural(name: str | Path) -> tuple:
    """Sort key in which 9.jpeg comes before 10.jpeg."""
    parts = re.split(r"([0-9]+)", str(name))  # text and digits in turn
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], str(name)


def is_image(path: Path) -> bool:
    """Whether a file is an image: by its suffix, and by its content where that is another or none (.jfif, .jpe)."""
    suffix = path.suffix.lower()
    if suffix in SUFFIXES or suffix in NO_IMAGES or not path.is_file():
        return suffix in SUFFIXES
    try:
        with open(path, "rb") as file:
            start = file.read(12)
    except OSError:
        return False
    return start.startswith(STARTS) or (start[:4] == b"RIFF" and start[8:] == b"WEBP")


def listing(folder: Path) -> list[Path]:
    """The image files in `folder`, in natural order, without hidden ones such as ._*."""
    return sorted((path for path in _visible(folder) if path.is_file() and is_image(path)), key=natural)


def folders(folder: Path) -> list[Path]:
    """The folders in `folder`, in natural order, hidden ones left out."""
    return sorted((path for path in _visible(folder) if path.is_dir()), key=natural)


def imported(folder: Path) -> bool:
    """Whether `folder` is an imported set. Raises DataError where pictures or folders lie in it as well: which of the
    two is meant, nobody knows. (A CSV or an archive that was imported is named when it is read again.)"""
    if not (folder / INDEX).is_file():
        return False
    if beside := [path.name for path in (*folders(folder), *listing(folder))]:
        named = ", ".join(beside[:3]) + (", …" if len(beside) > 3 else "")
        expected = "one of them: move one away, or, to read the pictures anew, remove dataset.json, pixels-*.npy and "
        raise DataError(folder, f"an import, and {named} beside it", f"{expected}table-*.csv")
    return True


def _visible(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*") if not archives.hidden(path.name)]


def present(root: Path, names: Sequence[str]) -> list[Path]:
    """The files `names` of `root`; raises DataError for the first that leads out of it, else for the first missing."""
    paths = [inside(root, name) for name in names]
    missing = [path for path in paths if not os.path.isfile(path)]
    if missing:
        found = "no such file" + (f"; {len(missing)} are missing" if len(missing) > 1 else "")
        raise DataError(missing[0], found, f"all {len(paths)} images that the data set lists")
    return paths


def hw(size: int | Sequence[int] | None) -> tuple[int, int] | None:
    """(H, W) from one side, from a pair, or None; raises ValueError for anything else."""
    if size is None:
        return None
    height, width = (size, size) if np.ndim(size) == 0 else size
    if min(height, width) < 1 or height * width > MAX_PIXELS:
        raise ValueError(f"size is a side or (height, width) in pixels, not {size!r}")
    return int(height), int(width)


def decode(
    path: Path,
    mode: str,
    size: tuple[int, int] | None = None,
    box: Sequence[float] | Callable | None = None,
) -> np.ndarray:
    """One image, upright as its EXIF data say, as uint8 (H, W) for mode "L" or (H, W, 3) for "RGB"; what is
    transparent lies on BACKGROUND, whatever colour is hidden there.

    box   (left, top, right, bottom) in pixels, cut out first, or a function from the image to that or to None; what
          overreaches the image is cut off
    size  (H, W) to scale to, with antialiasing; None keeps the file's own
    Raises DataError for a file that is missing, cannot be decoded, has more than 8 bits a channel or unpacks to more
    than MAX_PIXELS, and for a box that is empty or more than half outside the image.
    """
    if mode not in ("L", "RGB"):
        raise ValueError(f'mode is "L" or "RGB", not {mode!r}')
    image = next(_frames(path, mode))
    if callable(box):
        box = box(np.asarray(image))
    if box is not None:
        image = image.crop(_within(path, box, *image.size))
    if size is not None:
        image = image.resize(size[::-1], Image.Resampling.BILINEAR)
    return np.asarray(image)


def readable(root: Path, name: str) -> bool:
    """Whether the file `name` of `root` decodes."""
    try:
        return decode(inside(root, name), "L") is not None
    except DataError:
        return False


def animation(path: Path) -> tuple[float, Iterator[np.ndarray]] | None:
    """Frames a second of an animation, in the mean, 0 where the file does not say, and its frames, each uint8 (H, W, 3)
    as `decode` gives the first; None for every other file.

    The frames raise DataError, at the one that is damaged.
    """
    count, shown = 0, 0.0
    if path.is_file():  # a pipe would be waited for
        with (
            contextlib.suppress(Exception),
            Image.open(path, formats=ANIMATED) as image,
        ):  # reading tells errors
            count = getattr(image, "n_frames", 1)
            for number in range(count if count > 1 and image.width * image.height <= MAX_PIXELS else 0):
                image.seek(number)
                image.load()
                shown += image.info.get("duration", 0)
    if count < 2:
        return None
    return (1000 * count / shown if shown else 0.0), map(np.asarray, _frames(path, "RGB"))


def decode_upload(name: str, content: bytes) -> np.ndarray:
    """`decode`, in RGB, of a file that somebody has sent; its name is for the error alone."""
    return np.asarray(next(_frames(Path(name), "RGB", io.BytesIO(content))))


def _frames(path: Path, mode: str, content: BinaryIO | None = None) -> Iterator[Image.Image]:
    """All pictures of a file, of most the only one; each is read when it is asked for.

    content  of the file, where it is not on the disk
    """
    if content is None and path.exists() and not (path.is_file() or path.is_dir()):
        # a pipe would be waited for, and a device has no end
        raise DataError(path, "a pipe or a device", "an image file")
    few = f"an image of at most {MAX_PIXELS} pixels (decompression bomb?)"
    try:
        with Image.open(path if content is None else content, formats=FORMATS) as image:
            number = 0
            while number == 0 or number < getattr(image, "n_frames", 1):  # asked for after the first: it reads them all
                image.seek(number)
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise DataError(path, f"{width} x {height} pixels", few)
                if image.mode.startswith(("I", "F")) or _deep(image):  # Pillow would clip these at 255, or cut them
                    raise DataError(path, f"pixels of Pillow's mode {image.mode}, 16 or 32 bits", DEEP)
                image.load()
                upright = image
                with contextlib.suppress(Exception):  # a damaged EXIF block, common on the web, harms nothing
                    upright = ImageOps.exif_transpose(image)  # a copy: an animation's next picture is read into `image`
                yield _flat(upright).convert(mode)
                number += 1
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(path, "no such file", "an image that the data set lists") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise DataError(path, "more pixels", few) from None  # Pillow's words are of attacks
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error and more for such files
        found = f"an image that cannot be decoded ({_why(path, content, error)})"
        raise DataError(path, found, "a readable image file") from None


def _flat(image: Image.Image) -> Image.Image:
    """An image without transparency: on BACKGROUND where it has any."""
    if image.mode not in ("RGBA", "LA", "PA", "La", "RGBa") and "transparency" not in image.info:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, (BACKGROUND,) * 3 + (255,)), image)


def _why(path: Path, content: BinaryIO | None, error: Exception) -> str:
    """What is wrong with a file that is no image, where that is more than Pillow says."""
    try:
        with open(path, "rb") if content is None else contextlib.nullcontext(content) as file:
            file.seek(0)
            start = file.read(512)
    except (OSError, ValueError):  # the latter of content that Pillow has closed
        return str(error)
    if start.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS in its place: git lfs pull"
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "a web page in its place"
    if start[4:8] == b"ftyp" and start[8:12] in (b"heic", b"heix", b"mif1", b"msf1"):
        return "HEIC, which is not read here: save it as JPEG"
    if not start:
        return "an empty file"
    if content is not None and isinstance(error, UnidentifiedImageError):  # which names an object of Python's
        return "not an image in a known format"
    return str(error)


def _deep(image: Image.Image) -> bool:
    """Whether the file has 16 bits a channel, where Pillow's mode has 8: it names what it reads "RGB;16B", and in PPM
    gives the largest value."""
    words = [word for tile in image.tile for word in (tile[3] if isinstance(tile[3], tuple) else (tile[3],))]
    return any(
        (isinstance(word, str) and ";16" in word) or (image.format == "PPM" and isinstance(word, int) and word > 255)
        for word in words
    )


def _within(path: Path, box: Sequence[float], width: int, height: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = (int(edge) for edge in box)
    cut = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    whole, rest = max(right - left, 0) * max(bottom - top, 0), max(cut[2] - cut[0], 0) * max(cut[3] - cut[1], 0)
    if not rest or 2 * rest < whole:
        found = f"face box from ({left}, {top}) to ({right}, {bottom})"
        raise DataError(path, found, f"one within the image of {width} x {height} pixels")
    return cut


def decode_all(
    paths: Sequence[Path],
    mode: str,
    size: tuple[int, int] | None = None,
    boxes: Sequence[Sequence[float] | None] | Callable | None = None,
    allocate: Callable = allocate_temporary,
    alike: str = "scale them all alike (--size 48, in Python size=48)",
) -> np.ndarray:
    """All images as one uint8 array (N, H, W[, 3]).

    size   (H, W) to scale every image to; None takes the first image's and refuses any other
    alike  what to do about images of several sizes, as the error says it
    boxes  a box for each image, or one function that finds it, called from several threads; see `decode`
    Raises DataError as `decode` does, and for sizes that differ; of many failures the first in the order of `paths`.
    """

    def get(index: int) -> np.ndarray:
        return decode(paths[index], mode, size, boxes if boxes is None or callable(boxes) else boxes[index])

    def put(index: int) -> None:
        image = get(index)
        if image.shape != first.shape:
            found, expected = (f"{shape[1]} x {shape[0]} pixels" for shape in (image.shape, first.shape))
            how = f"{expected}, as {paths[0].name} has; or {alike}"
            raise DataError(paths[index], found, how)
        pixels[index] = image

    first = get(0)
    pixels = allocate((len(paths), *first.shape))
    pixels[0] = first
    with ThreadPoolExecutor() as pool:  # Pillow decodes without the interpreter lock
        for start in range(1, len(paths), CHUNK):
            for _ in pool.map(put, range(start, min(start + CHUNK, len(paths)))):
                pass
    return pixels


def decode_frames(
    paths: Sequence[Path],
    mode: str,
    size: tuple[int, int] | None,
    crop: Callable | None,
    allocate: Callable = allocate_temporary,
) -> tuple[np.ndarray, str]:
    """`decode_all` of video frames, each cut to the face that `crop` finds in it, and the note that says so."""
    lock, missed = threading.Lock(), []

    def locate(image: np.ndarray):
        with lock:  # face detectors are seldom made for threads
            box = crop(image)
        if box is None:
            missed.append(image.shape)
        return box

    pixels = decode_all(paths, mode, size, crop and locate, allocate)
    if crop is None:
        return pixels, "whole frames, since no face detector was given"
    return (
        pixels,
        f"frames cropped by the given face detector; {len(missed)} of {len(paths)} in which it found none are whole",
    )
