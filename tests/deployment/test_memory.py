"""Memory of a forward pass is that of what is alive at once, by hand."""

import pytest
import torch
from torch import nn

from fercore.deployment import memory


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 1, bias=False), nn.Conv2d(4, 2, 1, bias=False)

    def forward(self, images):
        return self.second(self.first(images).pow(2)).mean((2, 3))


@pytest.fixture
def two(monkeypatch):
    monkeypatch.setattr(memory.models, "create", lambda name, classes: Two())


@pytest.mark.parametrize("batch", [1, 7])
def test_a_network_of_two_layers_by_hand(two, batch):
    weights, plane = 4 * (4 + 8), 4 * batch * 100
    # what the first layer makes and its square are there together: four planes each; the images are one
    assert memory.inference_bytes("two", 10, batch) == weights + plane * (1 + 4 + 4)
    # for a backward pass both are kept, beside the two planes of the second layer and its mean
    kept = memory.inference_bytes("two", 10, batch, kept=True)
    assert kept == weights + plane * (1 + 4 + 4 + 2) + 4 * batch * 2


def test_the_batch_is_that_of_the_memory(two):
    for batch in (3, 5000):
        megabytes = memory.inference_bytes("two", 10, batch) / 1e6
        assert memory.batch_of("two", 10, megabytes) == pytest.approx(batch)


def test_a_table_has_both_ways_and_every_batch(two):
    table = memory.by_batch(["two"], 10, [1, 2])
    assert table.loc[("two", "nothing kept", 2), "MB"] == memory.inference_bytes("two", 10, 2) / 1e6
    assert len(table) == 4 and (table.xs("kept for a backward pass", level="way") > 0).all().all()


def test_the_teachers_weights_are_the_most_of_a_single_image():
    whole = memory.inference_bytes("resemotenet", 64, 1)
    assert 320_954_396 < whole < 1.02 * 320_954_396
    assert not torch.is_grad_enabled() or memory.inference_bytes("resemotenet", 64, 1, kept=True) > whole


def test_what_a_network_keeps_beside_its_weights_is_memory_too(monkeypatch):
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.zeros(1000))
            self.layer = nn.Conv2d(1, 1, 1, bias=False)

        def forward(self, images):
            return self.layer(images)

    monkeypatch.setattr(memory.models, "create", lambda name, classes: Network())
    assert memory.inference_bytes("network", 10, 1) == 4 * (1000 + 1 + 10 * 10 + 10 * 10)
