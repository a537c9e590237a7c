"""What runs a network: PyTorch, ONNX Runtime, OpenVINO and others, each as a function from images to logits.

Each is loaded from the same network with a fixed number of threads. One that is not installed, or cannot run here, is a
`Missing` that says why, so that a table has a row for it all the same.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import nn

from . import compress, export
from .export import OPENVINO, ExportError, required


@dataclass(frozen=True, eq=False)
class Network:
    """A network to be run: the module, the shape of its input (C, H, W), and images, float32 (N, C, H, W), by which
    INT8 is calibrated, and others, unseen then, on which answers are compared."""

    name: str
    module: nn.Module
    shape: tuple[int, int, int]
    images: np.ndarray | None = None
    unseen: np.ndarray | None = None

    @cached_property
    def onnx(self) -> bytes:
        """Serialised ONNX, for any number of images at a time."""
        example = torch.zeros(2, *self.shape)
        return export.to_onnx(self.module, example, {export.INPUT: {0: torch.export.Dim("n")}}).SerializeToString()

    @torch.inference_mode()
    def logits(self, images: np.ndarray) -> np.ndarray:
        """PyTorch's, which those of others are compared with, float32 (N, classes)."""
        return self.module(torch.from_numpy(images)).numpy()

    def calibration(self) -> np.ndarray:
        """Images for INT8: those given, or random ones, which will do for speed."""
        return self._random(0) if self.images is None else self.images

    def held_out(self) -> np.ndarray:
        """Images that INT8 was not calibrated on: those given, or random ones."""
        return self._random(1) if self.unseen is None else self.unseen

    def _random(self, seed: int) -> np.ndarray:
        return np.random.default_rng(seed).random((16, *self.shape), np.float32)


class Missing(RuntimeError):
    """Why a runtime has no number here."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """A network in a runtime: `run` takes float32 images (N, C, H, W) to logits; size is of its file, bytes."""

    run: Callable[[np.ndarray], np.ndarray]
    size: int


@contextmanager
def own_threads() -> Iterator[None]:
    """PyTorch has one number of threads for the whole process: what runs here may change it, and it is put back."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def torch_eager(network: Network, threads: int, batch: int) -> Loaded:
    """For any batch; the number of threads stays PyTorch's in the whole process (`own_threads`)."""
    torch.set_num_threads(threads)
    return _torch(network.module.eval(), network)


def torch_compiled(network: Network, threads: int, batch: int) -> Loaded:
    """As `torch_eager`, compiled at each batch's first call. Raises Missing without a C++ compiler."""
    torch.set_num_threads(threads)
    if not shutil.which(os.environ.get("CXX", "g++")):
        raise Missing("needs a C++ compiler at run time, g++, which is not installed")
    return _torch(torch.compile(network.module.eval()), network)


def onnxruntime(network: Network, threads: int, batch: int) -> Loaded:
    """For any batch. Raises ExportError where a package of the extra is missing."""
    return of_onnx(network.onnx, threads)


def onnxruntime_int8(network: Network, threads: int, batch: int) -> Loaded:
    """As `onnxruntime`, quantised per tensor (`compress.int8`)."""
    return of_onnx(compress.int8(network.onnx, network.calibration()), threads)


def openvino_fp32(network: Network, threads: int, batch: int) -> Loaded:
    """Compiled for `batch` images; fewer are filled up with zeros. Raises ExportError where OpenVINO is missing."""
    return _openvino(_read_openvino(network), network, threads, batch, "f32")


def openvino_bf16(network: Network, threads: int, batch: int) -> Loaded:
    """As `openvino_fp32`. Raises Missing where the processor has no bf16."""
    core = required("openvino", *OPENVINO).Core()
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise Missing("this processor has no bf16 arithmetic")
    return _openvino(_read_openvino(network), network, threads, batch, "bf16")


def openvino_int8(network: Network, threads: int, batch: int) -> Loaded:
    """As `openvino_fp32`, quantised by NNCF (`compress.int8_openvino`); what is left is in fp32."""
    return _openvino(compress.int8_openvino(network.onnx, network.calibration()), network, threads, batch, "f32")


def _other(package: str, why: str) -> Callable[[Network, int, int], Loaded]:
    """A runtime that has a row, and no way there from here."""

    def load(network: Network, threads: int, batch: int) -> Loaded:
        raise Missing(why if find_spec(package) else f"{package} is not installed; and {why}")

    return load


RUNTIMES: dict[str, Callable[[Network, int, int], Loaded]] = {
    "PyTorch": torch_eager,
    "PyTorch compiled": torch_compiled,
    "ONNX Runtime": onnxruntime,
    "ONNX Runtime int8": onnxruntime_int8,
    "OpenVINO": openvino_fp32,
    "OpenVINO bf16": openvino_bf16,
    "OpenVINO int8": openvino_int8,
    "ncnn": _other("ncnn", "nothing here converts to it"),  # pnnx pads MicroExpNet wrongly from TorchScript, silently
    "LiteRT": _other("ai_edge_litert", "its converter wants an older PyTorch"),
    "TensorRT": _other("tensorrt", "it needs an NVIDIA GPU: fercore bench bundle times it there, by ONNX Runtime"),
}
FIRST = "PyTorch"  # what others are compared with: what a user has before doing anything


def load(name: str, network: Network, threads: int = 1, batch: int = 1) -> Loaded:
    """`network` in the runtime `name`, which has run it once. Raises Missing where it is not to be had or fails here,
    ValueError for another name."""
    if name not in RUNTIMES:
        raise ValueError(f"no runtime {name!r}; there are {', '.join(RUNTIMES)}")
    try:
        loaded = RUNTIMES[name](network, threads, batch)
        loaded.run(np.zeros((batch, *network.shape), np.float32))  # torch.compile compiles at the first call
        return loaded
    except Missing:
        raise
    except ExportError as error:
        raise Missing(str(error)) from error
    except Exception as error:  # of compilers and runtimes, of many kinds
        said = str(error).strip() or type(error).__name__
        raise Missing(f"fails here: {said.splitlines()[0]}") from error


def of_onnx(content: bytes, threads: int = 1) -> Loaded:
    """A serialised ONNX model in ONNX Runtime. Raises ExportError where that is missing."""
    session = export.session(content, threads)
    return Loaded(lambda images: session.run(None, {export.INPUT: images})[0], len(content))


def _torch(module: nn.Module, network: Network) -> Loaded:
    @torch.inference_mode()
    def run(images: np.ndarray) -> np.ndarray:
        return module(torch.from_numpy(images)).numpy()

    state = network.module.state_dict().values()
    return Loaded(run, sum(tensor.numel() * tensor.element_size() for tensor in state))


def _read_openvino(network: Network):
    return required("openvino", *OPENVINO).Core().read_model(network.onnx)


def _openvino(model, network: Network, threads: int, batch: int, precision: str) -> Loaded:
    openvino = required("openvino", *OPENVINO)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.xml"
        openvino.save_model(model, path, compress_to_fp16=False)
        size = sum(file.stat().st_size for file in path.parent.iterdir())
    model.reshape([batch, *network.shape])
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision, "NUM_STREAMS": 1}
    request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()

    def run(images: np.ndarray) -> np.ndarray:
        if len(images) != batch:  # the last batch of a set
            padded = np.concatenate([images, np.zeros((batch - len(images), *images.shape[1:]), np.float32)])
            return run(padded)[: len(images)]
        return next(iter(request.infer([images], share_inputs=True).values())).copy()

    return Loaded(run, size)
