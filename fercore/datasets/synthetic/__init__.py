"""Rendered faces: the data that is there before any download, in the shape of three sets that cannot be passed on.

    synthfer    like FER2013 (Goodfellow et al., 2013, arXiv:1307.0414): its sizes, class counts and faults
    synthck     like CK+ (Lucey et al., CVPRW 2010) as Cugu et al. use it (MicroExpNet, arXiv:1711.07011, Table III)
    synthoulu   like Oulu-CASIA (Zhao et al., 2011): 80 subjects with six expressions, three peak frames each

`expressions` says which action units a face moves, and how far; `render` makes the picture. What is wrong with a set is
planted and known: `table` has the true label and where every copy comes from, so that an audit can be scored.
"""

from __future__ import annotations

import io
import zlib

import numpy as np
from PIL import Image

from .. import SYNTHETIC as SETS
from .. import store
from ..faces import FER2013_CLASSES, DataError, Faces, table
from . import expressions, render

CK_CLASSES = ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
OULU_CLASSES = ("anger", "disgust", "fear", "happy", "sadness", "surprise")
SPLITS = ("Training", "PublicTest", "PrivateTest")
FER2013_COUNTS = (
    (3995, 436, 4097, 7215, 4830, 3171, 4965),
    (467, 56, 496, 895, 653, 415, 607),
    (491, 55, 528, 879, 594, 416, 626),
)
CK_SEQUENCES = (266, 45, 18, 59, 25, 69, 28, 83)  # one of "neutral" is unlabelled and gives its first frame only
CK_SUBJECTS, OULU_SUBJECTS = 123, 80
FRAMES = (0.72, 0.87, 1.0)  # strength of the last three frames of a sequence
NOTE = "These faces are rendered, not photographed: results on them are not comparable with those of any paper."


def read(
    name: str,
    *,
    images: int | None = None,
    seed: int = 0,
    wrong_labels: float | None = None,
    copies: float | None = None,
    near_copies: float | None = None,
    allocate=store.allocate,
) -> Faces:
    """Render one of SETS: `pixels` uint8 (N, 48, 48) for synthfer, (N, 84, 84) for the others, from `allocate(shape)`.

    images        how many; by default 35,887, 1,574 and 1,440. Fewer keep the proportions
    wrong_labels  share of labels that are wrong, copies aside (0.06; 0 but for synthfer)
    copies        share of images that are byte for byte another image (0.05; 0 but for synthfer)
    near_copies   share of images that are another one after a change of contrast, a shift of 1 or 2 pixels or a new
                  JPEG compression (0.02; 0 but for synthfer)

    `table` has three more columns. true_label: what the face shows, int. copy_of: the row that was copied, -1 where
    none was. copy_kind: "", "exact", "contrast", "shift" or "recompressed". About 8 % of the test images of synthfer
    are exact copies of Training images, and about 4 % of copies have another label than what they copy. The counts of
    `label` are those of the set that is imitated, whatever is planted. Some images of synthfer are of one grey value.

    The same arguments give the same bytes. Raises DataError for a name that is not in SETS, and for numbers that cannot
    be had: too few images, shares outside 0 to 0.5, copies of more than 0.6 together, images of synthoulu that are no
    multiple of 18.
    """
    frame, drawn = plan(
        name, images=images, seed=seed, wrong_labels=wrong_labels, copies=copies, near_copies=near_copies
    )
    classes, size = _shape(name)
    pixels = allocate((len(frame), size, size))
    rows, units, look, scene, blank = drawn
    for start in range(0, len(rows), 4096):
        part = slice(start, start + 4096)
        pixels[rows[part]] = render.faces(units[part], _take(look, part), _take(scene, part), size)
    pixels[blank] = 255 * (np.arange(len(blank)) + 1).reshape(-1, 1, 1) // (len(blank) + 2)
    _copy(pixels, frame["copy_of"].to_numpy(), frame["copy_kind"].to_numpy(), np.random.default_rng([seed, 2]))
    return Faces(name, pixels, frame, classes, synthetic=True, notes=(NOTE,))


