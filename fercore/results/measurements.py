"""What can be measured, by name, and what was: `accuracy(tinyfer_lite, fer2013, PrivateTest)`.

A stage of the pipeline writes what it measured to measurements.csv in its folder; the ledger finds it there by name.
A measurement on rendered faces carries their name (synthfer), so that it can never answer for real ones. Nor does a
part of a published set answer for the whole: a count has it in the set's name, a training in its protocol.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .. import files
from ..datasets import REAL, SYNTHETIC, Faces, published
from ..datasets.faces import meaning
from ..yamlio import did_you_mean
from . import tables

FILE = "measurements.csv"
COLUMNS = ("measurement", "value", "low", "high", "seeds", "deduplicated", "near_deduplicated", "profile")
COLUMNS += ("protocol",)
PAPER = "paper"  # the protocol of a training that is the paper's own
WITH = f"{PAPER}, with "  # and of one that is, but for what is named: another teacher, what the network starts from
OTHERWISE = " *"  # behind a network's name, where a profile has trained it by other settings

ANOTHER_TEACHER = "another teacher: "  # what stands in a reservation before how a student's teacher is another

# what a claim can need before it can be checked, and the verdict where it is not at hand
DATASETS = (*(name for name in REAL if name != "folder"), "w300")  # 300-W: landmarks, which Light-FER needs
WEIGHTS = ("imagenet", "vggface2", "cited")  # cited: the network of a paper that a paper cites
DEVICES = {  # and how they are spelled
    "rtx_3050": "RTX 3050",
    "ryzen_5_3600": "Ryzen 5 3600",
    "raspberry_pi_4": "Raspberry Pi 4",
    "jetson_nano": "Jetson Nano",
    "rtx_3090": "RTX 3090",
    "tesla_p100": "Tesla P100",
    "tesla_v100": "Tesla V100",
    "i7_7700hq": "Core i7-7700HQ",
    "gtx_1050": "GTX 1050",
    "tesla_k40": "Tesla K40",
    "i5_10300h": "Core i5-10300H",
}
GPUS = ("rtx_3050", "rtx_3090", "tesla_p100", "tesla_v100", "gtx_1050", "tesla_k40")
HERE = "here"  # the processor that a stage has run on: no paper's, and so only beside a claim
PICTURES = "pictures"  # that a paper's authors have taken, and show nobody
NEEDS = (
    dict.fromkeys((*DATASETS, PICTURES), "data") | dict.fromkeys(WEIGHTS, "weights") | dict.fromkeys(DEVICES, "device")
)


@dataclass(frozen=True)
class Kind:
    """unit: what all its values are in; arguments: what each must be; counted: exact by nature, no training."""

    unit: str
    arguments: tuple[str, ...]
    counted: bool = False


_SCORE = ("run", "dataset", "split")
KINDS = {
    "parameters": Kind("parameters", ("network", "classes"), counted=True),
    "size": Kind("bytes", ("network", "classes", "tensors"), counted=True),
    "macs": Kind("macs", ("network", "classes", "shape"), counted=True),
    "structure": Kind("", ("network", "part"), counted=True),  # of what a network is built, in the claim's unit
    "images": Kind("images", ("dataset", "split", "class"), counted=True),
    "classes": Kind("classes", ("dataset",), counted=True),
    "side": Kind("px", ("dataset", "axis"), counted=True),  # as imported; as published only without --size
    "faulty": Kind("images", ("dataset", "fault"), counted=True),
    "accuracy": Kind("fraction", _SCORE),
    "macro_f1": Kind("fraction", _SCORE),
    "weighted_f1": Kind("fraction", _SCORE),
    "gain": Kind("fraction", ("run", *_SCORE)),  # accuracy of the first less that of the second, seed by seed
    "loss": Kind("setting", _SCORE),
    "precision": Kind("fraction", (*_SCORE, "class")),
    "recall": Kind("fraction", (*_SCORE, "class")),
    "f1": Kind("fraction", (*_SCORE, "class")),
    "confusion": Kind("fraction", (*_SCORE, "class", "class")),
    "best_epoch": Kind("epochs", ("run", "dataset")),
    "training_time": Kind("seconds", ("run", "dataset", "device")),
    "latency": Kind("seconds", ("run", "device")),
    "fps": Kind("images a second", ("run", "device")),
    "memory": Kind("bytes", ("run", "device")),
    "power": Kind("watts", ("run", "device")),
    "cpu": Kind("fraction", ("run", "device")),
    "equation": Kind("setting", ("paper", "number"), counted=True),
    "setting": Kind("", ("notebook", "key"), counted=True),  # of params/paper, in whatever unit the paper prints it
    "effect": Kind("setting", ("statement", "dataset")),  # what a statement says is above 0, with its interval
}
MACHINE = "lbp_svm"  # a run of what is trained and is no network
RECIPES = ("kd", "se", "mixup", "pruned", "fp16", "fp32", "keras", "tflite", "onnx", "tensorrt")
EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "contempt")
SPLITS = (
    "Training",
    "PublicTest",
    "PrivateTest",
    "train",
    "test",
    "val",
    "subject folds",
    "copy folds",
    "random folds",
)
ARGUMENTS = {
    "device": (*DEVICES, HERE),
    "tensors": ("parameters", "buffers"),
    "axis": ("height", "width"),
    "fault": ("one_grey_value", "labelled_twice"),  # the same bytes with several labels, of which one at most is right
}
PATTERNS = {"statement": r"[a-z][a-z_0-9]*", "classes": r"\d+", "shape": r"\d+x\d+x\d+", "number": r"\d+"}
PATTERNS |= {"notebook": r"\w+", "key": r"\w+(\.\w+)*", "part": r"\w+(\.\w+)*"}


def spelled(text: str) -> str:
    """`text` with the names of devices as they are read."""
    return re.sub("|".join(DEVICES), lambda found: DEVICES[found[0]], text)


def check(
    text: str,
    networks: Iterable[str] | None = None,
    papers: Iterable[str] | None = None,
    datasets: Iterable[str] = DATASETS,
    splits: Iterable[str] = SPLITS,
    classes: Iterable[str] = EMOTIONS,
) -> str:
    """A measurement's name as the ledger writes it, spaces put right. Raises ValueError where there is none such.

    networks, papers  that may be named; None: any network that `models.create` makes, any paper
    """
    kind, words, settings = split(text)
    if kind not in KINDS:
        raise ValueError(f"no measurement {kind!r}; {did_you_mean(kind, KINDS)}")
    expected = KINDS[kind].arguments
    if len(words) != len(expected):
        raise ValueError(f"{text!r} has {len(words)} arguments; {kind} takes ({', '.join(expected)})")
    named = {"network": networks, "paper": papers, "dataset": datasets}
    named |= {"split": (*splits, "all"), "class": (*classes, "all")}
    for word, role in zip(words, expected, strict=True):
        if role == "run":
            word, *recipes = word.split("+")
            role = "network"
            for recipe in recipes:
                if recipe not in RECIPES:
                    raise ValueError(f"{text!r}: no recipe {recipe!r}; {did_you_mean(recipe, RECIPES)}")
            if word == MACHINE:
                continue
        if role in PATTERNS:
            if not re.fullmatch(PATTERNS[role], word):
                raise ValueError(f"{text!r}: {word!r} is no {role}")
        else:
            known = named.get(role, ARGUMENTS.get(role))
            if not (_exists(word, role) if known is None else word in known):
                place = " in params/paper/networks.yaml" if role == "network" and known is not None else ""
                raise ValueError(f"{text!r}: no {role} {word!r}{place}; {did_you_mean(word, known or ())}")
    return f"{kind}({', '.join([*words, *settings])})"


def _exists(word: str, role: str) -> bool:
    if role == "paper":
        return word.isidentifier()
    from ..models import exists  # torch, which most that read measurements do without

    return exists(word)


def name(kind: str, *words: object, settings: Sequence[str] = ()) -> str:
    """The name of a measurement of these arguments: "recall(x, folder, Test, happy %28smile%29)".

    What would break it in two, or be no part of it, is written as in an address, so that any class or set has a name.
    settings  what stands behind them as it is, such as "T=3"
    """
    return f"{kind}({', '.join([*(word(one) for one in words), *settings])})"


def word(text: object) -> str:
    """One argument of a measurement's name; see `name`."""

    def number(found: re.Match) -> str:
        return "".join(f"%{byte:02X}" for byte in found[0].encode(errors="surrogatepass"))

    return re.sub(r"[(),=%\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|^\s|\s$", number, str(text))


