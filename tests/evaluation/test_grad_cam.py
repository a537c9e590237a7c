"""Grad-CAM points at what the answer rests on."""

import numpy as np
import pytest
import torch
from torch import nn

from fercore import models
from fercore.datasets.faces import Faces, table
from fercore.evaluation import grad_cam


class Corner(nn.Module):
    """Says 1 where the image is bright, wherever that is; its last convolution has nothing of where."""

    def __init__(self):
        super().__init__()
        self.conv, self.late = nn.Conv2d(1, 1, 3, padding=1, bias=False), nn.Conv2d(1, 1, 1, bias=False)
        nn.init.constant_(self.conv.weight, 1.0)
        nn.init.constant_(self.late.weight, 1.0)

    def forward(self, images):
        pooled = self.conv(images).relu().mean((2, 3), keepdim=True)
        score = self.late(pooled).flatten(1)
        return torch.cat([-score, score], 1)


@pytest.mark.parametrize("corner", [(slice(0, 8), slice(0, 8)), (slice(16, 24), slice(8, 16))])
def test_it_points_at_what_is_bright(corner):
    pixels = np.zeros((2, 24, 24), np.uint8)
    pixels[0][corner] = 255
    faces = Faces("corners", pixels, table([1, 0]), ("dark", "bright"))
    network = Corner().train()
    maps, answers = grad_cam.grad_cam(network, faces, np.array([0, 1]), 24)
    assert answers[0] == 1 and maps.shape == (2, 24, 24) and network.training
    inside = np.zeros((24, 24), bool)
    inside[corner] = True
    assert maps[0][inside].mean() > 0.7 and maps[0][~inside].mean() < 0.1
    assert maps.min() >= 0 and maps.max() == pytest.approx(1)


def test_each_map_has_its_own_scale_and_colours_are_seen_as_the_network_takes_them():
    pixels = np.zeros((2, 24, 24, 3), np.uint8)
    pixels[0, 4:12, 4:12], pixels[1, 4:12, 4:12] = 255, 160
    faces = Faces("corners", pixels, table([1, 1]), ("dark", "bright"))
    maps, answers = grad_cam.grad_cam(Corner(), faces, np.array([0, 1]), 12)
    assert maps.shape == (2, 24, 24) and answers.tolist() == [1, 1]
    assert maps.max((1, 2)) == pytest.approx([1, 1])
    assert not np.array_equal(maps[:, ::2], maps[:, 1::2])  # between the pixels of the smaller map it is interpolated


def test_the_layer_is_the_last_that_has_a_where():
    network = models.create("tinyfer_lite", 7).eval()
    large = grad_cam._layer(network, torch.zeros(1, 3, 224, 224))
    small = grad_cam._layer(network, torch.zeros(1, 3, 64, 64))
    assert large is network.attention and small is network.features[8]
    with pytest.raises(ValueError, match="no layer of TinyFERLite has a map of 4x4; take larger images"):
        grad_cam._layer(network, torch.zeros(1, 3, 4, 4))


class Branches(nn.Module):
    """A block whose answer is in its first convolution, and nothing of it in the one that runs last."""

    def __init__(self):
        super().__init__()
        self.body, self.shortcut = nn.Conv2d(1, 1, 1, bias=False), nn.Conv2d(1, 1, 1, bias=False)
        nn.init.ones_(self.body.weight)
        nn.init.zeros_(self.shortcut.weight)

    def forward(self, images):
        return self.body(images) + self.shortcut(images)


def test_a_block_is_taken_whole_and_not_the_branch_that_runs_last():
    class Score(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = Branches()

        def forward(self, images):
            score = self.block(images).mean((2, 3))
            return torch.cat([-score, score], 1)

    network = Score()
    assert grad_cam._layer(network, torch.zeros(1, 1, 8, 8)) is network.block
    pixels = np.zeros((1, 8, 8), np.uint8)
    pixels[0, :4] = 255
    maps, _ = grad_cam.grad_cam(network, Faces("half", pixels, table([1]), ("dark", "bright")), np.array([0]), 8)
    assert maps[0, :3].min() > 0.9 and maps[0, 5:].max() < 0.1
    lean = models.create("lean_65k", 7).eval()
    assert grad_cam._layer(lean, torch.zeros(1, 1, 48, 48)) is lean.blocks


def test_parts_of_a_backbone_are_looked_into_and_what_runs_twice_is_left_out():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone, self.conv = models.create("mini_resemotenet_c", 7), nn.Conv2d(3, 3, 1)
            self.relu, self.head = nn.ReLU(), nn.Linear(3, 7)

        def forward(self, images):
            last = self.relu(self.relu(self.conv(images)))
            return self.backbone(images) + self.head(last.mean((2, 3)))

    network = Twice().eval()
    assert grad_cam._layer(network, torch.zeros(1, 3, 64, 64)) is network.backbone.blocks[0]
    network.backbone.forward = lambda images: torch.zeros(len(images), 7)
    assert grad_cam._layer(network, torch.zeros(1, 3, 64, 64)) is network.conv, "the last, but for what ran twice"


def test_a_block_that_ends_small_is_looked_into_where_nothing_else_is_large():
    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = Narrowing()

        def forward(self, images):
            return self.block(images).flatten(1)

    class Narrowing(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 4, stride=4)

        def forward(self, images):
            return self.last(self.first(images))

    network = Small()
    assert grad_cam._layer(network, torch.zeros(1, 1, 8, 8)) is network.block.first


def test_tokens_are_no_map():
    network = models.create("vit_tiny_patch16_224", 7).eval()
    assert grad_cam._layer(network, torch.zeros(1, 3, 224, 224)) is network.patch_embed.proj