def plan(name, *, images=None, seed=0, wrong_labels=None, copies=None, near_copies=None):
    """The table of a set, and what to draw: (rows, action units, looks, scenes, blank rows). Draws nothing itself."""
    if name not in SETS:
        raise DataError("synthetic", f"the name {name!r}", " or ".join(SETS))
    shares = [
        (0.06, 0.05, 0.02)[i] * (name == "synthfer") if share is None else share
        for i, share in enumerate((wrong_labels, copies, near_copies))
    ]
    if not (all(0 <= share <= 0.5 for share in shares) and shares[1] + shares[2] <= 0.6):
        expected = "wrong_labels, copies and near_copies from 0 to 0.5, the copies together no more than 0.6"
        raise DataError(name, f"shares {shares}", expected)
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    classes, _ = _shape(name)
    label, split, subject, sequence, strength = {"synthfer": _fer, "synthck": _ck, "synthoulu": _oulu}[name](
        rng, images
    )
    n = len(label)

    trains = np.flatnonzero(np.broadcast_to(split, n) == ("Training" if name == "synthfer" else ""))
    kept = [rng.choice(trains[label[trains] == c]) for c in range(len(classes))]  # something of each class to copy
    blank = np.empty(0, int)
    if name == "synthfer":
        blank = np.sort(rng.choice(np.setdiff1d(np.arange(n), kept), max(1, round(n * 12 / 35_887)), replace=False))
    copy_of, kind = _plant(rng, label, trains, kept, blank, classes, shares[1], shares[2])
    origin = np.where(copy_of < 0, np.arange(n), copy_of)
    subject, sequence = subject[origin], sequence[origin]

    true = label.copy()
    own = np.setdiff1d(np.flatnonzero(copy_of < 0), blank)
    wrong = rng.choice(own, round(shares[0] * len(own)), replace=False)
    true[wrong] = expressions.confuse(rng.random(len(wrong)), label[wrong], classes)
    strength[wrong] = np.maximum(strength[wrong], 0.6)  # what is labelled as the neutral first frame may show something
    true = true[origin]

    # one draw a person; a sequence shares its scene, the person, and how the expression is made
    person = scene_of = np.arange(n)
    if name != "synthfer":
        _, person = np.unique(subject, return_inverse=True)
        _, scene_of = np.unique(sequence, return_inverse=True)
    look = _take(render.people(rng, person.max() + 1), person)
    scene = _take(_scenes(rng, scene_of.max() + 1, name), scene_of)
    if name != "synthfer":
        for key in ("roll", "yaw", "pitch", "shift_x", "shift_y", "gaze_x"):
            scene[key] = scene[key] + rng.normal(0, 0.008, n).astype(np.float32)
        scene["grain"] = rng.random(n, np.float32)
    units = expressions.draw(rng, true, strength, scene_of, classes, wild=name == "synthfer")

    source = [f"{name} seed {seed} image {i}" for i in range(n)]
    frame = table(label, split, subject, sequence, source, true_label=true, copy_of=copy_of, copy_kind=kind)
    return frame, (own, units[own], _take(look, own), _take(scene, own), blank)


def _shape(name):
    """Classes and side of the images of a set."""
    return {"synthfer": (FER2013_CLASSES, 48), "synthck": (CK_CLASSES, 84), "synthoulu": (OULU_CLASSES, 84)}[name]


def _take(values, rows):
    return {key: value[rows] for key, value in values.items()}


def _apportion(weights, total: int) -> np.ndarray:
    """`total` shared out in proportion to `weights`, each at least 1, by largest remainder; int, shape of `weights`."""
    weights = np.asarray(weights, float)
    exact = weights / weights.sum() * total
    counts = np.maximum(np.floor(exact), 1).astype(int)
    order = np.argsort(-(exact - counts), axis=None, kind="stable")
    short = total - counts.sum()
    flat = counts.reshape(-1)
    if short >= 0:
        flat[order[:short]] += 1
    while flat.sum() > total:  # the ones raised to 1 are taken from the largest
        flat[np.argmax(flat)] -= 1
    return counts


def _fer(rng, images):
    """Label, split, subject, sequence and strength a row, in FER2013's order of splits."""
    images = 35_887 if images is None else images
    if images < 200:
        raise DataError("synthfer", f"{images} images", "at least 200, so that every split has every class")
    counts = _apportion(FER2013_COUNTS, images)
    label = np.concatenate([rng.permutation(np.repeat(np.arange(7), row)) for row in counts])
    split = np.repeat(SPLITS, counts.sum(1))
    none = np.full(images, "", object)
    return label, split, none, none, 0.25 + 0.75 * rng.beta(2.6, 1.4, images)


def _ck(rng, images):
    """Every labelled sequence gives a neutral frame and three of its peak, every other one a neutral frame."""
    images = 1_574 if images is None else images
    share = images / 1_574
    if images < 100:
        raise DataError("synthck", f"{images} images", "at least 100, so that every class is there")
    labelled = np.maximum(np.round(np.array(CK_SEQUENCES[1:]) * share).astype(int), 1)
    emotions = np.repeat(np.arange(1, 8), labelled)
    spare = images - 4 * len(emotions)
    if spare < 0:
        raise DataError("synthck", f"{images} images", "one more sequence of each class than these have room for")
    subjects = max(2, min(round(CK_SUBJECTS * share), len(emotions) + spare))
    # nobody has the same expression twice, as far as there are people enough; everybody has a sequence
    who = np.concatenate([_spread(rng, subjects, k) for k in labelled])
    missing = np.setdiff1d(np.arange(subjects), who)[:spare]
    who = np.concatenate([who, missing, rng.integers(0, subjects, spare - len(missing))])
    emotions = np.concatenate([emotions, np.zeros(spare, int)])
    order = rng.permutation(len(who))
    who, emotions = who[order], emotions[order]
    order = np.argsort(who, kind="stable")
    who, emotions = who[order], emotions[order]
    nth = np.arange(len(who)) - np.searchsorted(who, who) + 1
    frames = np.where(emotions > 0, 4, 1)
    of = np.repeat(np.arange(len(who)), frames)
    place = np.arange(len(of)) - np.repeat(np.cumsum(frames) - frames, frames)
    strength = rng.uniform(0.65, 1.0, len(who))[of] * np.array((0.0, *FRAMES))[place]
    label = np.where(place > 0, emotions[of], 0)
    subject = np.array([f"S{i + 1:03d}" for i in who], object)
    sequence = np.array([f"{s}_{k:03d}" for s, k in zip(subject, nth, strict=True)], object)
    return label, "", subject[of], sequence[of], strength


