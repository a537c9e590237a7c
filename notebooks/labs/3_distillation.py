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
# name: 3_distillation
# export_cell: false
# generate: true
# strip_solutions_from_all_cells: true
# tests:
#   ok_format: false

# %% [markdown]
# # Lab 3 · Distillation and temperature
#
# A small student learns from a large teacher, at a temperature that softens what the teacher says. MicroExpNet tries seven
# temperatures and reports the best. You write its loss (equation 2), search for a temperature as it does, and find that
# the search hardly turned the knob that it seems to turn. At the end you decide whether a search pays.
#
# The faces are rendered (`synthfer`): no score here compares with a published one. What `fercore` has of distillation is not
# allowed, and the grader refuses to import it; NumPy and PyTorch are. Some questions have a further test that is not shown.

# %%
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from IPython.display import display

from fercore import datasets
from fercore.labs import practice

faces = datasets.load("synthfer", images=2500)
images, labels = practice.inputs(faces.pixels), torch.tensor(faces.labels)
train, select = faces.rows("train"), faces.rows("select")

# %%
teacher = practice.train(images[train], labels[train], 7, epochs=14, width=16)
told = practice.logits(teacher, images[train])
right = (practice.logits(teacher, images[select]).argmax(1) == labels[select]).float().mean()
print(f"the teacher is right on {right:.0%} of PublicTest, on {(told.argmax(1) == labels[train]).float().mean():.0%} of Training")

# %% [markdown]
# ## What a teacher knows beside the answer

# %% [raw]
# # BEGIN QUESTION
# name: soften
# points: 2
# all_or_nothing: true

# %% [markdown]
# **Find out** what temperature does to a teacher's answer. Write `soften(logits, temperature)`: the softmax over the classes
# of the logits (N, C) divided by the temperature, a tensor (N, C). Is that the same as dividing the probabilities?


# %%
def soften(logits, temperature):
    return (logits / temperature).softmax(1)  # SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_it_is_the_logits_that_are_divided(soften):
    import numpy as np
    import torch

    logits = torch.tensor([[16.0, 1.0]]).log()
    assert np.allclose(soften(logits, 2.0), [[4 / 5, 1 / 5]]), "the root of 16 to 1: 4 to 1 at temperature 2"
    hint = "temperature 1 is the plain softmax; `logits /= temperature` changes the logits for whoever asks next"
    assert np.allclose(soften(logits, 1.0), [[16 / 17, 1 / 17]]), hint


# %%
def test_each_image_by_itself(soften):
    import numpy as np
    import torch

    found = soften(torch.tensor([[5.0, 0, 0], [100, 0, -100]]), 5.0)
    assert np.allclose(found.sum(1), 1), "each row is a distribution over classes"
    assert np.isclose(found[0, 0], np.e / (np.e + 2)), "rows do not mix"
    hint = "the exponential of 300 is infinite: take softmax, or subtract the largest logit of each image first"
    assert np.allclose(soften(torch.tensor([[300.0, 0], [1, 1]]), 1.0), [[1, 0], [0.5, 0.5]]), hint


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [raw]
# # BEGIN QUESTION
# name: entropy
# points: 2
# all_or_nothing: true

# %% [markdown]
# **Find out** how much is left open. Write `entropy(shares)`: for distributions (N, C) the entropy of each in *bits*, (N,),
# where $0 \log 0$ is 0. **Guess** the teacher's mean entropy at temperatures 1, 4 and 20; seven equal classes have 2.81 bits.


# %%
def entropy(shares):
    return -torch.special.xlogy(shares, shares).sum(1) / np.log(2)  # SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_equal_shares(entropy):
    import numpy as np
    import torch

    found = entropy(torch.tensor([[0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25]]))
    assert np.isfinite(found).all(), "0 log 0 is 0, and not NaN"
    assert np.allclose(found, [1, 2]), "two equal classes are 1 bit, four are 2: the logarithm to base 2"


