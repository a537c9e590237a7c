"""How long networks take in every runtime side by side, in what memory, and from a camera's frame to a label."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from .. import models
from ..evaluation.inference import channels
from ..models import weights
from ..models.profile import profile
from . import detect, export, runtimes, timing
from .runtimes import FIRST, RUNTIMES, Missing, Network

COLUMNS = (
    "network", "img_size", "runtime", "batch", "threads", "median", "p90", "p99", "fps", "times_faster", "limit",
    "times_limit", "deviation", "MiB", "load_seconds", "peak_MiB", "note",
)  # fmt: skip
HEADS = {  # of columns in what is printed
    "img_size": "px", "median": "median ms", "p90": "p90 ms", "p99": "p99 ms",
    "times_faster": "faster", "limit": "limit ms", "times_limit": "x limit", "load_seconds": "load s",
    "peak_MiB": "peak MiB",
}  # fmt: skip
EXPLAINED = {
    "median": "ms of a batch: half, 90 % and 99 % of the batches take less",
    "fps": "fps: images a second",
    "times_faster": "faster: how many times faster than PyTorch",
    "limit": "limit: what its multiplications take as fast as the processor multiplies matrices in fp32",
    "times_limit": "x limit: median over limit",
    "deviation": "deviation: the largest of the logits from PyTorch's, over the largest logit",
    "MiB": "MiB: of the file",
    "load_seconds": "load s: until it has run once, from the network or its ONNX file, INT8 with its calibration",
    "peak_MiB": "peak MiB: that a fresh process held which ran it once",
}
DISTURBED = "other processes were not held up: this system allows no real-time scheduling"


def network(spec: str) -> Network:
    """NAME@SIDE, such as tinyfer_lite@64: a network and the px it is timed at. Where weights of that size come with the
    project, the network is made with their options (tinyfer_lite's has a stem of stride 1); otherwise with its defaults
    and random weights, which take as long. Raises ValueError."""
    name, _, side = spec.partition("@")
    if not side.isdigit() or int(side) < 1:
        raise ValueError(
            f"{spec!r} is not NAME@SIDE, such as tinyfer_lite@64: name the network of a file, "
            "which takes as long with any weights"
        )
    torch.manual_seed(0)
    data = weights.preferred(name)
    path = weights.RELEASED / f"{name}-{data}.safetensors"
    fits = path.is_file() and weights.record(path)["img_size"] == int(side)
    module = models.create(name, 7, weights=data if fits else None).eval()
    return Network(spec, module, (channels(module), int(side), int(side)))


@runtimes.own_threads()
def bench(
    networks: Iterable[Network],
    names: Sequence[str] = tuple(RUNTIMES),
    threads: int = 1,
    batch: int = 1,
    seconds: float = 1.0,
    memory: bool = False,
    realtime: bool = False,
) -> pd.DataFrame:
    """A row for each network in each runtime: times in ms, or a note that says why there are none.

    median, p90, p99  of a batch, after warm-up, with the runtimes of a network in turn; fps  images a second
    times_faster      than PyTorch, by medians
    limit             the network's multiply-accumulates at the rate at which the threads multiply matrices in fp32;
                      times_limit: the median over it, below 1 only with fewer bits or fewer multiplications
    deviation         the largest difference of the logits from PyTorch's, over the largest logit
    MiB               of the file; peak_MiB of a fresh process that runs it, with `memory`
    load_seconds      until it has run once, without the export to ONNX, which several runtimes share
    realtime          other work on the machine waits while this is timed, where Linux lets one (`timing.undisturbed`);
                      where it does not, the note says so
    Raises ValueError for `threads` or a `batch` below 1.
    """
    for name, value in (("threads", threads), ("batch", batch)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
    rows = []
    with threadpool_limits(threads), timing.undisturbed(realtime, threads):
        rate = timing.peak_rate()
    for one in networks:
        images = np.resize(one.held_out(), (batch, *one.shape))
        limit = 1000 * batch * profile(one.module, one.shape)["macs"] / rate
        base = {"network": one.name.partition("@")[0], "img_size": one.shape[1], "batch": batch, "threads": threads}
        base["limit"] = limit
        loaded, made = {}, {}
        if not all(name.startswith(FIRST) for name in names):
            with contextlib.suppress(Exception):  # which loading tells
                _ = one.onnx  # exported before the clock starts
        for name in names:
            started = time.perf_counter()
            made[name] = row = base | {"runtime": name, "note": ""}
            try:
                loaded[name] = runtimes.load(name, one, threads, batch)
            except Missing as error:
                row["note"] = str(error)
                continue
            row |= {"load_seconds": time.perf_counter() - started, "MiB": loaded[name].size / 2**20}
            logits = loaded[name].run(images)
            expected = one.logits(images)
            row["deviation"] = float(np.abs(logits - expected).max() / np.abs(expected).max())
            if memory:
                row["peak_MiB"] = peak_memory(one, name, batch, threads)
        with timing.undisturbed(realtime, threads) as had:
            found = timing.interleaved({name: partial(each.run, images) for name, each in loaded.items()}, seconds)
        faster = timing.compare(found, FIRST) if FIRST in found else {}
        for name, each in found.items():
            row = made[name]
            row["note"] = "" if had or not realtime else DISTURBED
            row |= timing.quantiles(each) | {"times_faster": faster.get(name)}
            row |= {"fps": 1000 * batch / row["median"], "times_limit": row["median"] / limit}
        rows += made.values()
    return pd.DataFrame(rows, columns=list(COLUMNS))


def shown(table: pd.DataFrame) -> str:
    """The table of `bench`, or of `bundle.join`, to be read: with units, and below it what its columns are and what has
    no number."""
    timed = table[table["median"].notna()].dropna(axis="columns", how="all").drop(columns="note", errors="ignore")
    settings = [name for name in ("batch", "threads") if name in timed and timed[name].nunique() == 1]
    said = ", ".join(f"{name} {timed[name].iloc[0]}" for name in settings)
    lines = []
    if len(timed):
        text = timed.drop(columns=settings).rename(columns=HEADS)
        numbers = {"float_format": "{:.3g}".format, "formatters": {"fps": "{:,.0f}".format}}
        explained = "; ".join([said, *(told for name, told in EXPLAINED.items() if name in timed)])
        lines = [text.to_string(index=False, na_rep="", **numbers), *textwrap.wrap(explained, 120)]
    notes = table.get("note", pd.Series("", table.index)).fillna("")
    missing = table[table["median"].isna()]
    failed = notes.str.startswith("fails here")
    if absent := list(dict.fromkeys(missing.loc[~failed, "runtime"])):
        lines.append(f"not installed or not for this machine: {', '.join(absent)} (why: latency.csv of --to FOLDER)")
    lines += [f"{row.network}@{row.img_size}, {row.runtime}: {row.note}" for row in table[failed].itertuples()]
    lines += [DISTURBED] if notes.eq(DISTURBED).any() else []
    return "\n".join(lines)


def peak_memory(network: Network, runtime: str, batch: int = 1, threads: int = 1) -> float:
    """MiB that a fresh process held at most that loads a network and runs it once; NaN where it is not measured."""
    if runtime not in _ALONE:
        return float("nan")
    shape = (batch, *network.shape)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("network.pt2" if runtime == "PyTorch" else "network.onnx")
        if runtime == "PyTorch":
            torch.export.save(torch.export.export(network.module, (torch.zeros(shape),)), path)
        else:
            path.write_bytes(network.onnx)
        code = f"{_START}\n{_ALONE[runtime]}\n{_PEAK}"
        words = [sys.executable, "-c", code, str(path), ",".join(map(str, shape)), str(threads)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / 2**20


# On Linux ru_maxrss begins with what the process that started this one had held at most, and VmHWM does not.
_PEAK = """
try:
    with open("/proc/self/status") as file:
        print(2**10 * next(int(line.split()[1]) for line in file if line.startswith("VmHWM")))
except (OSError, StopIteration):  # another system, or one that does not tell
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 2**10))
"""
_START = """
import sys, numpy as np
path, shape, threads = sys.argv[1], [int(n) for n in sys.argv[2].split(",")], int(sys.argv[3])
x = np.zeros(shape, np.float32)
"""
_OPENVINO = """
import openvino as o
settings = {{"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "{}", "NUM_STREAMS": 1}}
o.Core().compile_model(path, "CPU", settings)([x])
"""
_ALONE = {
    "PyTorch": """
import torch
torch.set_num_threads(threads)
torch.export.load(path).module()(torch.from_numpy(x))
""",
    "ONNX Runtime": f"""
import onnxruntime as o
settings = o.SessionOptions()
settings.intra_op_num_threads, settings.inter_op_num_threads = threads, 1
o.InferenceSession(path, settings, providers=["CPUExecutionProvider"]).run(None, {{"{export.INPUT}": x}})
""",
    "OpenVINO": _OPENVINO.format("f32"),
    "OpenVINO bf16": _OPENVINO.format("bf16"),
}


@runtimes.own_threads()
def end_to_end(
    predictor: Callable, frames: Iterable[np.ndarray], seconds: float = 2.0, threads: int = 1, realtime: bool = False
) -> dict:
    """From the camera's frame, uint8 (H, W, 3), to labels, faces found and cut out: fps, ms by part, and faces a frame.

    predictor  a `predict.Predictor`; its detector and network are timed one by one, what is left is cutting
    threads    OpenCV's, which finds faces, and PyTorch's; a predictor of a file has its own
    """
    cv2 = detect.opencv()
    frames = list(frames)
    spent = dict.fromkeys(("detect", "classify", "whole"), 0.0)
    detector, classify, faces, count = predictor.detector, predictor.classify, 0, 0

    def timed(part: str, run: Callable) -> Callable:
        def call(images):
            started = time.perf_counter()
            try:
                return run(images)
            finally:
                spent[part] += time.perf_counter() - started

        return call

    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(threads)
        torch.set_num_threads(threads)
        for frame in frames[:2]:  # to warm up
            predictor(frame)
        predictor.detector, predictor.classify = timed("detect", detector), timed("classify", classify)
        with timing.undisturbed(realtime, threads):
            started = time.perf_counter()
            while spent["whole"] < seconds:
                faces += len(predictor(frames[count % len(frames)]))
                count += 1
                spent["whole"] = time.perf_counter() - started
    finally:
        predictor.detector, predictor.classify = detector, classify
        cv2.setNumThreads(before)
    parts = {f"{part}_ms": 1000 * value / count for part, value in spent.items()}
    return {"frames": count, "faces": faces / count, "fps": count / spent["whole"], **parts}


def astronaut() -> np.ndarray:
    """A photograph with one face that scikit-image ships, uint8 (512, 512, 3): NASA's Eileen Collins, public domain."""
    from skimage import data

    return np.asarray(data.astronaut())


def frames_with(faces: int, count: int = 8) -> list[np.ndarray]:
    """Frames of a camera, uint8 (480, 640, 3): the head of `astronaut`, up to six times, moving to the right."""
    head = astronaut()[20:210, 130:320]
    frames = []
    for number in range(count):
        frame = np.full((480, 640, 3), 128, np.uint8)
        for place in range(faces):
            top, left = (place // 3) * 230 + 20, (place % 3) * 205 + 10 + 2 * number
            part = head[: 480 - top, : 640 - left]
            frame[top : top + part.shape[0], left : left + part.shape[1]] = part
        frames.append(frame)
    return frames