def emotions(classes: Sequence[str]) -> list[str]:
    """Classes as the ledger calls them, sad for sadness; several that mean the same keep their own names."""
    meant = [meaning(name, EMOTIONS) for name in classes]
    return [known if known and meant.count(known) == 1 else name for name, known in zip(classes, meant, strict=True)]


def set_counted(faces: Faces) -> str:
    """A set as counts name it: one that is not what is published under its name answers for no paper's."""
    return word(f"{faces.name} as imported" if published.other(faces) else faces.name)


def split(text: str) -> tuple[str, list[str], list[str]]:
    """Kind, arguments, and settings (key=value) of a measurement's name. Raises ValueError."""
    found = re.fullmatch(r"(\w+)\(([^()]*)\)", text)
    if not found:
        raise ValueError(f"{text!r} is not kind(argument, ...)")
    words = [word.strip() for word in found[2].split(",")]
    return found[1], [word for word in words if "=" not in word], [word for word in words if "=" in word]


def protocol(profile: str, departs: str = "", reserved: str | None = None) -> str:
    """PAPER where a training is the paper's own, and otherwise how it differs: "laptop profile, random weights".

    reserved  where it has the paper's settings in whatever profile: how it differs nevertheless, if at all
    """
    if reserved is not None:
        return f"{WITH}{reserved}" if reserved else PAPER
    shorter = "" if profile == "paper" or (departs and not profile) else f"{profile or 'unknown'} profile"
    return ", ".join(filter(None, (shorter, departs))) or PAPER