# %%
def test_unequal_shares(entropy):
    import numpy as np
    import torch

    found = entropy(torch.tensor([[1.0, 0, 0], [0.7, 0.2, 0.1]]))
    by_hand = -sum(p * np.log2(p) for p in (0.7, 0.2, 0.1))
    assert np.allclose(found, [0, by_hand], atol=1e-6), "the sum of -p log p over the classes of an image"


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %%
import matplotlib.pyplot as plt

temperatures = (1, 2, 4, 8, 16, 20)
bits = {t: entropy(soften(told, t)).mean().item() for t in temperatures}
print(", ".join(f"temperature {t}: {value:.2f} bits" for t, value in bits.items()))
figure, axes = plt.subplots(1, 3, figsize=(10, 2.4), sharey=True)
axes[0].set_ylabel("share")
for axis, t in zip(axes, (1, 4, 20), strict=True):
    axis.bar(faces.classes, soften(told[:1], t)[0].numpy())
    axis.set_title(f"one image, temperature {t}")
    axis.tick_params(axis="x", rotation=60)

# %% [raw]
# # BEGIN QUESTION
# name: kd_loss
# points: 3
# all_or_nothing: true

# %% [markdown]
# ## The loss
#
# **Find out** how MicroExpNet weighs teacher and label. Its equation 2 is
# $\lambda\, H(p^T, q^T) + (1 - \lambda)\, H(y, q)$: cross-entropy $H$ of the student's softened shares $q^T$ with the teacher's
# $p^T$, and of its plain shares with the label. Write `kd_loss(student, teacher, target, temperature, weight)` for logits
# (N, C) and labels (N,), the mean over the batch; `weight` is $\lambda$. No gradient may reach the teacher.


# %%
def kd_loss(student, teacher, target, temperature, weight):
    # BEGIN SOLUTION
    shares = (teacher.detach() / temperature).softmax(1)
    soft = -(shares * F.log_softmax(student / temperature, 1)).sum(1).mean()
    return weight * soft + (1 - weight) * F.cross_entropy(student, target)
    # END SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_weight_0_is_the_label_alone(kd_loss):
    import numpy as np
    import torch
    import torch.nn.functional as F

    draw = torch.Generator().manual_seed(0)
    student, teacher = (3 * torch.randn(6, 4, generator=draw) for _ in range(2))
    target = torch.tensor([0, 1, 2, 3, 0, 1])
    found = kd_loss(student, teacher, target, 5.0, 0.0)
    assert np.isclose(found, F.cross_entropy(student, target)), "weight is the teacher's; the label's term is not softened"


# %%
def test_weight_1_is_the_teacher_alone(kd_loss):
    import numpy as np
    import torch

    student, teacher = torch.tensor([[0.0, 0.0]]), torch.tensor([[4.0, 0.0]])
    found = kd_loss(student, teacher, torch.tensor([0]), 2.0, 1.0).item()
    assert np.isclose(found, np.log(2)), "cross-entropy with an undecided student is log 2: no T^2, and not the divergence"
    student = torch.tensor([[2.0, 0.0]])
    p, q = (1 / (1 + np.exp(-value / 2)) for value in (4, 2))
    found = kd_loss(student, teacher, torch.tensor([1]), 2.0, 1.0).item()
    assert np.isclose(found, -p * np.log(q) - (1 - p) * np.log(1 - q)), "both are softened by the temperature"


# %%
def test_it_is_the_mean_over_the_batch(kd_loss):
    import numpy as np
    import torch

    draw = torch.Generator().manual_seed(2)
    student, teacher = (3 * torch.randn(5, 3, generator=draw) for _ in range(2))
    target = torch.tensor([0, 1, 2, 0, 1])
    for weight in (1.0, 0.4):
        single = [kd_loss(student[k : k + 1], teacher[k : k + 1], target[k : k + 1], 4.0, weight).item() for k in range(5)]
        found = kd_loss(student, teacher, target, 4.0, weight).item()
        assert np.isclose(found, np.mean(single)), "both terms are means over all images of the batch, and sums over classes"


