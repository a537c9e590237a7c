"""Keras's weights give Keras's features: held against Xception written out as Keras writes it, on random arrays."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fercore import models
from fercore.datasets import preprocess
from fercore.models import WeightsError, light_fer

WIDTHS = {2: (64, 128), 3: (128, 256), 4: (256, 728), **dict.fromkeys(range(5, 13), (728, 728))}
SHORTCUTS = {2: 0, 3: 1, 4: 2, 13: 3}


@pytest.fixture(scope="module")
def arrays():
    """By Keras's names; the shortcuts have numbers as of the second network of a session."""
    draw, found = np.random.default_rng(0), {}

    def kernel(name, *shape):
        found[name] = draw.normal(0, (2 / np.prod(shape[:3])) ** 0.5, shape).astype(np.float32)

    def norm(name, width):
        for variable, low, high in (("gamma", 0.8, 1.2), ("beta", -0.2, 0.2), ("moving_mean", -0.2, 0.2)):
            found[f"{name}|{variable}"] = draw.uniform(low, high, width).astype(np.float32)
        found[f"{name}|moving_variance"] = draw.uniform(0.5, 1.5, width).astype(np.float32)

    def separable(name, before, width):
        found[f"{name}|depthwise_kernel"] = draw.normal(0, 0.3, (3, 3, before, 1)).astype(np.float32)
        kernel(f"{name}|pointwise_kernel", 1, 1, before, width)
        norm(f"{name}_bn", width)

    for name, before, width in (("block1_conv1", 3, 32), ("block1_conv2", 32, 64)):
        kernel(f"{name}|kernel", 3, 3, before, width)
        norm(f"{name}_bn", width)
    for block, (before, width) in WIDTHS.items():
        separable(f"block{block}_sepconv1", before, width)
        separable(f"block{block}_sepconv2", width, width)
        if block > 4:
            separable(f"block{block}_sepconv3", width, width)
    separable("block13_sepconv1", 728, 728)
    separable("block13_sepconv2", 728, 1024)
    separable("block14_sepconv1", 1024, 1536)
    separable("block14_sepconv2", 1536, 2048)
    for number, (before, width) in enumerate(((64, 128), (128, 256), (256, 728), (728, 1024)), 9):
        kernel(f"conv2d_{number}|kernel", 1, 1, before, width)
        norm(f"batch_normalization_{number}", width)
    return found


def keras_features(arrays, pixels):
    """Xception as Keras has it, on uint8 pixels (N, H, W, 3); features (N, 2048, h, w)."""

    def norm(x, name):
        gamma, beta, mean, variance = (
            torch.from_numpy(arrays[f"{name}|{variable}"])[:, None, None]
            for variable in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return (x - mean) / (variance + 1e-3).sqrt() * gamma + beta

    def conv(x, name, stride=1):
        return F.conv2d(x, torch.from_numpy(arrays[f"{name}|kernel"]).permute(3, 2, 0, 1), stride=stride)

    def separable(x, name):
        depthwise = torch.from_numpy(arrays[f"{name}|depthwise_kernel"]).permute(2, 3, 0, 1)
        pointwise = torch.from_numpy(arrays[f"{name}|pointwise_kernel"]).permute(3, 2, 0, 1)
        return norm(F.conv2d(F.conv2d(x, depthwise, padding=1, groups=x.shape[1]), pointwise), f"{name}_bn")

    def pool(x):
        need = [max((-(-side // 2) - 1) * 2 + 3 - side, 0) for side in (x.shape[3], x.shape[2])]
        return F.max_pool2d(F.pad(x, [part for n in need for part in (n // 2, n - n // 2)], value=-torch.inf), 3, 2)

    x = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 127.5 - 1
    x = norm(conv(x, "block1_conv1", 2), "block1_conv1_bn").relu()
    x = norm(conv(x, "block1_conv2"), "block1_conv2_bn").relu()
    for block in range(2, 14):
        before = x
        for number in range(1, 4 if 5 <= block <= 12 else 3):
            x = separable(x if block == 2 and number == 1 else x.relu(), f"block{block}_sepconv{number}")
        if block in SHORTCUTS:
            number = SHORTCUTS[block] + 9
            before, x = norm(conv(before, f"conv2d_{number}", 2), f"batch_normalization_{number}"), pool(x)
        x = x + before
    return separable(separable(x, "block14_sepconv1").relu(), "block14_sepconv2").relu()


@pytest.mark.parametrize("side", [71, 76])  # at 76 px poolings meet odd and even sides
def test_features_are_keras_features(arrays, side):
    pixels = np.random.default_rng(1).integers(0, 256, (2, side, side, 3), np.uint8)
    network = light_fer.from_keras(arrays)
    images = preprocess.normalise(preprocess.to_float(torch.from_numpy(pixels).permute(0, 3, 1, 2)))
    with torch.no_grad():
        found = network.forward_features(images)
        expected = keras_features(arrays, pixels)
    assert found.shape == expected.shape and expected.abs().max() > 1
    assert (found - expected).abs().max() / expected.abs().max() < 1e-4


def test_a_file_starts_light_fer(arrays, tmp_path):
    np.savez(tmp_path / "xception.npz", **arrays)
    network = models.create("light_fer", 7, weights=tmp_path / "xception.npz")
    assert network.fc.out_features == 7
    expected = light_fer.from_keras(arrays).state_dict()
    same = [torch.equal(value, expected[name]) for name, value in network.state_dict().items() if "fc." not in name]
    assert all(same) and network.bn1.eps == 1e-3
    again = models.create("light_fer", 7, keras=True)
    assert again.load_state_dict(network.state_dict()) and isinstance(again.block1.rep[-1], light_fer.SamePool)
    assert models.options_of("light_fer", tmp_path / "xception.npz") == {"keras": True}, "which a run's file records"


def test_the_h5_file_of_keras_applications(arrays, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "xception.h5", "w") as file:
        for name, values in arrays.items():
            layer, variable = name.split("|")
            file[f"{layer}/{layer}/{variable}:0"] = values
    found = light_fer.read_keras(tmp_path / "xception.h5")
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(values, arrays[name]) for name, values in found.items())


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"block5_sepconv2|pointwise_kernel": None}, r"no array block5_sepconv2\|pointwise_kernel"),
        ({"block14_sepconv2_bn|beta": np.zeros(7)}, r"block14_sepconv2_bn\|beta does not fit bn4.bias: \(7,\)"),
        ({"conv2d_9|kernel": None}, r"3 arrays conv"),
        ({"block14_sepconv2_bn|beta": np.full(2048, np.inf)}, r"block14_sepconv2_bn\|beta: bn4.bias is not finite"),
        ({"block14_sepconv2_bn|moving_variance": np.full(2048, -1.0)}, r"bn4.running_var is a variance below 0"),
    ],
)
def test_arrays_that_do_not_fit_are_named(arrays, changed, told):
    broken = {name: values for name, values in (arrays | changed).items() if values is not None}
    with pytest.raises(WeightsError, match=told):
        light_fer.from_keras(broken)


def test_files_that_do_not_hold_weights(tmp_path):
    (tmp_path / "xception.npz").write_bytes(b"PK no archive")
    with pytest.raises(WeightsError, match=r"xception\.npz does not hold Keras's weights"):
        models.create("light_fer", weights=tmp_path / "xception.npz")
    with pytest.raises(WeightsError, match=r"no weights at .*missing\.npz"):
        models.create("light_fer", weights=tmp_path / "missing.npz")
