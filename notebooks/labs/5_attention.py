# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     notebook_metadata_filter: -jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [raw]
# # ASSIGNMENT CONFIG
# name: 5_attention
# export_cell: false
# generate: true
# strip_solutions_from_all_cells: true
# tests:
#   ok_format: false

# %% [markdown]
# # Lab 5 · ECA and SE in ten lines
#
# Squeeze-and-excitation (SE) and efficient channel attention (ECA) both weigh the channels of a feature map by what is in
# it. The 2026 MicroExpNet takes the first, TinyFER-Lite the second (equations 4 to 6). One costs almost a fifth of a network, the
# other three numbers. You write both, find out what the three numbers pay with, and decide whether either earns its place.
#
# The faces are rendered (`synthfer`): no score here compares with a published one. What `fercore` and `timm` have of
# attention is not allowed; PyTorch's layers and functions are. Some questions have a further test that is not shown.

# %%
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from IPython.display import display
from torch import nn

from fercore import datasets
from fercore.labs import practice

faces = datasets.load("synthfer", images=2500)
images, labels = practice.inputs(faces.pixels), torch.tensor(faces.labels)
train, select = faces.rows("train"), faces.rows("select")

# %% [raw]
# # BEGIN QUESTION
# name: cost
# points: 2
# all_or_nothing: true

# %% [markdown]
# ## What does attention cost?
#
# SE is two linear layers with biases, from $C$ channels to $C / r$ and back. ECA is a one-dimensional convolution of $k$ weights
# without a bias, which slides over the channels. **Guess** the parameters of both behind MobileNetV3-Small, where $C$ is 576,
# with $r = 4$ and $k = 3$; all of TinyFER-Lite has 932,202.
#
# **Find out** without building either. Write `cost(channels, reduction, kernel)`: two integers, the parameters of SE and of
# ECA. Where $C / r$ is no whole number it is rounded down.


# %%
def cost(channels, reduction, kernel):
    # BEGIN SOLUTION
    hidden = channels // reduction
    return 2 * channels * hidden + hidden + channels, kernel
    # END SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_a_small_one_counted_by_hand(cost):
    se, eca = cost(8, 4, 3)
    assert se == 42, "8 x 2 weights and 2 biases, then 2 x 8 weights and 8 biases"
    assert eca == 3, "the same 3 weights slide over all channels"


# %%
def test_as_pytorch_counts(cost):
    from torch import nn

    for channels, reduction, kernel in ((30, 4, 5), (64, 16, 3)):
        hidden = channels // reduction
        layers = nn.Sequential(nn.Linear(channels, hidden), nn.Linear(hidden, channels))
        assert cost(channels, reduction, kernel)[0] == sum(p.numel() for p in layers.parameters()), "mind the rounding"
        assert cost(channels, reduction, kernel)[1] == kernel, "a convolution from one channel to one, without bias"


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %%
se_cost, eca_cost = cost(576, 4, 3)
print(f"SE: {se_cost:,} parameters, {se_cost / 932_202:.0%} of TinyFER-Lite; ECA: {eca_cost}")

# %% [raw]
# # BEGIN QUESTION
# name: se
# points: 2
# all_or_nothing: true

# %% [markdown]
# ## Write them
#
# **Find out** what SE computes. Write `se(features, first, second)`: for `features` (N, C, H, W), and two `nn.Linear`, the
# mean over the places of each channel, then `first`, ReLU, `second`, sigmoid: a gate between 0 and 1 for each image and
# channel, by which the features are *multiplied*. The shape stays.


# %%
def se(features, first, second):
    # BEGIN SOLUTION
    gates = second(first(features.mean((2, 3))).relu()).sigmoid()
    return features * gates[:, :, None, None]
    # END SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_undecided_gates_are_a_half(se):
    import torch
    from torch import nn

    first, second = nn.Linear(6, 2), nn.Linear(2, 6)
    nn.init.zeros_(second.weight), nn.init.zeros_(second.bias)
    features = torch.randn(3, 6, 4, 5, generator=torch.Generator().manual_seed(0))
    found = se(features, first, second)
    assert found.shape == features.shape, "the shape stays"
    assert torch.allclose(found, features / 2), "the sigmoid of 0 is 1/2: gates multiply, and are not added"


