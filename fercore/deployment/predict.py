"""A photograph, which emotion?

predictor = predict.Predictor()                # the weights that come with the project; works offline
for face in predictor("photograph.jpg"):
    print(face)                                # happy 93 % at 120, 40, 96 x 96 px

`fercore predict` does the same for pictures, folders and videos.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from .. import files, models
from ..datasets import DataError, archives, images
from ..evaluation.calibration import CERTAIN
from ..models import weights
from ..results.text import plain
from . import detect, export, videos
from .detect import Box
from .export import ExportError

SMALLEST = 10  # px: what has a shorter side shows no face that anybody could read
CROPPED = 112  # px: a picture with no longer side is a face that was cut out already, as those of data sets are
# lean_932k is no more accurate on faces that neither has seen, and has four times the parameters.
NETWORK = "lean_250k"

NO_FACE = "no face found"
PLACE = ("left", "top", "width", "height")
DRAWN = b"drawn by fercore predict"  # in every drawing, so that it is not taken for an original
LIMITS = "An expression is not a feeling: judge nobody by these answers."
WARNINGS = """\
From the paper of TinyFER-Lite, section 8: such systems are misused where predictions are taken as reliable evidence of
what somebody feels; expressions depend on culture and context, and labels are imperfect. It is to be treated as an
experimental image classifier, and not as a diagnostic, psychological, surveillance or identity system.

From the paper of Light-FER, section 5: faces at a steep angle are missed, and a network trained and tested on one data
set has not shown that it knows another."""

OWN = """\
Limits

