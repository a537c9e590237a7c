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
# name: 6_quantisation
# export_cell: false
# generate: true
# strip_solutions_from_all_cells: true
# tests:
#   ok_format: false

# %% [markdown]
# # Lab 6 · Quantisation, and what INT8 costs
#
# Light-FER prints equations for weights in few bits, announces INT8 and reports no result of it. You write equations 2 to 4, put
# them into a network that works, and the network is broken: weights have changed their sign. You find out which, mend the
# equations, work out what INT8 costs in bytes and in accuracy, and decide how few bits would do.
#
# The faces are rendered (`synthfer`): no score here compares with a published one. NumPy and PyTorch are allowed;
# `torch.quantization` and what `fercore` has of compression are not. Some questions have a further test that is not shown.

# %%
import copy

import numpy as np
import pandas as pd
import torch
from IPython.display import display

from fercore import datasets
from fercore.labs import practice

faces = datasets.load("synthfer", images=2500)
images, labels = practice.inputs(faces.pixels), torch.tensor(faces.labels)
train, select = faces.rows("train"), faces.rows("select")  # bits are chosen below, and the split that tests chooses nothing
network = practice.train(images[train], labels[train], 7, epochs=14, width=12)


# %%
def accuracy(network):
    return (practice.logits(network, images[select]).argmax(1) == labels[select]).float().mean().item()


def with_weights(change, whole=False):
    """The network with the weights of each output channel, or of each layer as a `whole`, replaced by `change` of them."""
    changed = copy.deepcopy(network)
    for layer in changed:
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            old = layer.weight.detach().numpy().astype(float)
            new = change(old) if whole else np.stack([change(channel) for channel in old])
            layer.weight.data = torch.tensor(new, dtype=torch.float32)
    return changed


print(f"in 32 bits: {accuracy(network):.0%} of PublicTest")

# %% [raw]
# # BEGIN QUESTION
# name: printed
# points: 2
# all_or_nothing: true

# %% [markdown]
# ## As it is printed
#
# The equations: $W_b = \mathrm{round}(S_b W)$, with $S_b = (2^b - 1) / (2 M)$ and $M$ the largest absolute value of $W$. (The paper
# adds bounds, $\pm(2^b - 1) / 2$: for 8 bits 127.5, which is no whole number. Leave them out; what they hide comes out below.)
# **Find out** what they give. Write `printed(weights, bits)`: the rounded numbers, still as floats (`np.rint`), of the shape of
# `weights`, and the scale $S_b$.


# %%
def printed(weights, bits):
    # BEGIN SOLUTION
    scale = (2**bits - 1) / (2 * np.abs(weights).max())
    return np.rint(scale * weights), scale
    # END SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_the_scale(printed):
    import numpy as np

    _, scale = printed(np.array([0.5, -2.0, 1.0]), 8)
    assert np.isclose(scale, 255 / 4), "the largest absolute value is 2, though it is negative: (256 - 1) / (2 x 2)"
    assert np.isclose(printed(np.array([0.5, -2.0, 1.0]), 4)[1], 15 / 4), "the scale depends on the bits"


# %%
def test_rounding(printed):
    import numpy as np

    numbers, _ = printed(np.array([[1.0, 0.0], [0.499, -0.25]]), 4)
    assert np.asarray(numbers).shape == (2, 2), "the shape stays"
    assert np.allclose(numbers, [[8, 0], [4, -2]]), "the nearest whole number, not the one below: 7.5 x 0.499 is 3.74"
    hint = "np.rint takes 127.5 to 128 and -127.5 to -128, and floats hold both: as np.int8 128 would turn into -128"
    assert list(printed(np.array([1.0, -1.0]), 8)[0]) == [128, -128], hint


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# Eight bits hold whole numbers from -128 to 127: `np.int8`. Each output channel gets a scale of its own, as runtimes have it.
# **Guess** what the network is worth with these weights.

# %%
def stored(weights):
    numbers, scale = printed(weights, 8)
    return numbers.astype(int).astype(np.int8) / scale


print(f"in 32 bits: {accuracy(network):.0%}; as printed, in INT8: {accuracy(with_weights(stored)):.0%}")
before, after = network[-1].weight.detach(), with_weights(stored)[-1].weight.detach()
for row, column in (before * after < 0).nonzero().tolist():
    print(f"last layer, weight {row}, {column}: {before[row, column]:+.3f} has become {after[row, column]:+.3f}")

# %% [raw]
# # BEGIN QUESTION
# name: overflowing
# points: 2
# all_or_nothing: true