# %%
def test_one_image_by_hand(se):
    import torch
    from torch import nn

    first, second = nn.Linear(2, 1), nn.Linear(1, 2)
    with torch.no_grad():
        for layer, weight, bias in ((first, [[1.0, -1.0]], [0.0]), (second, [[1.0], [-2.0]], [0.0, 1.0])):
            layer.weight.copy_(torch.tensor(weight)), layer.bias.copy_(torch.tensor(bias))
    features = torch.tensor([[[[1.0, 5.0]], [[2.0, 0.0]]], [[[0.0, 0.0]], [[3.0, 3.0]]]])
    gates = torch.tensor([[2.0, -3.0], [0.0, 1.0]]).sigmoid()  # means 3 and 1; then 0 and 3, which ReLU stops
    assert torch.allclose(se(features, first, second), features * gates[:, :, None, None]), (
        "means over the places of a channel, ReLU between the layers, and gates of each image by itself"
    )


# %%
def test_the_layers_can_be_learned(se):
    import numpy as np
    import torch
    from torch import nn

    first, second, features = nn.Linear(1, 1), nn.Linear(1, 1), torch.full((1, 1, 1, 1), 2.0, requires_grad=True)
    with torch.no_grad():
        for layer in (first, second):
            layer.weight.fill_(1), layer.bias.fill_(0)
    found = se(features, first, second)
    assert found.requires_grad, "it stands in a network that learns: no gradient may be lost"
    found.sum().backward()
    gate = 1 / (1 + np.exp(-2))
    slope = gate * (1 - gate)
    assert np.isclose(first.weight.grad.item(), 4 * slope), "the layers learn: f = x s(a x), so that df/da = x^2 s'(a x)"
    assert np.isclose(features.grad.item(), gate + 2 * slope), "features move their gate, too: df/dx = s(x) + x s'(x)"


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [raw]
# # BEGIN QUESTION
# name: eca
# points: 3
# all_or_nothing: true

# %% [markdown]
# **Find out** what ECA computes. Write `eca(features, kernel)` for `kernel` (k,), k odd: the means as before, (N, C); each
# channel's gate is the sigmoid of the means of its k neighbours, itself in the middle, times the kernel and summed. Beyond
# the first and the last channel there is 0. A convolution in PyTorch does not turn the kernel round, and neither do you.