{limits} What is predicted is which of {classes} words
people would have chosen for a picture. This model does not come with the project, and how often it is right is not
known here: test it on faces such as it is to see, of people and cameras that it was not trained on, before its answers
are used for anything."""


OTHER = "This file is {}: what follows was measured with the same weights in FP32.\n\n"


@dataclass(frozen=True)
class Face:
    """One face and what the network says of it.

    box            where it is; None where the whole picture is the face
    probabilities  by class, calibrated
    certain        whether the most probable class has at least the predictor's `certain`
    """

    box: Box | None
    probabilities: dict[str, float]
    certain: bool

    @property
    def label(self) -> str:
        """The most probable class."""
        return max(self.probabilities, key=self.probabilities.get)

    @property
    def probability(self) -> float:
        """That of `label`."""
        return self.probabilities[self.label]

    def __str__(self) -> str:
        ranked = sorted(self.probabilities, key=self.probabilities.get, reverse=True)
        shown = ranked[:1] if self.certain else ranked[:2]
        said = ", ".join(f"{name} {100 * self.probabilities[name]:.0f} %" for name in shown)
        where = "(whole picture)"
        if self.box is not None:
            where = f"at {self.box.left:.0f}, {self.box.top:.0f}, {self.box.width:.0f} x {self.box.height:.0f} px"
        return f"{'' if self.certain else 'uncertain: '}{said} {where}"


class Predictor:
    """Finds the faces of a picture and says of each what its expression is called.

    network, data  weights that come with the project, as `weights.preferred` of the network where no data is given; or
                   model, a file that `fercore export` has made
    detector       auto, yunet or cascade, of `detect.detector`; or a function from pictures to `Box`es; or none, or
                   None: every picture is a face
    certain        calibrated probability below which an answer is called uncertain: at 0.5 as likely
                   wrong as right
    sizes          longer sides that YuNet sees a picture at
    Raises WeightsError and ExportError where one of them cannot be had.
    """

    def __init__(
        self,
        network: str = NETWORK,
        data: str | None = None,
        *,
        model: str | Path | None = None,
        detector: str | Callable | None = "auto",
        certain: float = CERTAIN,
        sizes: Sequence[int] = detect.STILL,
        threads: int = 1,
    ):
        if not 0 <= certain <= 1:
            raise ValueError(f"certain is a probability, not {certain}")
        self.certain = certain
        self.detector = detect.detector(detector, sizes) if isinstance(detector, str) else detector
        if model is not None:
            self.classify = export.load(model, threads)
            self.description = self.classify.description
        else:
            data = data or weights.preferred(network)
            if not weights.is_name(data):
                raise weights.WeightsError(
                    f"{data} is no name of weights that come with the project; fercore export makes a model of a file, "
                    "which --model takes"
                )
            self.description = export.describe(network, data)
            module = export.FromFace(models.create(network, weights=data), self.description).eval()
            self.classify = lambda faces: _run(module, faces)

    def __call__(self, picture: str | Path | np.ndarray) -> list[Face]:
        """The faces of a picture, a file or uint8 (H, W, 3) RGB or (H, W), from left to right.

        A picture of at most CROPPED px is one face, and with a side of less than SMALLEST none. Raises DataError for a
        file that is no picture, and WeightsError for an answer that is not finite.
        """
        picture = read(picture)
        boxes: list[Box | None] = [None] * (min(picture.shape[:2]) >= SMALLEST)
        if self.detector is not None and max(picture.shape[:2]) > CROPPED:
            boxes = self.detector(picture)
        if not boxes:
            return []
        side = max(self.description.face_shape)
        crops = [picture if box is None else detect.cut(picture, box, side) for box in boxes]
        found = self.classify(np.stack(crops))
        if not np.isfinite(found).all():  # of which the first class would be the most probable
            raise weights.WeightsError("the network's answer is not finite: its weights, or the file, are damaged")
        return [self._face(box, each) for box, each in zip(boxes, found, strict=True)]

    def _face(self, box: Box | None, probabilities: np.ndarray) -> Face:
        named = dict(zip(self.description.classes, map(float, probabilities), strict=True))
        return Face(box, named, max(named.values()) >= self.certain)


def opinions(
    predictors: Mapping[str, Predictor], picture: np.ndarray, find: Callable | None = None
) -> tuple[np.ndarray, pd.DataFrame, str]:
    """What several networks say of the largest face of a picture: the face that they get, uint8 (H, W, 3), their
    probabilities, a row a class and a column a predictor, and in words what they agree on.

    find  a function from pictures to `Box`es; None, a picture of at most CROPPED px, and one in which it finds nothing
          are a face as they are
    Raises DataError for a picture with a side of less than SMALLEST.
    """
    picture = read(picture)
    if min(picture.shape[:2]) < SMALLEST:
        raise DataError("the picture", f"a side of less than {SMALLEST} px", "a face")
    boxes = find(picture) if find and max(picture.shape[:2]) > CROPPED else []
    side = max(max(predictor.description.face_shape) for predictor in predictors.values())
    face = detect.cut(picture, max(boxes, key=lambda box: box.width * box.height), side) if boxes else picture
    each = {name: predictor(face)[0] for name, predictor in predictors.items()}
    said = pd.DataFrame({name: one.probabilities for name, one in each.items()})
    sure = {one.label for one in each.values() if one.certain}
    labels = sorted(sure | {f"{one.label}?" for one in each.values() if one.label not in sure})
    return face, said, f"{'' if boxes or not find else 'the whole picture: '}{' or '.join(labels)}"


@dataclass(frozen=True)
class Found:
    """What came of one picture or frame: its faces, or why there are none; the picture itself where it was read; and
    how many such frames a second has."""

    source: str
    frame: int | None
    faces: tuple[Face, ...]
    note: str = ""
    picture: np.ndarray | None = None
    fps: float = videos.FPS


def predict(predictor: Predictor, sources: Iterable[str | Path], every: int = 1) -> Iterator[Found]:
    """What is found in pictures, in the pictures of folders, and in every so many frames of videos and
    animations, in their order.

    What cannot be read, or makes a detector or a network fail, comes with a `note` that says why, and the next one is
    gone on with. Folders are listed before the first picture is read. Raises ValueError for an `every` below 1.
    """
    if every < 1:
        raise ValueError(f"every must be at least 1 frame, not {every}")
    listed: list[tuple[Path, str]] = []
    for source in map(Path, sources):
        try:
            listed += [(path, "") for path in listing(source)]
        except DataError as error:
            listed.append((source, str(error)))
    for path, note in listed:
        if note:
            yield Found(str(path), None, (), note)
            continue
        try:
            for frame, picture, pace in _frames(path, every):
                yield Found(str(path), frame, *_looked_at(predictor, picture), picture, pace)
        except (DataError, ExportError) as error:
            yield Found(str(path), None, (), str(error))


def _frames(path: Path, every: int) -> Iterator[tuple[int | None, np.ndarray, float]]:
    """Number, None where there is but one, picture, and how many such frames a second has."""
    if path.suffix.lower() in videos.SUFFIXES:
        pace = videos.fps(path) / every
        yield from ((number, picture, pace) for number, picture in videos.frames(path, every))
    elif animation := images.animation(path):
        told, pictures = animation
        pace = (told or videos.FPS) / every
        yield from ((number, picture, pace) for number, picture in islice(enumerate(pictures), 0, None, every))
    else:
        yield None, read(path), videos.FPS


def _looked_at(predictor: Predictor, picture: np.ndarray) -> tuple[tuple[Face, ...], str]:
    """The faces of one picture, and why there are none."""
    try:
        faces = tuple(predictor(picture))
    except Exception as error:  # OpenCV's and runtimes' own, of many kinds: the other pictures are not lost for it
        return (), " ".join(f"{type(error).__name__}: {error}".split())
    return faces, "" if faces else NO_FACE


def listing(source: Path) -> list[Path]:
    """The file `source`, or the pictures and videos below the folder `source`, in natural order, without those that
    `report` has drawn; with pictures of kinds that are not read, which reading tells. Raises DataError.

    What is hidden is left out. Links to folders are followed: a folder with two links to it is listed twice, and a link
    back to a folder above is skipped."""
    if re.match(r"https?:/", str(source)):  # of which Path makes one slash
        raise DataError(str(source).replace(":/", "://", 1), "a URL", "a local file or folder: download it first")
    if not source.exists():
        raise DataError(source, "no such file or folder", "a picture, a folder of pictures, or a video")
    if not source.is_dir():
        return [source]
    found = _files_below(source)
    known = (*videos.SUFFIXES, *images.UNREAD)
    found = [path for path in found if path.suffix.lower() in known or images.is_image(path)]
    found = [path for path in found if not drawn(path)]
    if not found:
        raise DataError(source, "no picture and no video", f"files such as {', '.join((*images.SUFFIXES[:3], '.mp4'))}")
    return sorted(found, key=images.natural)


def _files_below(folder: Path, above: tuple[str, ...] = ()) -> list[Path]:
    above += (os.path.realpath(folder),)
    try:
        entries = [path for path in folder.iterdir() if not archives.hidden(path.name)]
    except OSError as error:
        raise DataError(folder, f"a folder that cannot be read ({error.strerror})", "permission to read it") from None
    inner = [path for path in entries if path.is_dir() and os.path.realpath(path) not in above]
    deeper = [path for each in inner for path in _files_below(each, above)]
    return [path for path in entries if path.is_file() or not path.exists()] + deeper  # a dead link: reading tells


def read(picture: str | Path | np.ndarray) -> np.ndarray:
    """A picture as uint8 (H, W, 3), RGB, upright. Raises DataError for a file that is none, ValueError for an array."""
    if isinstance(picture, (str, Path)):
        return images.decode(Path(picture), "RGB")
    return export.three_channels(np.asarray(picture)[None])[0]


def report(
    found: Iterable[Found], classes: Sequence[str], folder: str | Path | None = None, say=print, keep=None
) -> pd.DataFrame:
    """`rows` of all that was found, a line about each said as it comes; drawn pictures and videos go to `folder`.

    A picture is drawn to NAME.png, a video or an animation to NAME.mp4, with a number behind the name where another
    drawing of this run or a file that is no drawing has it. Drawings of an earlier run are replaced. What cannot be
    drawn is said, and the next one is gone on with.

    The table's attrs["drawn"] is how many pictures and videos have been drawn.
    keep  is given the table at the end, or as it is where somebody stops it
    """
    names: dict[str, Path] = {}
    undrawn: set[Path] = set()
    folder, kept, video = Path(folder).resolve() if folder else None, [], _Video(say, undrawn)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    try:
        for one in found:
            said = "; ".join(map(str, one.faces))
            if one.picture is None:  # the error says which file
                say(plain(one.note))
            else:
                say(plain(f"{one.source}{'' if one.frame is None else f', frame {one.frame}'}: {said or one.note}"))
            if folder and one.picture is not None:
                image = draw(one.picture, one.faces)
                if one.source not in names:
                    suffix = ".png" if one.frame is None else ".mp4"
                    taken = {*names.values(), Path(one.source).resolve()}
                    names[one.source] = _free(folder / f"{Path(one.source).stem}{suffix}", taken)
                try:
                    if one.frame is None:
                        files.replace(names[one.source], partial(image.save, format="PNG", pnginfo=_comment()))
                    elif names[one.source] not in undrawn:
                        video.write(names[one.source], one.frame, image, one.fps)
                except (DataError, ExportError, OSError) as error:  # such as of a disk that is full
                    undrawn.add(names[one.source])
                    say(plain(f"{one.source}: not drawn, {error}"))
            kept.append(replace(one, picture=None))
    finally:
        video.close()
        table = rows(kept, classes)
        table.attrs["drawn"] = len({*names.values()} - undrawn)
        if keep is not None:
            keep(table)
    return table


class _Video:
    """The video that is being written; another path begins the next, and a frame that does not follow the last one
    begins it anew, as where a video is given twice. One that cannot be ended is said, and added to `undrawn`."""

    def __init__(self, say, undrawn: set[Path]):
        self.path, self.frame, self.writer, self.say, self.undrawn = None, -1, None, say, undrawn

    def write(self, path: Path, frame: int, image: Image.Image, fps: float) -> None:
        if path != self.path or frame <= self.frame:
            self.close()
            self.path, self.writer = path, videos.writer(path, image.size, fps)
        self.frame = frame
        self.writer.write(np.asarray(image)[:, :, ::-1])

    def close(self) -> None:
        if self.writer is not None:
            self.writer.release()
            self.writer = None
            try:
                with self.path.open("ab") as file:  # a box of MP4 that players skip: length, kind, content
                    file.write((8 + len(DRAWN)).to_bytes(4, "big") + b"free" + DRAWN)
            except OSError as error:  # without it the next run would take what is there for an original
                self.path.unlink(missing_ok=True)
                self.undrawn.add(self.path)
                self.say(plain(f"{self.path}: not drawn, {error}"))


def drawn(path: Path) -> bool:
    """Whether a file is a drawing that `report` has made: its pictures say so at the start, its videos at the end."""
    try:
        with path.open("rb") as file:
            start = file.read(128)
            file.seek(-min(len(DRAWN), path.stat().st_size), 2)
            return DRAWN in start or file.read() == DRAWN
    except OSError:  # which reading it tells better
        return False


def _comment() -> PngInfo:
    comment = PngInfo()
    comment.add_text("Comment", DRAWN.decode())
    return comment


def _free(path: Path, taken: set[Path]) -> Path:
    """`path`, or with the first number behind its name that is not `taken`, nor by a file that is no drawing."""
    number, wanted = 1, path
    while path in taken or (path.exists() and not drawn(path)):
        number += 1
        path = wanted.with_stem(f"{wanted.stem}-{number}")
    return path


def rows(found: Iterable[Found], classes: Sequence[str]) -> pd.DataFrame:
    """A row a face, and one for a picture without: source, frame, face, left, top, width, height, label, probability,
    certain, note, and p_CLASS for each class."""
    made = []
    for one in found:
        start = {"source": one.source, "frame": one.frame, "note": one.note}
        if not one.faces:
            made.append(start)
        for number, face in enumerate(one.faces, 1):
            row = start | {"face": number, "label": face.label, "certain": face.certain}
            row["probability"] = round(face.probability, 4)
            if face.box is not None:
                box = (face.box.left, face.box.top, face.box.width, face.box.height)
                row |= {key: round(value, 1) for key, value in zip(PLACE, box, strict=True)}
            made.append(row | {f"p_{name}": round(value, 4) for name, value in face.probabilities.items()})
    columns = ["source", "frame", "face", *PLACE, "label", "probability", "certain", "note"]
    frame = pd.DataFrame(made, columns=[*columns, *(f"p_{name}" for name in classes)])
    return frame.astype({"frame": "Int64", "face": "Int64", "certain": "boolean"})


def save(table: pd.DataFrame, path: str | Path) -> None:
    """Write `rows` as CSV or, by the name of the file, as JSON, an object a row. Raises ValueError for another name."""
    path = Path(path)
    if path.suffix == ".csv":
        text = table.to_csv(index=False, lineterminator="\n")
    elif path.suffix == ".json":
        text = table.map(_as_unicode).to_json(orient="records", indent=1, force_ascii=False) + "\n"
    else:
        raise ValueError(f"{path}: a table is written to a file ending in .csv or .json")
    files.replace(path, lambda file: file.write(_as_unicode(text).encode()))


def _as_unicode(value: object) -> object:
    """Text as a file can hold it: names of files may be none."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def draw(picture: np.ndarray, faces: Sequence[Face]) -> Image.Image:
    """The picture with a frame around each face and what it is called above it, in grey and with a question mark where
    that is uncertain. Small pictures are enlarged, so that there is room for words, unless they are very long.
    """
    short, long = sorted(picture.shape[:2])
    scale = max(1, min(-(-360 // short), 4000 // long))
    image = Image.fromarray(picture)
    if scale > 1:
        image = image.resize((image.width * scale, image.height * scale), Image.Resampling.BICUBIC)
    pen, size = ImageDraw.Draw(image), max(14, min(image.size) // 32)
    font = ImageFont.load_default(size)
    for face in faces:
        left, top, wide, high = 2, 2, image.width - 4, image.height - 4
        if face.box is not None:
            left, top, wide, high = (
                value * scale for value in (face.box.left, face.box.top, face.box.width, face.box.height)
            )
        color = (20, 110, 200) if face.certain else (105, 105, 105)
        pen.rectangle((left, top, left + wide, top + high), outline=color, width=max(2, size // 7))
        text = f"{face.label}{'' if face.certain else '?'} {100 * face.probability:.0f} %"
        box = pen.textbbox((0, 0), text, font=font)
        x = min(max(left, 0), max(image.width - box[2] - 8, 0))
        y = top - box[3] - 6 if top > box[3] + 6 else min(max(top, 0) + 2, image.height - box[3] - 6)
        pen.rectangle((x, y, x + box[2] + 8, y + box[3] + 5), fill=color)
        pen.text((x + 4, y + 1), text, fill="white", font=font)
    return image


def summary(table: pd.DataFrame, calibrated: bool = True, more: str = "fercore predict --limits") -> str:
    """What came of it all in some lines, with the limits of such answers below.

    calibrated  whether the probabilities are, by the description of what gave them
    more        the command that tells all limits of what gave them
    """
    once = table.drop_duplicates()  # a picture may be given twice
    faces = once[once["face"].notna()]
    none = once["note"].eq(NO_FACE)
    unread = once["face"].isna() & ~none
    pictures = len(once[~unread][["source", "frame"]].drop_duplicates())
    counts = ", ".join(f"{name} {count}" for name, count in faces["label"].value_counts().items())
    parts = [f"pictures: {pictures:,}", f"faces: {len(faces):,}" + (f" ({counts})" if counts else "")]
    numbers = {
        "uncertain": (~faces["certain"].astype(bool)).sum(),
        "without a face": none.sum(),
        "not read": unread.sum(),
    }
    parts += [f"{name}: {number:,}" for name, number in numbers.items() if number]
    lines = ["; ".join(parts), *([] if calibrated else [export.NOT_CALIBRATED])]
    return "\n".join([*lines, f"{LIMITS} More: {more}"])


def limits(network: str = NETWORK, data: str | None = None) -> str:
    """The section Limits of the card of a `Predictor`'s weights, their calibration, and what the papers warn of."""
    path, _ = weights.released(network, data or weights.preferred(network))
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    parts = [part.strip() for part in card.split("\n## ")[1:] if part.startswith(("Calibration", "Limits"))]
    return "\n\n".join([*parts, "The papers' own warnings", WARNINGS])


def limits_of(model: str | Path) -> str:
    """`limits` of a file that `fercore export` has made: of its card where its weights come with the project, and else
    what holds for every model. Raises ExportError."""
    _, told = export.read(model)
    with contextlib.suppress(weights.WeightsError, ExportError):  # by name and data alone it could be another training
        path, _ = weights.released(told.network, told.data)
        whole = export.read(path.with_suffix(".onnx"))[1]
        if whole.fingerprint == told.fingerprint:
            other = OTHER.format(told.precision.upper()) if told.precision != whole.precision else ""
            return other + limits(told.network, told.data)
    own = OWN.format(limits=LIMITS, classes=len(told.classes))
    parts = [own, *([] if told.calibrated else [export.NOT_CALIBRATED])]
    return "\n\n".join([*parts, "The papers' own warnings", WARNINGS])


@torch.inference_mode()
def _run(module: torch.nn.Module, faces: np.ndarray) -> np.ndarray:
    return module(torch.from_numpy(export.three_channels(faces))).numpy()