# %% [markdown]
# ## The cause
#
# **Find out** which weights that hits, whatever the bits. $b$ bits hold $-2^{b-1}$ to $2^{b-1} - 1$. Write
# `overflowing(weights, bits)`: True for each weight whose number, by `printed`, does not fit. Which weight should come out at
# $(2^b - 1) / 2$, and what does rounding make of it? Is it the same for the largest negative one?


# %%
def overflowing(weights, bits):
    # BEGIN SOLUTION
    numbers, _ = printed(weights, bits)
    return (numbers > 2 ** (bits - 1) - 1) | (numbers < -(2 ** (bits - 1)))
    # END SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_the_largest_weight_does_not_fit(overflowing):
    import numpy as np

    found = overflowing(np.array([1.0, 0.2, -1.0, 0.9]), 8)
    assert list(found) == [True, False, False, False], "127.5 becomes 128, one too many; -127.5 becomes -128, which fits"


# %%
def test_it_depends_on_the_bits(overflowing):
    import numpy as np

    weights = np.array([[1.0, 0.98, 0.99], [-1.0, 0.5, 0.996]])
    found = np.asarray(overflowing(weights, 6))
    assert found.shape == weights.shape, "True or False for each weight"
    assert found.sum() == 1 and found[0, 0], "6 bits hold -32 to 31: 0.996 becomes 31.37, hence 31, and fits; 1 does not"
    assert np.asarray(overflowing(weights, 8)).tolist() == [[True, False, False], [False, False, False]], "8 bits: -128 to 127"
    found = np.asarray(overflowing(np.array([0.5, -2.0, 1.99]), 8))
    assert not found.any(), "where the largest weight is negative, all fit: 1.99 becomes 126.86, hence 127"


# %%
def test_it_is_the_number_that_does_not_fit(overflowing):
    import numpy as np

    draw = np.random.default_rng(0)
    for bits in (3, 4, 8) * 50:
        weights = draw.standard_normal(9)
        weights /= np.abs(weights).max()  # the largest is 1: in whatever order it is worked out, the product is exact
        expected = (np.rint((2**bits - 1) / 2 * weights) > 2 ** (bits - 1) - 1).tolist()
        assert np.asarray(overflowing(weights, bits)).tolist() == expected, f"{bits} bits hold up to {2 ** (bits - 1) - 1}"


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# Half a step too much in the equation, and in nearly each channel whose largest weight is positive that weight turns round, the
# weight that matters most. (It is spared where the last binary digit of the product falls short of the half.) Where a store saturates instead, nothing shows; where it wraps around, as in NumPy and in C, the
# network is broken.

# %% [raw]
# # BEGIN QUESTION
# name: quantise
# points: 3
# all_or_nothing: true

# %% [markdown]
# **Mend it.** Write `quantise(weights, bits)` with the scale $(2^{b-1} - 1) / M$, so that the numbers go from $-(2^{b-1} - 1)$ to
# $2^{b-1} - 1$: the numbers as `np.int8` (bits are 8 at most), and the scale. A tensor of zeros has the scale 1. Then
# `numbers / scale` is nearly what it was; how far off at most?


# %%
def quantise(weights, bits):
    # BEGIN SOLUTION
    largest = np.abs(weights).max()
    scale = (2 ** (bits - 1) - 1) / largest if largest else 1.0
    return np.rint(scale * weights).astype(np.int8), scale
    # END SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_the_ends_fit_on_both_sides(quantise):
    import numpy as np

    for bits, end in ((8, 127), (4, 7), (2, 1)):
        numbers, _ = quantise(np.array([3.0, -3.0, 0.0]), bits)
        assert np.asarray(numbers).dtype == np.int8, "the numbers are stored as np.int8"
        assert list(numbers) == [end, -end, 0], f"{bits} bits go from {-end} to {end}, and 0 stays 0"


# %%
def test_nothing_is_further_off_than_half_a_step(quantise):
    import numpy as np

    weights = np.random.default_rng(0).standard_normal((20, 30))
    for bits in (8, 5):
        numbers, scale = quantise(weights, bits)
        error = np.abs(numbers / scale - weights).max()
        assert error <= 0.5 / scale + 1e-12, "round to the nearest number; cutting off is up to a whole step off"
        assert np.isclose(scale, (2 ** (bits - 1) - 1) / np.abs(weights).max()), "use all of the range that there is"


# %%
def test_zeros(quantise):
    import numpy as np

    numbers, scale = quantise(np.zeros(3), 8)
    assert list(numbers) == [0, 0, 0] and scale == 1, "no weight is largest: do not divide by 0"
    assert np.asarray(numbers).dtype == np.int8, "zeros are stored as np.int8, too"


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %%
def restored(weights, bits):
    numbers, scale = quantise(weights, bits)
    return numbers / scale