# %%
def test_the_teacher_is_not_trained(kd_loss):
    import torch

    student, teacher = (torch.tensor([[1.0, 2.0, 0.0]], requires_grad=True) for _ in range(2))
    kd_loss(student, teacher, torch.tensor([1]), 3.0, 0.5).backward()
    assert student.grad is not None and student.grad.abs().sum() > 0, "the student learns"
    assert teacher.grad is None, "detach the teacher's logits"


# %%
def test_the_student_learns_from_both(kd_loss):
    import numpy as np
    import torch

    p, q, plain = (1 / (1 + np.exp(-value)) for value in (2, 1, 2))
    for weight, slope in ((1.0, (q - p) / 2), (0.0, plain)):
        student, teacher = torch.tensor([[2.0, 0.0]], requires_grad=True), torch.tensor([[4.0, 0.0]])
        kd_loss(student, teacher, torch.tensor([1]), 2.0, weight).backward()
        hint = "both terms have a gradient with respect to the student, (q - p) / T and q - y: only the teacher is detached"
        assert np.isclose(student.grad[0, 0], slope), hint


# %%
def test_it_stays_finite(kd_loss):
    import numpy as np
    import torch

    student = torch.tensor([[300.0, 0.0]], requires_grad=True)
    loss = kd_loss(student, torch.zeros(1, 2), torch.tensor([0]), 1.0, 1.0)
    loss.backward()
    assert np.isclose(loss.item(), 150), "log(softmax) of large logits is -inf: take log_softmax"
    assert torch.isfinite(student.grad).all(), "the gradient is not a number: work with log q, not with the log of q"


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# ## The search
#
# A student of a quarter of the teacher's width: from labels alone, and with the teacher's help. **Guess** which temperature
# helps most, and by how many points.

# %%
TRIED, SEEDS = (1, 4, 16), (0, 1)


def student(loss, seed):
    """Accuracy on PublicTest of a student trained with `loss(logits, label, teacher's logits)`."""
    net = practice.train(images[train], (labels[train], told), 7, loss, epochs=8, seed=seed, width=4)
    return (practice.logits(net, images[select]).argmax(1) == labels[select]).float().mean().item()


def at(temperature, weight=0.5):
    return lambda logits, target, told: kd_loss(logits, told, target, temperature, weight)


# %%
found = {"labels alone": [student(lambda logits, target, told: F.cross_entropy(logits, target), seed) for seed in SEEDS]}
found |= {f"temperature {t}": [student(at(t), seed) for seed in SEEDS] for t in TRIED}
display(pd.DataFrame(found, [f"seed {seed}" for seed in SEEDS]).T.round(3))

# %% [markdown]
# Look at how far two seeds of one row are apart. Is there anything here that is larger? Then what did the search search?

# %% [raw]
# # BEGIN QUESTION
# name: teacher_share
# points: 3
# all_or_nothing: true

# %% [markdown]
# ## The cause
#
# **Find out** how much of what the student learns is the teacher's. An undecided student has equal logits, hence equal
# shares $q = 1/C$. The gradient of the softened term with respect to its logits is $\frac{\lambda}{T}(q - p^T)$ for an image,
# that of the label's term $(1 - \lambda)(q - y)$, with $y$ as 0 and 1. Write
# `teacher_share(teacher, target, temperature, weight)`: the mean over the images of the norm of the first, divided by the sum
# of the mean norms of both. **Guess** it at $\lambda = 0.5$ for temperatures 1, 4 and 16.


# %%
def teacher_share(teacher, target, temperature, weight):
    # BEGIN SOLUTION
    equal = 1 / teacher.shape[1]
    soft = weight / temperature * (equal - (teacher / temperature).softmax(1)).norm(dim=1).mean()
    hard = (1 - weight) * (equal - F.one_hot(target, teacher.shape[1])).norm(dim=1).mean()
    return (soft / (soft + hard)).item()
    # END SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_a_certain_teacher_at_temperature_1_counts_like_the_label(teacher_share):
    import numpy as np
    import torch

    teacher, target = torch.tensor([[50.0, 0, 0], [0, 0, 50]]), torch.tensor([0, 2])
    assert np.isclose(teacher_share(teacher, target, 1.0, 0.5), 0.5), "it says what the label says: half and half"
    assert np.isclose(teacher_share(teacher, target, 1.0, 0.8), 0.8), "lambda 0.8 is the teacher's part"


