"""What never meets a pixel has no gradient and no influence, and a network without it says the same."""

import pytest
import torch
from torch import nn

from fercore import models
from fercore.models import padding


@pytest.fixture
def network():
    torch.manual_seed(0)
    return models.create("mini_resemotenet_c", dropout=0.0)


def test_more_than_half_of_resemotenets_weights_meet_padding_alone():
    """On 64 px its last block sees 2x2 and 1x1 pixels: of 3x3 taps 4 meet one, and 1."""
    for name, width in {"resemotenet": 2048, "mini_resemotenet_a": 1024, "mini_resemotenet_c": 256}.items():
        with torch.device("meta"):
            found = padding.unused(models.create(name), (3, 64, 64))
        assert found == {"blocks.2.body.0": width // 2 * width * 5, "blocks.2.body.3": width * width * 8}
    with torch.device("meta"):
        assert padding.unused(models.create("resemotenet"), (3, 128, 128)) == {}


def test_they_have_no_gradient_and_no_influence(network):
    images, before = torch.randn(4, 3, 64, 64), None
    for layer, used in ((0, (slice(1, 3), slice(1, 3))), (3, (slice(1, 2), slice(1, 2)))):
        weight = network.blocks[2].body[layer].weight
        met = torch.zeros_like(weight, dtype=torch.bool)
        met[:, :, *used] = True
        network.train()(images).square().sum().backward()
        assert not weight.grad[~met].any() and weight.grad[met].any()
        with torch.no_grad():
            before = network.eval()(images)
            weight[~met] = 1e3
            assert torch.allclose(network(images), before, atol=1e-6)


def test_a_trimmed_network_trains_as_the_whole_one_does():
    kept = {}
    for trimmed in (0, 64):
        torch.manual_seed(0)
        network = models.create("mini_resemotenet_c", dropout=0.0, trimmed=trimmed).double().train()
        optimizer = torch.optim.SGD(network.parameters(), 0.01, 0.9, weight_decay=1e-4)
        images, labels = torch.randn(8, 3, 64, 64, dtype=torch.float64), torch.arange(8) % 7
        for _ in range(3):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(images), labels).backward()
            optimizer.step()
        kept[trimmed] = network.eval()(images)
        assert sum(weight.numel() for weight in network.parameters()) == 1_259_911 - (688_128 if trimmed else 0)
    assert torch.allclose(kept[0], kept[64], rtol=1e-9, atol=1e-12) and kept[0].std() > 0


@pytest.mark.parametrize("side", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_whatever_the_kernel_the_trimmed_layer_says_the_same(side, kernel, stride):
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Conv2d(2, 4, kernel, stride, kernel // 2, groups=2))
    images = torch.randn(3, 2, side, side)
    before, size = layer(images), layer[0].weight.numel()
    left = sum(padding.unused(layer, (2, side, side)).values())
    assert torch.allclose(padding.trim(layer, (2, side, side))(images), before, atol=1e-6)
    assert layer[0].weight.numel() == size - left
    assert bool(left) == (
        (side, kernel, stride) in {(1, 3, 1), (1, 3, 2), (1, 5, 1), (1, 5, 2), (2, 5, 1), (2, 5, 2), (2, 3, 2)}
    )


def test_a_layer_that_is_passed_with_several_sizes_keeps_all_its_weights():
    layer = nn.Conv2d(1, 1, 3, padding=1)
    network = nn.Sequential(layer, nn.AdaptiveAvgPool2d(1), layer)
    assert padding.unused(network, (1, 8, 8)) == {} and padding.unused(layer, (1, 1, 1)) == {"": 8}