print(f"in 32 bits: {accuracy(network):.1%}; mended, in INT8: {accuracy(with_weights(lambda w: restored(w, 8))):.1%}")

# %% [markdown]
# ## How few bits?
#
# **Guess** how many bits a weight needs before this network loses five points.

# %%
tried = (8, 6, 5, 4, 3, 2)
found = {
    name: {bits: accuracy(with_weights(lambda w, bits=bits: restored(w, bits), whole)) for bits in tried}
    for name, whole in (("one scale a channel", False), ("one scale a layer", True))
}
display(pd.DataFrame(found).rename_axis("bits").T.round(3))

# %% [markdown]
# One large weight makes the steps of everything coarse that shares its scale: hence a scale for each channel.

# %% [raw]
# # BEGIN QUESTION
# name: size
# points: 3
# all_or_nothing: true

# %% [markdown]
# ## What does it cost, and what does it save?
#
# A quarter of 32 bits is 8; is the file a quarter? **Find out.** Write `size(network, bits)`: the bytes of a network whose
# `nn.Conv2d` and `nn.Linear` keep their `weight` in `bits` bits a number, with a scale of 4 bytes for each output channel,
# and every other floating-point number of `state_dict()` (biases, batch normalisation) in 4 bytes. With `bits` 32 there are no
# scales. Each tensor's weights are packed, and rounded up to whole bytes.


# %%
def size(network, bits):
    # BEGIN SOLUTION
    kinds = (torch.nn.Conv2d, torch.nn.Linear)
    packed = {f"{name}.weight".lstrip(".") for name, layer in network.named_modules() if isinstance(layer, kinds)}
    total = 0
    for name, values in network.state_dict().items():
        if name in packed:
            total += -(-values.numel() * bits // 8) + 4 * len(values) * (bits < 32)
        elif values.is_floating_point():
            total += 4 * values.numel()
    return total
    # END SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_one_layer_by_hand(size):
    import torch

    layer = torch.nn.Sequential(torch.nn.Linear(10, 3))
    assert size(layer, 32) == 4 * 33, "30 weights and 3 biases of 4 bytes, no scales"
    assert size(layer, 8) == 30 + 12 + 12, "30 weights of a byte, 3 scales and 3 biases of 4 bytes"
    assert size(layer, 3) == 12 + 12 + 12, "90 bits are 12 bytes, rounded up"


# %%
def test_batch_normalisation_stays_in_floats(size):
    import torch

    layers = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3, bias=False), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))
    assert size(layers, 32) == 4 * (72 + 16 + 8 + 2), "weight, bias, mean and variance of 4 channels; no integer counter"
    assert size(layers, 8) == 72 + 16 + 4 * 16 + 8 + 8 + 8, "its `weight` is no convolution's: it stays in floats"
    layers = torch.nn.Sequential(torch.nn.Embedding(5, 3), torch.nn.Linear(3, 2, bias=False))
    assert size(layers, 8) == 60 + 6 + 8, "an embedding's `weight` has two dimensions, and is no linear layer's: in floats"


# %%
def test_layers_wherever_they_are_each_rounded_by_itself(size):
    from torch import nn

    layers = nn.Sequential(nn.Sequential(nn.Linear(3, 1, bias=False), nn.ReLU()), nn.Linear(3, 1, bias=False))
    assert size(layers, 8) == 2 * (3 + 4), "a layer within a block is a layer: ask `named_modules`"
    assert size(layers, 3) == 2 * (2 + 4), "9 bits are two bytes, for each tensor: not 18 bits in three"
    layer = nn.Sequential(nn.Linear(9, 4, bias=False))
    assert size(layer, 3) == 14 + 16, "108 bits of a tensor are 14 bytes: not 4 channels of 4 bytes each"


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %%
print(", ".join(f"{bits} bits: {size(network, bits):,} bytes" for bits in (32, *tried)))
print(f"INT8 is {size(network, 32) / size(network, 8):.2f} times smaller; Light-FER says more than half")

# %% [raw]
# # BEGIN QUESTION
# name: product
# points: 3
# all_or_nothing: true

# %% [markdown]
# Smaller is not faster: weights that are restored before they are multiplied save nothing but bytes. What is fast is to
# multiply and sum the whole numbers, and not floats. **Find out** what that takes. Write
# `product(inputs, input_scale, weights, weight_scale)`: inputs (n, in) and weights (out, in), both `np.int8` with their
# scales, a number each; the real numbers (n, out) that `inputs @ weights.T` stands for. What is 127 times 127, summed a
# thousand times, and what does NumPy make of it in int8?


