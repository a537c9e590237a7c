"""Light-FER: Xception with seven outputs, to be pruned, quantised and compiled.

A. M. Pascual et al., "Light-FER: A Lightweight Facial Emotion Recognition System on Edge Devices", Sensors 2022.
The network is timm's Xception (F. Chollet, CVPR 2017, arXiv:1610.02357); what the paper does to it is in
`deployment.compress`. The paper trains with Keras, whose ImageNet weights `from_keras` reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from timm.models import register_model
from torch import nn
from torch.nn import functional

from .weights import WeightsError, from_timm, refuse, renormalised, unsound

NETWORKS = ("light_fer",)
KERAS = (".h5", ".hdf5", ".npz")  # files of `from_keras`
EPSILON = 1e-3  # Keras's, of batch normalisation; PyTorch's is 1e-5


class SamePool(nn.MaxPool2d):
    """A pooling of 3x3 and stride 2 with TensorFlow's SAME padding, which pads an even side at its end alone."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        padding = [side % 2 for side in features.shape[2:]]
        return functional.max_pool2d(features, 3, 2, padding, ceil_mode=True)


@register_model
def light_fer(
    pretrained: bool = False, num_classes: int = 7, in_chans: int = 3, keras: bool = False, **more
) -> nn.Module:
    """Xception before compression; (N, 3, 299, 299) to logits (N, classes). `pretrained`: timm's ImageNet weights.

    keras  as Keras has it, which its weights need: batch normalisation with epsilon 1e-3, SAME padding of poolings
    """
    refuse(more)
    network = from_timm("legacy_xception", pretrained, num_classes=num_classes, in_chans=in_chans)
    if keras:
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eps = EPSILON
        for block in (network.block1, network.block2, network.block3, network.block12):
            block.rep[-1] = SamePool(3, 2)
    return network


def from_keras(arrays: Mapping[str, np.ndarray], num_classes: int = 7) -> nn.Module:
    """Light-FER from Keras's Xception without its head, the new head drawn at random, in evaluation mode.

    arrays  by the names of keras-applications, layer and variable: `block2_sepconv1|pointwise_kernel`. The layers of
            the shortcuts carry the numbers that Keras gave them, and are taken in that order
    It takes images as everything here does, normalised by ImageNet's statistics (`preprocess.normalise`): that Keras
    takes pixels / 127.5 - 1 is put into the first convolution, which pads nothing, and its batch normalisation.
    Raises WeightsError naming an array that is missing, of another shape than Xception's, or unsound.
    """
    network = light_fer(num_classes=num_classes, keras=True)
    state = network.state_dict()
    for layer, (kernels, norm) in _layers(network, arrays).items():
        names = {f"{layer}{end}.weight": name for end, name in kernels.items()}
        names |= {f"{norm[0]}.{ours}": f"{norm[1]}|{theirs}" for ours, theirs in _NORM.items()}
        for ours, theirs in names.items():
            values = np.asarray(_array(arrays, theirs), np.float32)
            if values.ndim == 4:  # H, W, in, out; of a depthwise one H, W, channels, 1
                values = values.transpose(2, 3, 0, 1) if "depthwise" in theirs else values.transpose(3, 2, 0, 1)
            if values.shape != tuple(state[ours].shape):
                raise WeightsError(f"{theirs} does not fit {ours}: {values.shape}, not {tuple(state[ours].shape)}")
            state[ours] = torch.from_numpy(np.ascontiguousarray(values))
            if wrong := unsound(ours, state[ours]):
                raise WeightsError(f"{theirs}: {wrong}")
    first = state["conv1.weight"], state["bn1.running_mean"]
    state["conv1.weight"], state["bn1.running_mean"] = renormalised(*first, (0.5,) * 3, (0.5,) * 3)
    network.load_state_dict(state)
    return network.eval()


def read_keras(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, or of the .h5 file that users of keras-applications hold, by layer and variable.

    Raises WeightsError for a file that is not there or is neither.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"no weights at {path}")
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        return _read_h5(path)
    except ImportError as error:
        raise WeightsError(f"{path} needs h5py to be read: pip install 'fercore[edge]'") from error
    except Exception as error:  # of h5py and zipfile, of many kinds
        raise WeightsError(f"{path} does not hold Keras's weights: {error}") from error


_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}


def _layers(network: nn.Module, arrays: Mapping) -> dict[str, tuple[dict, tuple[str, str]]]:
    """By our layer: Keras's kernels by the end of our name, and our and Keras's batch normalisation."""
    found = {f"conv{n}": ({"": f"block1_conv{n}|kernel"}, (f"bn{n}", f"block1_conv{n}_bn")) for n in (1, 2)}

    def separable(ours: str, theirs: str, norm: str) -> None:
        kernels = {".conv1": f"{theirs}|depthwise_kernel", ".pointwise": f"{theirs}|pointwise_kernel"}
        found[ours] = kernels, (norm, f"{theirs}_bn")

    for number in range(1, 13):  # what timm calls block 1 is Keras's block 2
        rep = getattr(network, f"block{number}").rep
        places = [place for place, layer in enumerate(rep) if isinstance(layer, nn.BatchNorm2d)]
        for count, place in enumerate(places, 1):
            start = f"block{number}.rep"
            separable(f"{start}.{place - 1}", f"block{number + 1}_sepconv{count}", f"{start}.{place}")
    separable("conv3", "block14_sepconv1", "bn3")
    separable("conv4", "block14_sepconv2", "bn4")
    skips = [_numbered(arrays, "conv(?:olution)?2d", "kernel"), _numbered(arrays, "batch_normalization", "gamma")]
    for block, conv, norm in zip(("block1", "block2", "block3", "block12"), *skips, strict=True):
        found[f"{block}.skip"] = {"": f"{conv}|kernel"}, (f"{block}.skipbn", norm)
    return found


def _numbered(arrays: Mapping, layer: str, variable: str) -> list[str]:
    """conv2d, conv2d_1, ... or, where Keras had made other networks before, conv2d_5, conv2d_6, ..."""
    found = [re.fullmatch(rf"({layer}(?:_(\d+))?)\|{variable}", name) for name in arrays]
    found = sorted((match for match in found if match), key=lambda match: int(match[2] or 0))
    if len(found) != 4:
        raise WeightsError(f"{len(found)} arrays {layer}*|{variable}; Xception has 4")
    return [match[1] for match in found]


def _array(arrays: Mapping, name: str) -> np.ndarray:
    if name not in arrays:
        raise WeightsError(f"no array {name}; expected those of Keras's Xception, layer|variable")
    return arrays[name]


def _read_h5(path: Path) -> dict[str, np.ndarray]:
    import h5py

    found: dict[str, np.ndarray] = {}

    def take(name: str, item) -> None:
        if isinstance(item, h5py.Dataset):  # layer/layer/variable:0
            *layers, variable = name.split("/")
            found[f"{layers[-1]}|{variable.partition(':')[0]}"] = np.asarray(item)

    with h5py.File(path) as file:
        file.get("model_weights", file).visititems(take)
    return found
