"""A convolution that is computed as a product says what it said before, forward and backward."""

import pytest
import torch
from torch import nn

from fercore import models
from fercore.models.products import PLACES, ProductConv2d, of_few_places

SHAPE = (3, 64, 64)


def products(network):
    return {name: layer for name, layer in network.named_modules() if type(layer) is ProductConv2d}


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("stride", [1, 2, (2, 1)])
@pytest.mark.parametrize(("kernel", "padding"), [(1, 0), (1, 1), (2, 0), (3, 1), ((3, 2), (0, 1)), (4, 0)])
def test_the_same_values_and_gradients(kernel, padding, stride, bias, layout):
    torch.manual_seed(0)
    conv = nn.Conv2d(5, 4, kernel, stride, padding, bias=bias).double().to(memory_format=layout)
    found = []
    for kind in (nn.Conv2d, ProductConv2d):
        conv.__class__ = kind
        conv.zero_grad()
        images = (
            torch.linspace(-1, 1, 3 * 5 * 4 * 6, dtype=torch.float64).view(3, 5, 4, 6).contiguous(memory_format=layout)
        )
        made = conv(images.requires_grad_())
        (made * torch.arange(made.numel()).view(made.shape)).sum().backward()
        found.append([made.detach(), images.grad, *(weight.grad for weight in conv.parameters())])
    for one, other in zip(*found, strict=True):
        assert one.shape == other.shape and one.std() > 0
        torch.testing.assert_close(one, other)


def test_of_resemotenet_those_that_make_four_pixels_or_fewer():
    with torch.device("meta"):
        network = of_few_places(models.create("resemotenet"), SHAPE)
        larger = of_few_places(models.create("resemotenet"), (3, 128, 128))
    assert PLACES == 4
    blocks = [f"blocks.{block}.{layer}" for block in (1, 2) for layer in ("body.0", "body.3", "shortcut.0")]
    assert list(products(network)) == blocks  # 2x2 and 1x1; the first block makes 4x4
    assert list(products(larger)) == blocks[3:]


def test_a_layer_that_is_passed_twice_counts_with_what_it_makes_more_of():
    conv = nn.Conv2d(3, 3, 3, padding=1)
    assert not products(of_few_places(nn.Sequential(conv, nn.MaxPool2d(2), conv), (3, 4, 4)))
    assert products(of_few_places(nn.Sequential(conv, nn.MaxPool2d(2), conv), (3, 2, 2)))


@pytest.mark.parametrize(
    "options",
    [
        {"groups": 3, "padding": 1},
        {"dilation": 2, "padding": 2},
        {"padding": "same"},
        {"padding": 1, "padding_mode": "reflect"},
    ],
)
def test_what_a_product_does_not_do_stays(options):
    network = nn.Sequential(nn.Conv2d(3, 3, 3, **options), nn.Conv2d(3, 2, 1))
    assert list(products(of_few_places(network, (3, 2, 2)))) == ["1"]


def test_weights_names_and_mode_stay():
    torch.manual_seed(0)
    network = models.create("mini_resemotenet_c").train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    after = of_few_places(network, SHAPE).state_dict()
    assert network.training and products(network)
    assert list(after) == list(before) and all(torch.equal(after[name], value) for name, value in before.items())


def test_trimmed_networks_have_them_and_others_do_not():
    with torch.device("meta"):
        assert products(models.create("mini_resemotenet_b", trimmed=64))
        assert not products(models.create("mini_resemotenet_b"))


def test_in_bf16_too():
    torch.manual_seed(0)
    conv, images = nn.Conv2d(64, 32, 3, padding=1), torch.randn(2, 64, 2, 2)
    expected = conv(images)
    conv.__class__ = ProductConv2d
    with torch.autocast("cpu", torch.bfloat16):
        made = conv(images)
    assert made.dtype == torch.bfloat16
    torch.testing.assert_close(made.float(), expected, rtol=0.02, atol=0.02)