# %%
def product(inputs, input_scale, weights, weight_scale):
    return inputs.astype(np.int32) @ weights.T.astype(np.int32) / (input_scale * weight_scale)  # SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_sums_do_not_overflow(product):
    import numpy as np

    inputs, weights = np.full((1, 1000), 127, np.int8), np.full((2, 1000), 127, np.int8)
    weights[1] = -127
    found = product(inputs, 1.0, weights, 1.0)
    assert np.allclose(found, [[16_129_000, -16_129_000]]), "sums of products need 32 bits: turn both into np.int32 first"
    full = np.full((1, 1041), 127, np.int8)
    hint = "this sum is odd and beyond 2**24, which no float of 32 bits holds: multiply and sum whole numbers"
    assert np.asarray(product(full, 1.0, full, 1.0), float).item() == 16_790_289, hint


# %%
def test_both_scales_count(product):
    import numpy as np

    draw = np.random.default_rng(0)
    x, w = draw.standard_normal((5, 40)), draw.standard_normal((3, 40))
    scales = 127 / np.abs(x).max(), 127 / np.abs(w).max()
    numbers = [np.rint(scale * part).astype(np.int8) for scale, part in zip(scales, (x, w), strict=True)]
    found = product(numbers[0], scales[0], numbers[1], scales[1])
    assert np.shape(found) == (5, 3), "a row an input, a column an output"
    assert np.abs(found - x @ w.T).max() < 0.2, "a number is its weight times a scale: divide by both of them"


# %%
# HIDDEN
def test_whole_numbers_are_multiplied(product):
    import numpy as np

    floats = []

    class Numbers(np.ndarray):  # sees what is done with it, and whether there are floats before the sums
        def astype(self, *given, **more):
            return noted(super().astype(*given, **more))

        def __array_ufunc__(self, ufunc, method, *given, **more):
            given = [noted(np.asarray(one)) for one in given]
            return noted(getattr(ufunc, method)(*given, **more))

    def noted(numbers):
        floats.append(numbers.dtype.kind == "f" and 7 in numbers.shape)
        return numbers

    inputs, weights = (np.ones((rows, 7), np.int8).view(Numbers) for rows in (2, 3))
    assert np.allclose(product(inputs, 2.0, weights, 4.0), 7 / 8), "seven products of 1/2 and 1/4"
    hint = "multiply and sum whole numbers, not floats, and divide the sums by both scales: not each number before"
    assert not any(floats), hint


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [raw]
# # BEGIN QUESTION
# name: fewest_bits
# points: 3
# all_or_nothing: true

# %% [markdown]
# ## The decision
#
# **Find out** how many bits to ship. Write `fewest_bits(accuracy, reference, allowed)`: `accuracy` is a dictionary from bits to
# accuracy, in any order, `reference` the accuracy in 32 bits. The fewest bits at which, *and at every larger number of bits that
# was tried*, no more than `allowed` is lost; None where there are none. Why "every larger"? What would it mean if 3 bits were as
# good as 32, and 4 were not?


# %%
def fewest_bits(accuracy, reference, allowed):
    # BEGIN SOLUTION
    fewest = None
    for bits in sorted(accuracy, reverse=True):
        if reference - accuracy[bits] > allowed:
            break
        fewest = bits
    return fewest
    # END SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_the_fewest_that_are_good_enough(fewest_bits):
    made = {4: 0.50, 8: 0.61, 2: 0.20, 6: 0.59}
    assert fewest_bits(made, 0.60, 0.0625) == 6, "6 bits lose one point, 4 lose ten"
    assert fewest_bits(made, 0.60, 0.125) == 4, "12.5 points may be lost"
    assert fewest_bits(made, 0.75, 0.0625) is None, "even 8 bits lose 14 points"
    assert fewest_bits({8: 0.75, 4: 0.5}, 0.75, 0.25) == 4, "as much as is allowed may be lost"


# %%
def test_a_lucky_number_of_bits_is_luck(fewest_bits):
    made = {8: 0.60, 6: 0.60, 5: 0.40, 4: 0.60, 3: 0.61}
    assert fewest_bits(made, 0.60, 0.02) == 6, "5 bits fail, so that 4 and 3 are right by accident"


# %%
# HIDDEN
def test_what_is_better_has_lost_nothing(fewest_bits):
    assert fewest_bits({8: 0.75, 4: 0.7}, 0.5, 0.01) == 4, "a gain is no loss: the difference has a sign"


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %%
for name, one in found.items():
    print(f"{name}: {fewest_bits(one, accuracy(network), 0.05)} bits lose no more than five points")

# %% [markdown]
# **To take along.** The activations were left in 32 bits here. What would you need to know of them before a product such as the
# one above can run on a phone? Which bits would you ship, and what would you measure first? (250 images: how large
# is the interval of an accuracy?)