def _oulu(rng, images):
    """Six expressions a subject, the last three frames of each."""
    images = OULU_SUBJECTS * 18 if images is None else images
    if images < 18 or images % 18:
        raise DataError("synthoulu", f"{images} images", "a multiple of 18, three frames of six expressions a subject")
    who = np.repeat(np.arange(images // 18), 18)
    label = np.tile(np.repeat(np.arange(6), 3), images // 18)
    strength = np.repeat(rng.uniform(0.6, 1.0, images // 3), 3) * np.tile(FRAMES, images // 3)
    subject = np.array([f"P{i + 1:03d}" for i in who], object)
    sequence = np.array([f"{s}_{OULU_CLASSES[k]}" for s, k in zip(subject, label, strict=True)], object)
    return label, "", subject, sequence, strength


def _spread(rng, people, times):
    """`times` people out of `people`, nobody twice before everybody once."""
    rounds = [rng.permutation(people) for _ in range(-(-times // people))]
    return np.concatenate(rounds)[:times]


def _plant(rng, label, trains, kept, blank, classes, exact_share, near_share):
    """Which rows are copies, of what, and of which kind: int (N,) and str (N,). Rows in `kept` and `blank` are not.

    A row keeps its label and looks for an original that has it, so that the counts of labels stay; one in 25 looks
    for an original that has another. Test images are copied from Training, 1.6 times as often as the share says: that
    is FER2013's 8 % of the test splits for 5 % of all. Training images are copied from Training.
    """
    n = len(label)
    copy_of, kind = np.full(n, -1), np.full(n, "", object)
    test, free = np.ones(n, bool), np.ones(n, bool)
    test[trains] = free[blank] = free[kept] = False
    for share, names in ((exact_share, ("exact",)), (near_share, ("contrast", "shift", "recompressed"))):
        total = round(share * n)
        in_test = min(round(1.6 * share * test.sum()), total)
        for pool, k in ((test, in_test), (~test, total - in_test)):
            rows = rng.choice(np.flatnonzero(free & pool), k, replace=False) if k else np.empty(0, int)
            kind[rows] = np.array(names, object)[rng.integers(0, len(names), k)]
            free[rows] = False
    rows = np.flatnonzero(kind != "")
    wanted = label[rows].copy()
    contrary = rng.choice(len(rows), round(0.04 * len(rows)), replace=False)
    wanted[contrary] = expressions.confuse(rng.random(len(contrary)), wanted[contrary], classes)
    free[kept] = True
    for c in range(len(classes)):
        ask = rows[wanted == c]
        copy_of[ask] = rng.choice(np.flatnonzero(free & ~test & (label == c)), len(ask))
    return copy_of, kind


def _scenes(rng, n, name):
    """Conditions of `n` pictures: as they come in synthfer, as in a laboratory in the others."""
    scene = render.draw(render.CONDITIONS, rng, n)
    if name == "synthfer":
        scene["cover"] = (rng.random(n) < 0.06).astype(np.float32)
        side = rng.random(n) < 0.5
        scene["cover_x"] = np.where(side, 1, -1).astype(np.float32) * rng.uniform(0.25, 0.8, n).astype(np.float32)
    else:
        for key, share in (("roll", 0.5), ("yaw", 0.4), ("shift_x", 0.5), ("shift_y", 0.5), ("back_mess", 0.3)):
            scene[key] *= np.float32(share)
    scene["grain"] = rng.random(n, np.float32)
    return scene


def _copy(pixels, copy_of, kind, rng):
    """Put the copies into `pixels`, in place."""
    for i in np.flatnonzero(copy_of >= 0):
        image = pixels[copy_of[i]]
        if kind[i] == "contrast":
            gain = rng.choice((-1, 1)) * rng.uniform(0.12, 0.3)
            image = np.clip((image - 118.0) * (1 + gain) + 118 + rng.uniform(-12, 12), 0, 255).round()
        elif kind[i] == "shift":
            down, right = rng.permutation([rng.choice((-2, -1, 1, 2), p=(0.15, 0.35, 0.35, 0.15)), rng.integers(-1, 2)])
            image = np.roll(np.pad(image, 2, mode="edge"), (down, right), (0, 1))[2:-2, 2:-2]
        elif kind[i] == "recompressed":
            file = io.BytesIO()
            Image.fromarray(image).save(file, "JPEG", quality=int(rng.integers(35, 75)))
            image = np.asarray(Image.open(file))
        pixels[i] = image
