"""A network made smaller: weights taken out, weights rounded, channels taken out, and integers throughout.

Light-FER (A. M. Pascual et al., Sensors 2022, section 3) prunes while it trains and then quantises; its equations 1 to
4 are functions below. The paper says that it prunes by a constrained approach, without hyperparameters, but neither
how nor how much: here weights are pruned by magnitude, the same share of each layer, and by the schedule of M. Zhu,
S. Gupta, arXiv:1710.01878, as Keras's toolkit does (the paper uses Keras).

pruned = compress.prune_and_train(network, 0.8, faces, recipe)

network = compress.prune_while_training(network, Schedule(0.8, steps=1800))    # or with a training of one's own
compress.make_permanent(network)
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import math
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from ..datasets import Faces, preprocess
from ..evaluation import inference
from ..training.recipe import Recipe
from ..training.trainer import fit
from . import export
from .export import OPENVINO, ExportError, required

# ------------------------------------------------------------------------------------------- Light-FER's equations


def compression_ratio(before: Iterable[int], after: Iterable[int]) -> float:
    """Equation 1, R: what there was in all layers (weights, filters or channels) over what is left in them.

    Raises ValueError where nothing is left.
    """
    left = sum(after)
    if left <= 0:
        raise ValueError("nothing is left of the network")
    return sum(before) / left


def greatest(weight: torch.Tensor) -> torch.Tensor:
    """Equation 4, M: the greatest absolute weight, a scalar."""
    return weight.abs().max()


def scale(weight: torch.Tensor, bits: int) -> torch.Tensor:
    """Equation 3, S: (2^b - 1) / (2 M), a scalar. Raises ValueError for weights that are all 0."""
    most = greatest(weight)
    if most == 0:
        raise ValueError("all weights are 0, and no scale fits them")
    return (2**bits - 1) / (2 * most)


def quantise(weight: torch.Tensor, bits: int) -> torch.Tensor:
    """Equation 2, W_b: round(S W) within (2^b - 1) / 2 on both sides, int32 of the weight's shape.

    The printed bounds are no integers, 127.5 for 8 bits; integers within them reach 127. The greatest weight, which is
    127.5 when scaled, would be rounded to 128 and is taken back to 127.
    Of 1 bit only 0 is left. Raises ValueError for more than 24 bits, which float32 does not have, or less than one.
    """
    if not 1 <= bits <= 24:
        raise ValueError(f"{bits} bits; expected 1 to 24")
    limit = (2**bits - 1) // 2
    return (scale(weight, bits) * weight).round().clamp(-limit, limit).int()


def rounded(weight: torch.Tensor, bits: int) -> torch.Tensor:
    """What is computed with after `quantise`: W_b / S, of the weight's shape and type; weights that are all 0 stay."""
    return quantise(weight, bits) / scale(weight, bits) if greatest(weight) > 0 else weight


def quantised(network: nn.Module, bits: int) -> nn.Module:
    """A copy of `network` whose layers compute with `rounded` weights, each by a scale of its own."""
    made = copy.deepcopy(network)
    with torch.no_grad():
        for layer in prunable(made).values():
            layer.weight.copy_(rounded(layer.weight, bits))
    return made


# ------------------------------------------------------------------------------------------- weights taken out


def prunable(network: nn.Module) -> dict[str, nn.Module]:
    """The layers that are pruned and quantised, by name: convolutions and linear layers."""
    kinds = (nn.Conv1d, nn.Conv2d, nn.Linear)
    return {name: layer for name, layer in network.named_modules() if isinstance(layer, kinds)}


def counts(network: nn.Module) -> dict[str, tuple[int, int]]:
    """Weights and non-zero weights of each layer that can be pruned, by name."""
    found = prunable(network)
    return {name: (layer.weight.numel(), int(layer.weight.count_nonzero())) for name, layer in found.items()}


def sparsity(network: nn.Module) -> float:
    """The share of the weights of `prunable` layers that are 0."""
    whole, left = map(sum, zip(*counts(network).values(), strict=True))
    return 1 - left / whole