def started(profile: str, weights: str, other: str = "") -> tuple[str, str | None]:
    """`departs` and `reserved` of `table`, for a notebook whose paper starts from ImageNet's weights.

    weights  what was started from here; empty: random weights
    other    what the machine replaced of the settings, such as "fp32 in place of fp16"; empty: nothing
    """
    if not weights:
        return ", ".join(filter(None, ("random weights", other))), None
    return "", other if other and profile == "paper" else None


def reservation(protocol: str) -> str | None:
    """How a training with the paper's settings differs nevertheless; None where its settings differ."""
    if protocol == PAPER:
        return ""
    return protocol.removeprefix(WITH) if protocol.startswith(WITH) else None


def table(
    rows: Sequence[Mapping],
    profile: str = "",
    departs: str = "",
    faces: Sequence[Faces] = (),
    reserved: str | None = None,
) -> pd.DataFrame:
    """Measurements as the ledger reads them, sorted by name; without those whose value is NaN, which could not be
    estimated, as by folds that agree.

    rows     a mapping each: measurement and value (in its kind's unit), and where there are any low and high (95 %, of
             an effect as `statements.verdicts` widens it), seeds, deduplicated and near_deduplicated (the value on
             the test images that are left)
    departs  how the trainings differ from the paper's, beside the profile; what a device takes depends on none
    faces    the sets that are measured, whose names, splits and classes names may hold beside the ledger's own; a
             training on one of them that is not as published departs from the paper's
    reserved  see `protocol`

    Raises ValueError for a name that no claim could have, since a misspelt one would never be found, and for one that
    is there twice.
    """
    of = {
        "datasets": (*DATASETS, *SYNTHETIC, *(name for one in faces for name in (word(one.name), set_counted(one)))),
        "splits": (*SPLITS, *(word(split) for one in faces for split in one.splits)),
        "classes": (*EMOTIONS, *(word(name) for one in faces for name in one.classes)),
    }
    frame = pd.DataFrame(list(rows)).reindex(columns=COLUMNS).dropna(subset=["value"])
    frame["measurement"] = [check(name, **of) for name in frame["measurement"]]
    _require_once(frame)
    others = {word(one.name): other for one in faces if (other := published.departs(one))}

    def protocol_of(measurement: str) -> str:
        kind, words, _ = split(measurement)
        data = dict(zip(KINDS[kind].arguments, words, strict=True)).get("dataset")
        if KINDS[kind].counted or data is None:
            return "" if KINDS[kind].counted else PAPER
        if data not in others:
            return protocol(profile, departs, reserved)
        told = ", ".join(filter(None, (departs, reserved, others[data])))
        return protocol(profile if reserved is None else "paper", told)

    frame["profile"], frame["protocol"] = profile, [protocol_of(name) for name in frame["measurement"]]
    frame = frame.sort_values("measurement", ignore_index=True)
    for name in ("value", "low", "high", "deduplicated", "near_deduplicated"):
        frame[name] = [_rounded(*pair) for pair in zip(frame["measurement"], frame[name].astype(float), strict=True)]
    return frame.astype({"seeds": "Int64"})