# %%
def test_temperature_acts_twice(teacher_share):
    import numpy as np
    import torch

    teacher, target = torch.tensor([[200.0, 0]]), torch.tensor([0])
    hint = "as certain as the label at temperature 4, too, but the gradient is divided by 4: 1/4 to 1"
    assert np.isclose(teacher_share(teacher, target, 4.0, 0.5), 0.2), hint
    assert teacher.tolist() == [[200, 0]], "divide into a new tensor: `/=` changes the teacher for whoever asks next"


# %%
# HIDDEN
def test_it_is_the_share_of_the_gradients_of_the_loss(teacher_share):
    import numpy as np
    import torch
    import torch.nn.functional as F

    draw = torch.Generator().manual_seed(1)
    teacher, target = 4 * torch.randn(5, 3, generator=draw), torch.tensor([0, 1, 2, 0, 1])
    for temperature, weight in ((2.0, 0.5), (10.0, 0.7)):
        norms = []
        for part in (0, 1):
            student = torch.zeros(5, 3, requires_grad=True)
            shares = (teacher / temperature).softmax(1)
            soft = -(shares * F.log_softmax(student / temperature, 1)).sum()
            (weight * soft if part == 0 else (1 - weight) * F.cross_entropy(student, target, reduction="sum")).backward()
            norms.append(student.grad.norm(dim=1).mean().item())
        found = teacher_share(teacher, target, temperature, weight)
        hint = "temperature acts twice: it flattens p, and it divides the gradient"
        assert np.isclose(found, norms[0] / sum(norms), rtol=1e-4), hint


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %%
parts = {t: teacher_share(told, labels[train], t, 0.5) for t in temperatures}
print("the teacher's share of the gradient:", ", ".join(f"{part:.1%} at {t}" for t, part in parts.items()))

# %% [markdown]
# At a high temperature the student hardly hears the teacher: the share falls about as $1/T^2$. That is why Hinton, Vinyals and
# Dean multiply the softened term by $T^2$; MicroExpNet's equation does not. Searching over temperatures searched over how
# much distillation there is.
#
# ## And the best of many
#
# Here are accuracies of a student on six folds at seven temperatures, drawn at random around one and the same 60 %: no
# temperature is better than any other.

# %%
draw = np.random.default_rng(3)
luck = pd.DataFrame(0.6 + 0.03 * draw.standard_normal((7, 6)), [1, 2, 4, 8, 16, 32, 64]).rename_axis("temperature")
print(f"the best temperature: {luck.mean(axis=1).idxmax()}, {luck.mean(axis=1).max():.3f}")

# %% [raw]
# # BEGIN QUESTION
# name: chosen_elsewhere
# points: 3
# all_or_nothing: true

# %% [markdown]
# **Find out** what a search is worth where it was not made. Write `chosen_elsewhere(accuracy)`: for an array (temperatures,
# folds), at each fold the accuracy of the temperature that is best *on the mean of the other folds*, an array (folds,).


# %%
def chosen_elsewhere(accuracy):
    # BEGIN SOLUTION
    accuracy = np.asarray(accuracy, float)
    folds = range(accuracy.shape[1])
    return np.array([accuracy[np.delete(accuracy, fold, 1).mean(1).argmax(), fold] for fold in folds])
    # END SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_what_is_reported_did_not_choose(chosen_elsewhere):
    import numpy as np

    accuracy = np.array([[0.9, 0.4, 0.4], [0.5, 0.6, 0.6]])
    found = np.asarray(chosen_elsewhere(accuracy))
    assert found.shape == (3,), "one accuracy a fold"
    hint = "on folds 2 and 3 the second row is best: it is what fold 1 gets, though the first row is better there"
    assert np.isclose(found[0], 0.5), hint
    assert np.allclose(found[1:], [0.4, 0.4]), "without fold 2, the first row has (0.9 + 0.4) / 2, the second 0.55"