@dataclass(frozen=True)
class Schedule:
    """How much of each layer is taken out as training goes on: s_f + (s_i - s_f) (1 - t / n)^3, Zhu and Gupta's eq. 1.

    final, initial  shares of the weights; steps  of the optimiser over which it grows; after  so many before the first;
    every  so many weights are chosen anew: one that has grown again comes back
    """

    final: float
    steps: int
    initial: float = 0.0
    after: int = 0
    every: int = 50

    def __post_init__(self):
        if not 0 <= self.initial <= self.final < 1:
            raise ValueError(f"sparsity grows from {self.initial} to {self.final}; expected shares below 1")
        if self.steps < 1 or self.every < 1 or self.after < 0:
            raise ValueError("a schedule has at least one step, and none before the first")

    def at(self, step: int) -> float:
        """The sparsity at a step of the optimiser, the first is 0."""
        if step < self.after:
            return 0.0
        left = 1 - min((step - self.after) / self.steps, 1.0)
        return self.final + (self.initial - self.final) * left**3


class Mask(nn.Module):
    """A weight times 0 or 1: a parametrisation, so that whatever reads the weight reads what is left of it."""

    def __init__(self, weight: torch.Tensor):
        super().__init__()
        self.register_buffer("mask", torch.ones_like(weight, dtype=torch.bool))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight * self.mask

    @torch.no_grad()
    def choose(self, weight: torch.Tensor, share: float) -> None:
        """Keep all but the `share` of smallest magnitude of the unmasked `weight`."""
        kept = torch.ones(weight.numel(), dtype=torch.bool, device=weight.device)
        if out := round(share * weight.numel()):
            kept[weight.abs().flatten().topk(out, largest=False, sorted=False).indices] = False
        self.mask.copy_(kept.view(weight.shape))


# buffers: of the network's state, so that a training that was killed goes on with its count, and one by another
# schedule is another training
STEP, PLAN = "pruning_step", "pruning_schedule"


@dataclass(frozen=True)
class _Pruning:
    """Counts a network's steps while it trains, and chooses masks by a schedule."""

    schedule: Schedule

    def __call__(self, network: nn.Module, _) -> None:
        if not network.training:
            return
        counted = getattr(network, STEP)
        step = int(counted)
        if step % self.schedule.every == 0 and step <= self.schedule.after + self.schedule.steps + self.schedule.every:
            _choose(network, self.schedule.at(step))
        counted += 1


def prune_while_training(network: nn.Module, schedule: Schedule) -> nn.Module:
    """Have `network` prune itself at its forward passes in training mode; returns it. Any training loop will do.

    Each layer loses the same share, its smallest weights, as with Keras's toolkit, which however spares depthwise
    kernels. `make_permanent` ends it.
    """
    _mask(network)
    network.register_buffer(STEP, torch.zeros((), dtype=torch.int64))
    network.register_buffer(PLAN, torch.tensor(astuple(schedule), dtype=torch.float64))
    network.register_forward_pre_hook(_Pruning(schedule))
    return network


def prune(network: nn.Module, share: float) -> nn.Module:
    """A copy of `network` whose layers have each lost the `share` of their weights of smallest magnitude, untrained."""
    made = copy.deepcopy(network)
    _mask(made)
    _choose(made, share)
    return make_permanent(made)