def is_of_here(measurement: str) -> bool:
    """Whether it was timed on the machine that a stage has run on, and so is another number each time."""
    return HERE in split(measurement)[1]


def write(frame: pd.DataFrame, out: str | Path) -> None:
    """Write what `table` made, or several of them together, to out/measurements.csv; nothing where `out` is empty.
    Raises ValueError for a measurement that is there twice."""
    _require_once(frame)
    if out:
        Path(out).mkdir(parents=True, exist_ok=True)
        table = frame.sort_values("measurement").to_csv(index=False, lineterminator="\n", float_format="%.12g")
        files.write_text(Path(out) / FILE, table)


def _require_once(frame: pd.DataFrame) -> None:
    if (twice := frame["measurement"][frame["measurement"].duplicated()]).size:
        raise ValueError(f"{twice.iloc[0]} is measured twice")


# settings that make a measurement another way of taking the same claim
CONVENTION, READING, TEACHER = "convention", "reading", "teacher"


def otherwise(found: pd.DataFrame, measurement: str, way: str) -> pd.DataFrame:
    """Of what `gather` gives, what was measured as `measurement` is but for a way of counting (CONVENTION), of reading
    a paper (READING) or for a second TEACHER, by the way's name: macs(mobilenet_v2, 1000, 3x224x224,
    convention=ptflops)."""
    start = f"{measurement.removesuffix(')')}, {way}="
    kept = found[found.index.str.startswith(start)] if measurement else found[:0]
    return kept.rename(index=lambda name: name.removeprefix(start).removesuffix(")"))


def rows(found: Mapping[str, Mapping], seeds: int) -> list[dict]:
    """What `table` takes, of measurements by name: each with value, low and high."""
    return [{"measurement": name, **one, "seeds": seeds} for name, one in found.items()]


def gather(folders: Iterable[str | Path]) -> pd.DataFrame:
    """What the stages in or below `folders` measured, indexed by measurement, with the file it stands in as `evidence`.

    Of several, one by the paper's settings wins, with a reservation or without, and of these the first folder's. Raises
    ValueError for a file that is not one of `write`, or holds what cannot have been measured.
    """
    found = every(folders)
    departs = found["protocol"].map(reservation).isna()
    found = found.iloc[np.argsort(departs, kind="stable")]
    return found[~found.index.duplicated()]


def every(folders: Iterable[str | Path]) -> pd.DataFrame:
    """As `gather`, with a measurement as often as it was made; each file is read once."""
    parts, read = [], set()
    for folder in folders:
        below = [*Path(folder).glob(FILE), *Path(folder).glob(f"*/{FILE}")]
        for path in sorted(path for path in below if path not in read):
            read.add(path)
            kinds = {"measurement": str, "value": float, "profile": str, "protocol": str, "seeds": "Int64"}
            part = tables.read(path, dtype=kinds)
            if tuple(part.columns) != COLUMNS:
                raise ValueError(f"{path}: has the columns {', '.join(part.columns)}; expected {', '.join(COLUMNS)}")
            if wrong := _impossible(part):
                raise ValueError(f"{path}: {wrong}")
            part[["profile", "protocol"]] = part[["profile", "protocol"]].fillna("")
            parts.append(part.assign(evidence=path.as_posix()))
    if not parts:
        return pd.DataFrame(columns=[*COLUMNS, "evidence"]).set_index("measurement")
    return pd.concat(parts).set_index("measurement")


def _impossible(part: pd.DataFrame) -> str:
    """What cannot have been measured, in the words of an error; empty where all can."""
    if (twice := part["measurement"].duplicated()).any():
        return f"{part['measurement'][twice].iloc[0]} is there twice"
    for row in part.itertuples():
        try:
            shares = KINDS[split(row.measurement)[0]].unit == "fraction"
        except (KeyError, ValueError):
            return f"{row.measurement!r} is no measurement"
        if not math.isfinite(row.value) or (shares and abs(row.value) > 1):
            return f"{row.measurement} is {row.value:g}{', where a fraction is expected' * shares}"
        if row.low > row.high:
            return f"the interval of {row.measurement} ends below its beginning, {row.low:g} to {row.high:g}"
    return ""


def _rounded(measurement: str, value: float) -> float:
    """Counts as they are; what was measured to six digits, so that the file is the same from run to run."""
    return value if KINDS[split(measurement)[0]].counted else float(f"{value:.6g}")