# %%
def test_a_temperature_that_is_best_everywhere_is_chosen_everywhere(chosen_elsewhere):
    import numpy as np

    accuracy = np.array([[0.1, 0.2, 0.3, 0.2], [0.7, 0.8, 0.6, 0.9], [0.5, 0.5, 0.5, 0.5]])
    assert np.allclose(chosen_elsewhere(accuracy), accuracy[1]), "the second row is best on any three folds"


# %%
def test_the_mean_of_the_other_folds_chooses(chosen_elsewhere):
    import numpy as np

    accuracy = np.array([[0.2, 0.9, 0.3, 0.3], [0.3, 0.7, 0.7, 0.1], [0.4, 0.6, 0.6, 0.6]])
    hint = "on folds 2 to 4 the first row has the best fold, the second the best median, and the third the best mean"
    assert np.isclose(np.asarray(chosen_elsewhere(accuracy))[0], 0.4), hint


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %%
print(f"best of seven: {luck.mean(axis=1).max():.3f}; chosen on other folds: {np.mean(chosen_elsewhere(luck.to_numpy())):.3f}; truth: 0.600")

# %% [raw]
# # BEGIN QUESTION
# name: pays
# points: 3
# all_or_nothing: true

# %% [markdown]
# ## The decision
#
# **Find out** whether a search over temperatures pays. Write `pays(accuracy, one)` for an array (temperatures, folds) and the
# row number `one` of the temperature that you would take without a search: True where the accuracy chosen on other folds
# is better than that row's, fold by fold, by more than twice the standard error of the mean difference.


# %%
def pays(accuracy, one):
    # BEGIN SOLUTION
    accuracy = np.asarray(accuracy, float)
    gain = chosen_elsewhere(accuracy) - accuracy[one]
    return bool(gain.mean() > 2 * gain.std(ddof=1) / len(gain) ** 0.5)
    # END SOLUTION


# %% [raw]
# # BEGIN TESTS


# %%
def test_a_temperature_that_is_better_everywhere_pays(pays):
    import numpy as np

    accuracy = np.array([[0.50, 0.60, 0.40, 0.55], [0.56, 0.65, 0.47, 0.61], [0.3, 0.3, 0.3, 0.3]])
    assert pays(accuracy, 0), "the second row is 5 to 7 points ahead on every fold"
    assert not pays(accuracy, 1), "that row is what you would have taken anyhow: nothing is gained"
    accuracy = np.array([[0.5, 0.5, 0.5], [0.53, 0.504, 0.51]])
    assert not pays(accuracy, 0), "1.47 points are gained, twice the standard error is 1.57: the deviation has n - 1"
    accuracy = 0.7 - 0.5 * np.eye(5, 4, -1)
    accuracy[0] = 0.55
    assert not pays(accuracy, 0), "each fold gets a row that fails on it alone: what is surely lost does not pay either"
    hint = "2.4 points are gained, twice the standard error of the mean is 2.0: that is more"
    assert pays(np.array([[0.5, 0.6], [0.534, 0.614]]), 0), hint


# %%
def test_luck_does_not_pay(pays):
    import numpy as np

    draw = np.random.default_rng(0)
    tries = [bool(pays(0.6 + 0.03 * draw.standard_normal((7, 6)), 0)) for _ in range(200)]
    assert sum(tries) < 30, "where all temperatures are alike, a search seems to pay in one case of twenty, and no more"


# %%
# HIDDEN
def test_one_fold_is_not_enough(pays):
    import numpy as np

    accuracy = np.array([[0.5, 0.5, 0.5, 0.5], [0.9, 0.5, 0.5, 0.52]])
    assert not pays(accuracy, 0), "one fold makes the whole gain: its standard error is as large"


# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %%
print("does a search among temperatures that are all alike pay?", pays(luck.to_numpy(), 0))

# %% [markdown]
# **To take along.** Which temperature, weight and factor would you write into a recipe, and would you search? Your teacher has
# the notebook that repeats MicroExpNet's own grid on folds without common faces, `05_kd_temperature_grid`.