def prune_and_train(
    network: nn.Module, share: float, faces: Faces, recipe: Recipe, folder: str | Path | None = None
) -> nn.Module:
    """A copy of `network` that was trained on while it lost the `share` of each layer's weights, over the first half of
    the steps, so that the second gets used to it.

    The last epoch is kept, since the best may be one in which little was pruned. Goes on in `folder`, as `fit` does,
    and raises what it raises. What comes back is on the CPU, wherever it was trained.
    """
    steps = recipe.epochs * -(-len(faces.rows("train")) // recipe.batch_size)
    first = share if steps == 1 else 0.0  # a single step leaves no time for a gradual schedule
    schedule = Schedule(share, initial=first, steps=max(steps // 2, 1), every=max(steps // 40, 1))
    made = prune_while_training(copy.deepcopy(network), schedule)
    return make_permanent(fit(made, faces, recipe, folder, select=None, restart=True).network.cpu())


def make_permanent(network: nn.Module) -> nn.Module:
    """Take masks away and leave the zeros: `network` is what it was before, with fewer weights that count."""
    for layer in prunable(network).values():
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    hooks = network._forward_pre_hooks
    for key in [key for key, hook in hooks.items() if isinstance(hook, _Pruning)]:
        del hooks[key]
    for name in (STEP, PLAN):
        if hasattr(network, name):
            delattr(network, name)
    return network


def _mask(network: nn.Module) -> None:
    for layer in prunable(network).values():
        parametrize.register_parametrization(layer, "weight", Mask(layer.weight))


def _choose(network: nn.Module, share: float) -> None:
    for layer in prunable(network).values():
        held = layer.parametrizations.weight
        held[0].choose(held.original, share)


# ------------------------------------------------------------------------------------------- channels taken out


def prune_channels(network: nn.Module, shape: Sequence[int], ratio: float) -> nn.Module:
    """A copy of `network` with a `ratio` of the channels of its layers taken out, the smallest ones; not trained again.

    shape  of its input, (C, H, W). The logits stay. By Torch-Pruning (G. Fang et al., CVPR 2023, arXiv:2301.12900),
    which finds the layers that have to lose the same channels.
    Raises ExportError where it is missing.
    """
    pruning = required("torch_pruning")
    made = copy.deepcopy(network).eval()
    linear = [layer for layer in made.modules() if isinstance(layer, nn.Linear)]
    pruner = pruning.pruner.MagnitudePruner(
        made,
        torch.zeros(1, *shape),
        importance=pruning.importance.MagnitudeImportance(p=2),
        pruning_ratio=ratio,
        ignored_layers=linear[-1:],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pruner.step()
    return made


# ------------------------------------------------------------------------------------------- integers throughout

METHODS = ("per tensor", "per channel", "per channel, percentiles")
PERCENTILE = 99.99  # of the activations at a place: the outermost ten-thousandth is clipped
AT_ONCE = 8  # images whose activations are held in memory while percentiles are taken


def int8(content: bytes, images: np.ndarray, method: str = "per tensor") -> bytes:
    """A serialised ONNX model in INT8: weights and activations, these with ranges calibrated on `images`.

    By ONNX Runtime's static quantisation in QDQ form, which every runtime of ONNX reads.
    images  what the model takes, (N, ...): take Training pictures, a few hundred (`calibration`)
    method  one scale for each weight tensor, or one for each of its channels; activations calibrated by their least and
            greatest value, or by PERCENTILE, so that single outliers do not widen the steps of all others
    Raises ExportError where a runtime is missing, ValueError for other methods.
    """
    if method not in METHODS:
        raise ValueError(f"no method {method!r}; there are {'; '.join(METHODS)}")
    return _onnxruntime(content, images, method.startswith("per channel"), method.endswith("percentiles"))


def int8_openvino(content: bytes, images: np.ndarray):
    """openvino.Model in INT8 of a serialised ONNX model, by NNCF; `images` as for `int8`.

    Of OpenVINO's own form, which is smaller and faster there than what NNCF makes of ONNX. Raises ExportError, also for
    uint8 images, those of a whole file: what resizes faces in it must not be quantised.
    """
    if images.dtype == np.uint8:
        raise ExportError("the whole of a file is not quantised here; give the network alone, and float images")
    openvino, nncf = required("openvino", *OPENVINO), required("nncf", *OPENVINO)
    with _quiet():
        seen = nncf.Dataset(list(images[:, None]))
        return nncf.quantize(openvino.Core().read_model(content), seen, subset_size=len(images))


def half(network: nn.Module) -> nn.Module:
    """A copy of `network` whose weights and statistics are rounded to FP16, as Light-FER's are; it computes in fp32."""
    made = copy.deepcopy(network)
    made.load_state_dict({name: tensor.half().to(tensor.dtype) for name, tensor in network.state_dict().items()})
    return made


def float16(content: bytes) -> bytes:
    """A serialised ONNX model with weights and arithmetic in FP16; it takes and gives what it did before."""
    onnx = required("onnx")
    required("onnxruntime")
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that some weights are too small for half precision
        return convert_float_to_float16(onnx.load_from_string(content), keep_io_types=True).SerializeToString()


def calibration(faces: Faces, count: int = 512, img_size: int | None = None, channels: int = 3) -> np.ndarray:
    """`count` training images, drawn at random, by which ranges of INT8 are found.

    img_size  None: uint8 (count, H, W, 3) for an exported file; else what the network itself sees, float32
              (count, channels, img_size, img_size)
    """
    rows = faces.rows("train")
    rows = np.sort(np.random.default_rng(0).choice(rows, min(count, len(rows)), replace=False))
    pixels = np.ascontiguousarray(faces.pixels[rows])
    if img_size is None:
        return export.three_channels(pixels)
    tensor = torch.from_numpy(pixels)
    return preprocess.resize(tensor.permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor, img_size, channels).numpy()


def probabilities(
    run: Callable[[np.ndarray], np.ndarray],
    faces: Faces,
    rows: np.ndarray,
    img_size: int,
    tta: str = "one",
    channels: int = 3,
    batch: int = 64,
) -> np.ndarray:
    """`inference.probabilities` of what any runtime makes of a network: `run` takes float32 images to logits."""
    images, parts = inference.Pixels(faces, rows, torch.device("cpu")), []
    for index in torch.arange(len(images)).split(batch):
        views = inference.views(images[index], img_size, tta, channels)
        logits = [torch.from_numpy(np.asarray(run(view.numpy()), np.float32)) for view in views]
        parts.append(torch.stack(logits).double().softmax(-1).mean(0).numpy())
    return np.concatenate(parts)


def _onnxruntime(content: bytes, images: np.ndarray, per_channel: bool, percentiles: bool) -> bytes:
    required("onnxruntime"), required("onnx")
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            self.set_range(0, len(images))

        def __len__(self):
            return len(images)

        def set_range(self, start_index, end_index):
            self.parts = iter(images[start_index:end_index, None])

        def get_next(self):
            part = next(self.parts, None)
            return None if part is None else {export.INPUT: np.ascontiguousarray(part)}

    ranges = {}
    if percentiles:
        stride = math.gcd(len(images), AT_ONCE)  # parts have to be of one size
        ranges["calibrate_method"] = quantization.CalibrationMethod.Percentile
        ranges["extra_options"] = {"CalibPercentile": PERCENTILE, "CalibStridedMinMax": stride}
    with tempfile.TemporaryDirectory() as folder, _quiet():
        paths = [Path(folder) / name for name in ("fp32.onnx", "prepared.onnx", "int8.onnx")]
        paths[0].write_bytes(content)
        quant_pre_process(str(paths[0]), str(paths[1]), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(paths[1]),
            str(paths[2]),
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=per_channel,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=_before_the_network(paths[1]),
            op_types_to_quantize=["Conv", "Gemm", "Add", "Mul", "MaxPool", "AveragePool", "GlobalAveragePool", "Relu"],
            **ranges,
        )
        return paths[2].read_bytes()


def _before_the_network(path: Path) -> list[str]:
    """Names of the nodes of an ONNX file that lie before its first convolution or dense layer: of a whole file what
    resizes and normalises faces. It counts in their pixels, which may be more than any of the calibration has."""
    inside, before = set(), []
    for node in required("onnx").load(path).graph.node:  # in the order of computation
        if node.op_type in ("Conv", "Gemm") or not inside.isdisjoint(node.input):
            inside |= {*node.output}
        else:
            before.append(node.name)
    return before


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the progress bars and advice of quantisers."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def export_int8(
    path: str | Path, faces: Faces, to: str | Path, method: str = METHODS[-1], count: int = 512, allowed: float = 0.005
) -> dict[str, float]:
    """Make an INT8 file of the fp32 file at `path`, calibrated on training images; accuracy of both on the one
    that selects, such as PublicTest.

    The accuracy is of this machine: x86 processors without VNNI add products of INT8 in 16 bits, which can overflow,
    and give other answers (ONNX Runtime's issues 12072 and 14642). Raises ExportError, and writes nothing, where it
    loses more than `allowed` of accuracy there, and where the file and `faces` name other classes.
    """
    content, description = export.read(path)
    rows = faces.rows("select")

    def accuracy(model: bytes) -> float:
        answers = export.Exported(model, description).probabilities(faces, rows)
        return float((answers.argmax(1) == faces.labels[rows]).mean())

    found = {"fp32": accuracy(content)}  # which finds other classes before anything takes long
    made = int8(content, calibration(faces, count), method)
    found["int8"] = accuracy(made)
    if found["int8"] < found["fp32"] - allowed:
        raise ExportError(
            f"{to}: INT8 is right on {100 * found['int8']:.2f} % of {faces.split_of('select')}, fp32 on "
            f"{100 * found['fp32']:.2f} %; nothing written: another method may lose less, "
            f"{' or '.join(repr(name) for name in METHODS if name != method)}"
        )
    export.write(made, to, replace(description, precision="int8"))
    return found