# %%
def eca(features, kernel):
    # BEGIN SOLUTION
    means = features.mean((2, 3))[:, None]
    gates = F.conv1d(means, kernel[None, None], padding=len(kernel) // 2).sigmoid()
    return features * gates.squeeze(1)[:, :, None, None]
    # END SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_neighbours_are_weighed_from_left_to_right(eca):
    import torch

    features = torch.tensor([1.0, 2.0, 4.0]).reshape(1, 3, 1, 1)
    found = eca(features, torch.tensor([1.0, 0.0, -1.0])).flatten()
    gates = torch.tensor([-2.0, 1 - 4.0, 2.0]).sigmoid()
    hint = "the left neighbour times 1 less the right one; beyond the ends is 0, and not the other end"
    assert torch.allclose(found, torch.tensor([1.0, 2.0, 4.0]) * gates, atol=1e-6), hint


# %%
def test_images_and_places(eca):
    import torch

    features = torch.tensor([[[[1.0, 3.0]], [[0.0, 0.0]]], [[[0.0, 0.0]], [[4.0, 6.0]]]])
    gates = torch.tensor([[2.0, 2.0], [5.0, 5.0]]).sigmoid()  # of means 2 and 0, and 0 and 5
    found = eca(features, torch.ones(3))
    assert found.shape == features.shape, "the shape stays"
    hint = "the mean over the places of a channel, and gates of each image by itself"
    assert torch.allclose(found, features * gates[:, :, None, None]), hint


# %%
# HIDDEN
def test_a_wider_kernel(eca):
    import torch
    import torch.nn.functional as F

    draw = torch.Generator().manual_seed(0)
    features, kernel = torch.randn(4, 7, 3, 2, generator=draw), torch.tensor([0.3, -1.0, 2.0, 0.5, 0.1])
    found = eca(features, kernel)
    assert found.shape == features.shape, "the shape stays"
    assert torch.allclose(found[1:2], eca(features[1:2], kernel), atol=1e-6), "each image has gates of its own"
    means = F.pad(features.mean((2, 3)), (2, 2))
    gates = sum(weight * means[:, place : place + 7] for place, weight in enumerate(kernel)).sigmoid()
    assert torch.allclose(found, features * gates[:, :, None, None], atol=1e-6), "a kernel of 5 reaches two channels each way"


# %%
def test_the_kernel_can_be_learned(eca):
    import numpy as np
    import torch

    features, kernel = torch.full((1, 1, 1, 1), 2.0, requires_grad=True), torch.tensor([0.5, 1.0, 0.5], requires_grad=True)
    found = eca(features, kernel)
    assert found.requires_grad, "it stands in a network that learns: no gradient may be lost"
    found.sum().backward()
    assert kernel.grad is not None, "the kernel learns: take it as it is, and not a copy of its numbers"
    gate = 1 / (1 + np.exp(-2))
    slope = gate * (1 - gate)
    assert np.allclose(kernel.grad, [0, 4 * slope, 0]), "f = x s(a x) with the middle weight a, so that df/da = x^2 s'(a x)"
    assert np.isclose(features.grad.item(), gate + 2 * slope), "features move their gate, too: df/dx = s(x) + x s'(x)"


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# ## What do three numbers pay with?
#
# The channels of a convolution have no order: shuffle its filters, and the columns of the next layer alike, and the network
# is the same function. Is attention as indifferent? Here are both on shuffled channels, put back afterwards. **Guess** which
# changes.

# %%
torch.manual_seed(0)
features, order = torch.randn(2, 32, 6, 6) + torch.randn(32, 1, 1), torch.randperm(32)
first, second, kernel = nn.Linear(32, 8), nn.Linear(8, 32), torch.tensor([1.0, -2.0, 1.0])
back = order.argsort()
with torch.no_grad():
    for name, block in (("SE", lambda x: se(x, first, second)), ("ECA", lambda x: eca(x, kernel))):
        change = (block(features[:, order])[:, back] - block(features)).abs().max()
        print(f"{name} on shuffled channels differs by up to {change:.3f}")

# %% [raw]
# # BEGIN QUESTION
# name: reordered
# points: 3
# all_or_nothing: true

# %% [markdown]
# Both. But SE can be mended. **Find out** how: write `reordered(first, second, order)`, two new `nn.Linear` that do to
# `features[:, order]` what the old ones do to `features`: `se(features[:, order], *reordered(first, second, order))` equals
# `se(features, first, second)[:, order]`. What has rows, what has columns? Leave the old layers as they are. Then think: what
# would you change in ECA's three weights?


# %%
def reordered(first, second, order):
    # BEGIN SOLUTION
    new_first, new_second = (nn.Linear(layer.in_features, layer.out_features) for layer in (first, second))
    with torch.no_grad():
        new_first.weight.copy_(first.weight[:, order]), new_first.bias.copy_(first.bias)
        new_second.weight.copy_(second.weight[order]), new_second.bias.copy_(second.bias[order])
    return new_first, new_second
    # END SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_the_same_function_of_shuffled_channels(reordered):
    import torch
    from torch import nn

    def gates(means, first, second):
        return second(first(means).relu())

    torch.manual_seed(1)
    first, second, means = nn.Linear(9, 4), nn.Linear(4, 9), torch.randn(5, 9)
    order = torch.tensor([3, 0, 8, 1, 7, 2, 6, 5, 4])
    before = [value.detach().clone() for layer in (first, second) for value in layer.parameters()]
    expected = gates(means, first, second)[:, order]
    new = reordered(first, second, order)
    hint = "the columns of the first layer, the rows and the biases of the second, by `order` and not by its inverse"
    assert torch.allclose(gates(means[:, order], *new), expected, atol=1e-5), hint
    after = [value for layer in (first, second) for value in layer.parameters()]
    assert all(map(torch.equal, after, before)), "the old layers are to stay as they are"
    with torch.no_grad():
        for layer in new:
            layer.weight.zero_(), layer.bias.zero_()
    hint = "when the new layers learn, the old ones are to stay: share no tensor with them"
    assert all(map(torch.equal, after, before)), hint


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# Nothing in three weights can undo a shuffle: ECA rests on a neighbourhood of channels that the network has to make up
# while it learns, and that breaks when channels are pruned or sorted. That is what it pays with.
#
# ## Does either help?
#
# A small network without attention, with SE, with ECA; three seeds each. **Guess** the order.

# %%
class SE(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first, self.second = nn.Linear(channels, channels // 4), nn.Linear(channels // 4, channels)

    def forward(self, features):
        return se(features, self.first, self.second)


class ECA(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(3) / 3)

    def forward(self, features):
        return eca(features, self.kernel)


# %%
def accuracy(block, seed):
    """Accuracy on PublicTest of a network that ends in `block`, and its parameters."""
    network = practice.train(images[train], labels[train], 7, epochs=6, seed=seed, attention=block)
    right = practice.logits(network, images[select]).argmax(1) == labels[select]
    return right.float().mean().item(), sum(p.numel() for p in network.parameters())


# %%
blocks = {"none": None, "se": SE, "eca": ECA}
rows = [(name, seed, *accuracy(block, seed)) for name, block in blocks.items() for seed in range(3)]
results = pd.DataFrame(rows, columns=["block", "seed", "accuracy", "parameters"])
display(results.pivot(index="block", columns="seed", values="accuracy").reindex(list(blocks)).round(3))

# %% [raw]
# # BEGIN QUESTION
# name: choose_block
# points: 3
# all_or_nothing: true

# %% [markdown]
# ## The decision
#
# **Find out** what to build in. Write `choose_block(results, budget)` for a table like the one above, in any order of rows. A
# block earns its place if its mean lead over `"none"`, seed by seed, is more than twice the lead's standard error (standard
# deviation with n - 1, by the root of n), and if the network has no more than `budget` parameters. Of those that do, the one
# with the fewest parameters; `"none"` if there is none. (Two standard errors are right for many seeds. With three, chance alone
# is beyond them in 9 of 100 cases, with two in 15: lab 4 has the $t$ that mends it. Here it is to be two; of one seed nobody
# knows, so that it earns nothing.)


# %%
def choose_block(results, budget):
    # BEGIN SOLUTION
    scores = results.pivot(index="seed", columns="block", values="accuracy")
    sizes = results.groupby("block")["parameters"].first()
    lead = scores.sub(scores["none"], axis=0).drop(columns="none")
    earned = lead.mean() > 2 * lead.std() / np.sqrt(lead.count())
    fitting = [name for name in lead if earned[name] and sizes[name] <= budget]
    return sizes[fitting].idxmin() if fitting else "none"
    # END SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_lead_and_budget(choose_block):
    import pandas as pd

    made = {"se": ([0.56, 0.61, 0.58], 900), "none": ([0.50, 0.54, 0.52], 500), "eca": ([0.53, 0.56, 0.545], 503)}
    rows = [(name, seed, one, size) for name, (scores, size) in made.items() for seed, one in enumerate(scores)]
    table = pd.DataFrame(rows, columns=["block", "seed", "accuracy", "parameters"]).sample(frac=1, random_state=0)
    assert choose_block(table, 1000) == "eca", "both lead for each seed: the one with fewer parameters"
    assert choose_block(table, 503) == "eca", "no more than the budget: as much as that fits"
    assert choose_block(table, 502) == "none", "neither fits: what is over the budget cannot be taken"
    assert choose_block(table, 499) == "none", "the plain network is what is left, though it is over the budget, too"
    table.loc[table["block"] == "eca", "parameters"] = 950
    assert choose_block(table, 920) == "se", "only SE fits"
    assert choose_block(table, 1000) == "se", "both fit, and SE has fewer parameters here: neither name nor order decides"


# %%
def test_a_lead_is_of_one_seed_and_the_cheapest_need_not_have_one(choose_block):
    import pandas as pd

    made = {"none": ([0.40, 0.60, 0.50], 500), "eca": ([0.40, 0.61, 0.49], 503), "se": ([0.42, 0.625, 0.52], 900)}
    rows = [(name, seed, one, size) for name, (scores, size) in made.items() for seed, one in enumerate(scores)]
    table = pd.DataFrame(rows, columns=["block", "seed", "accuracy", "parameters"])
    assert choose_block(table, 1000) == "se", "ECA is the cheaper one, and does not lead"
    turned = pd.concat([table[table["block"] != "se"], table[table["block"] == "se"][::-1]])
    assert choose_block(turned, 1000) == "se", "rows come in any order: subtract what has the same seed"


# %%
def test_more_than_twice_the_error_of_the_mean_lead(choose_block):
    import pandas as pd

    def table(eca):
        made = {"none": ([0.40, 0.50], 500), "eca": (eca, 503)}
        rows = [(name, seed, one, size) for name, (scores, size) in made.items() for seed, one in enumerate(scores)]
        return pd.DataFrame(rows, columns=["block", "seed", "accuracy", "parameters"])

    hint = "ECA leads by 2.4 points, twice the standard error of the mean is 2.0: that is more"
    assert choose_block(table([0.434, 0.514]), 600) == "eca", hint
    assert choose_block(table([0.37, 0.472]), 600) == "none", "ECA is behind for each seed: that is no lead, however sure"
    assert choose_block(table([0.40, 0.50]), 600) == "none", "ECA is as good for each seed: 0 is not more than twice 0"


# %%
def test_luck_earns_nothing(choose_block):
    import pandas as pd

    made = {"none": [0.50, 0.54, 0.52], "eca": [0.62, 0.52, 0.53], "se": [0.52, 0.57, 0.545]}
    rows = [(name, seed, one, 500) for name, scores in made.items() for seed, one in enumerate(scores)]
    table = pd.DataFrame(rows, columns=["block", "seed", "accuracy", "parameters"])
    assert choose_block(table, 600) == "se", "ECA has the higher mean by one seed alone; SE leads for each seed"
    assert choose_block(table[table["block"] != "se"], 600) == "none", "one lucky seed is no lead"
    rows = [("none", 0, 0.40, 500), ("none", 1, 0.40, 500), ("eca", 0, 0.43, 503), ("eca", 1, 0.408, 503)]
    table = pd.DataFrame(rows, columns=["block", "seed", "accuracy", "parameters"])
    assert choose_block(table, 600) == "none", "ECA leads by 1.9 points, twice the standard error is 2.2: the deviation has n - 1"


# %%
def test_of_one_seed_nobody_knows(choose_block):
    import pandas as pd

    rows = [("none", 0, 0.40, 500), ("eca", 0, 0.90, 503)]
    table = pd.DataFrame(rows, columns=["block", "seed", "accuracy", "parameters"])
    hint = "one seed has no standard error, and what is not a number is neither more nor less: it earns nothing"
    assert choose_block(table, 600) == "none", hint


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %%
print("for this network, and these three seeds:", choose_block(results, 10_000))

# %% [markdown]
# **To take along.** Three seeds of a small network are not much; what would you run before you put attention into a paper's
# title? Where a network is pruned afterwards, which of the two would you rather have? Your teacher has TinyFER-Lite's own
# ablation, with and without ECA: `03_tinyfer_lite`.
