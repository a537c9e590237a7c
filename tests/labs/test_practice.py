"""What the labs train: inputs on one scale, and a network that learns, the same each time; and what is not called."""

import contextlib

import numpy as np
import pytest
import torch
from torch import nn

from fercore.labs import practice


def bright_and_dark(count=256):
    labels = torch.arange(count) % 2
    draw = np.random.default_rng(0)
    pixels = np.clip(90 + 80 * labels.numpy()[:, None, None] + draw.normal(0, 25, (count, 16, 16)), 0, 255)
    return practice.inputs(pixels.astype(np.uint8), 8), labels


def test_inputs_are_shrunk_by_area_and_put_on_one_scale():
    pixels = np.zeros((1, 4, 4), np.uint8)
    pixels[0, :2, :2] = (0, 255), (255, 0)
    found = practice.inputs(pixels, 2)
    assert found.shape == (1, 1, 2, 2)
    assert torch.allclose(found[0, 0], torch.tensor([[0.0, -127.5 / 64], [-127.5 / 64, -127.5 / 64]]))


def test_learns_and_gives_the_same_again():
    images, labels = bright_and_dark()
    one, again, other = (practice.train(images, labels, 2, epochs=10, seed=seed) for seed in (0, 0, 1))
    said = [practice.logits(network, images) for network in (one, again, other)]
    assert torch.equal(said[0], said[1]) and not torch.equal(said[0], said[2])
    assert not one.training and (said[0].argmax(1) == labels).float().mean() > 0.9


def test_several_targets_are_cut_alike_and_attention_stands_before_the_mean():
    images, labels = bright_and_dark(70)
    seen = []

    def loss(logits, first, second):
        seen.append((first == second).all())
        return nn.functional.cross_entropy(logits, first)

    network = practice.train(images, (labels, labels.clone()), 2, loss, epochs=1, width=4, attention=nn.BatchNorm2d)
    assert len(seen) == 2 and all(seen)
    assert isinstance(network[-4], nn.BatchNorm2d) and network[-4].num_features == 16


def test_what_a_lab_asks_for_is_not_called():
    from sklearn.model_selection import KFold

    def folds():
        return list(KFold(2).split(np.arange(4)))

    with practice.without("sklearn.linear_model", "sklearn.model"):
        assert len(folds()) == 2
    with (
        pytest.raises(AssertionError, match=r"sklearn.model_selection.* has the answer"),
        practice.without("sklearn.model_selection"),
        contextlib.suppress(AssertionError),  # as a submission could
    ):
        folds()
    assert len(folds()) == 2, "afterwards everything may be called"
