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

# %% [markdown]
# # 7 · Compression: what can be taken out of a network?
#
# Light-FER takes Xception, prunes it while it trains, halves the bits of its weights, and reports 69.87 % on FER2013. The paper
# prints the accuracy after all that and not before, nor how much was pruned, so that a reader cannot tell what compression
# costs. Here each step is taken by itself, on networks small enough to be trained again and again: bits, weights, channels, and
# integers throughout.
#
# **Guess, and write it down: of a hundred weights of a small network, how many can go before it loses a point of accuracy? And
# how much faster is it then?** (Lab 6 has you quantise one yourself.)
#
# The paper: A. M. Pascual, E. C. Valverde and others, *Light-FER: A Lightweight Facial Emotion Recognition System on Edge
# Devices*, Sensors 22 (2022), [doi:10.3390/s22239524](https://doi.org/10.3390/s22239524).

# %% tags=["parameters"]
data = ""  # a folder that fercore import has made; empty: a small rendered set
audit = ""  # where 01_data_audit has put its files; empty: copies are searched for here
params = "../params"  # with claims/, what the papers print
runs = ""  # where trained networks are saved and resumed from; empty: nowhere
out = ""  # where figures and tables go; empty: nowhere
profile = "quick"
networks = ["lean_250k"]
weights = ""  # fer2013: those that come with the project, not trained here. imagenet, or a file: what is started from
epochs = 4
fine_tuning = 1  # epochs while weights are, or after channels were, taken out; 0: nothing is trained on
batch_size = 64
img_size = 32  # px; of networks that come with the project, their own
learning_rate = 0.002
precision = "fp32"  # bf16 where the CPU has it
sparsities = [0.5, 0.8]
ratios = [0.3]  # of channels
bits = [8, 4, 2]
calibrated_on = 64  # training images for INT8
tested_on = 0  # images; 0: all
seconds = 0.3  # that each form is timed for
seed = 42

# %%
from IPython.display import Markdown, display

from fercore import datasets
from fercore.deployment import variants
from fercore.results.stage import Stage
from fercore.results.text import markdown

variants.require_some(networks=networks, bits=bits, sparsities=sparsities)
faces = datasets.load_imported(data) if data else datasets.load("synthfer", images=2000)
stage = Stage(out, faces, profile)
tested = faces.split_of("test")  # PrivateTest in FER2013
rows = faces.rows("test")[: tested_on or None]
display(Markdown(stage.about()))

# %% [markdown]
# ## A weight in eight bits, by hand
#
# Equations 2 to 4 of the paper: the greatest weight M gives the scale S = (2ᵇ - 1) / 2M, and every weight is multiplied by it,
# rounded, and kept within ±(2ᵇ - 1)/2. (The paper has the equations for FP16, too, but they give integers.) **How many different
# values can a weight still have, of 8 bits, 4, or 2?**

# %%
import pandas as pd
import torch

from fercore.deployment import compress
from fercore.reporting import deployment_sentences as sentences

weight = torch.tensor([-0.9, -0.31, -0.04, 0.0, 0.02, 0.11, 0.47, 0.9])
by_hand = pd.DataFrame({f"{number} bits": compress.quantise(weight, number).tolist() for number in bits})
by_hand.index = pd.Index([f"{value:.2f}" for value in weight.tolist()], name="weight")
display(by_hand, Markdown(f"**To see.** {sentences.values_left(by_hand)}"))

# %% [markdown]
# ## The networks, before anything is taken out
#
# Trained here, or those that come with the project, as the parameter `weights` says. `lean_250k` is this project's own residual
# network, of 229,911 parameters.

# %%
from fercore.deployment.variants import Variants
from fercore.evaluation import inference
from fercore.training import AUGMENTATIONS, Recipe

recipe = Recipe(
    epochs=epochs, batch_size=batch_size, img_size=img_size, augmentation=AUGMENTATIONS["flip"],
    learning_rate=learning_rate, schedule="cosine", warmup=0.5, loss="cross_entropy", class_weighted=False,
    bn_momentum=0.1, precision=inference.precision_here(precision), channels_last=True, seed=seed,
)
folder = runs and f"{runs}/07"
forms = {name: Variants.of(name, faces, rows, recipe, weights, folder, calibrated_on) for name in networks}

# %%
from fercore.reporting.sentences import percent, ranked
from fercore.results import tables

whole = pd.Series({name: one.accuracy() for name, one in forms.items()})
display(stage.says(
    f"On {len(rows):,} images of {markdown(tested)}, without TTA (no mirrored view): {ranked(whole)}. "
    f"Always naming the most frequent class gives {percent(pd.Series(faces.labels[rows]).value_counts(normalize=True).max())}."
))

# %% [markdown]
# ## Fewer bits
#
# Only the weights are rounded here, layer by layer, by the paper's equations; what is computed with them stays as it was.
# **With how few bits is a network still as good?**

# %%
fewer = pd.DataFrame([one.fewer_bits(bits) for one in forms.values()]).rename_axis("network")
display(tables.shown(fewer.rename(columns="{} bits".format)), stage.says(sentences.fewest_bits(fewer, whole)))

# %% [markdown]
# Move the sliders: one layer before and after. **In which layer are most weights far below the greatest, so that few bits make
# them 0?** One scale for a whole layer, its greatest weight's, is what makes few bits costly.

# %%
import ipywidgets

from fercore.reporting import plots
from fercore.reporting.widgets import explore

layers = {name: layer.weight.detach() for name, layer in compress.prunable(forms[networks[0]].dense.module).items()}
explore(
    lambda layer, bits: plots.rounded(layers[layer].numpy(), compress.rounded(layers[layer], bits).numpy(), bits, layer, faces),
    layer=ipywidgets.Dropdown(options=list(layers)), bits=ipywidgets.SelectionSlider(options=bits, value=bits[-1]),
)

# %% [markdown]
# ## Fewer weights: unstructured pruning
#
# The smallest weights of each layer are set to 0: at once (one-shot pruning); or while the network trains on, fast at
# first and slower later, so that the others can take over (gradual pruning). The second has trained longer than the
# network it is compared with, so a gain is not pruning's alone. R in Equation 1 is the number of weights before over
# the number of those left. **Where does the first way break down, and where the second?**

# %%
curve = pd.concat([one.fewer_weights(sparsities, fine_tuning) for one in forms.values()], ignore_index=True)
curve = stage.table(curve, "sparsity", f"Weights taken out; R is equation 1; accuracy on {tested}")
display(tables.shown(curve, index=False))
display(stage.figure(plots.sparsity(curve, dict(whole), faces, f"Weights taken out, {tested}"), "sparsity"))
display(stage.says(sentences.taken_out(curve, whole), "sparsity"))

# %% [markdown]
# Light-FER is pruned while it trains and then stored in half precision. So is each network here, with the first of the
# shares above; it goes into the table below. (The paper prunes by a *constrained approach* without hyperparameters, which it
# does not describe; pruning by magnitude, to a share that we choose, is our way.)

# %%
light = {name: one.light_fer() for name, one in forms.items()}
said = {name: percent(forms[name].accuracy(form)) for name, form in light.items()}
display(Markdown("; ".join(f"{markdown(name)}, {markdown(light[name])}: {markdown(share)}" for name, share in said.items())))

# %% [markdown]
# ## Fewer channels
#
# A weight that is 0 is still stored and still multiplied, unless the machine can skip it. So take whole channels out, which
# leaves a smaller network of the ordinary kind, and fine-tune it. **Of a network that has lost 30 % of its channels, how much of
# the work is left?**

# %%
from fercore.deployment.export import ExportError

try:  # untrained, they would answer at random
    work = {name: one.fewer_channels(ratios if fine_tuning else [], fine_tuning) for name, one in forms.items()}
    display(stage.says(sentences.work_left(work)))
except ExportError as error:
    display(Markdown(f"Left out: {markdown(error)}"))

# %% [markdown]
# ## Integers throughout: static quantisation
#
# The paper announces INT8 and reports no result of it. Here, after training, weights and activations are integers of eight bits,
# calibrated on training images. Weights have one scale for each tensor, or one for each channel. The range of the activations
# reaches from the least to the greatest value seen (min-max calibration), or leaves out the outermost 0.01 % (*percentiles*).
# Three ways: one scale for each tensor, min-max; one for each channel, min-max; one for each channel, percentiles. **One value in
# ten thousand is ten times as large as the others. What does it do to their 256 steps, and which of the three ways loses least?**
# OpenVINO is beside them where it is installed.

# %%
try:
    for one in forms.values():
        one.integers()
        missing = one.in_runtimes(["OpenVINO bf16", "OpenVINO int8"])
    display(Markdown("\n".join(f"- {markdown(name)}: {markdown(why)}" for name, why in missing.items())))
except ExportError as error:
    display(Markdown(f"Left out: {markdown(error)}"))

# %% [markdown]
# A range ten times as wide leaves a tenth of the steps, 25 of 256, to all other values; what that costs, the table below says.
#
# ## All forms, size against accuracy
#
# *same answer* is the share of images to which a form says what the network said before: two forms can be equally accurate and
# disagree. **Which would you ship?**

# %%
from fercore import audit as audits

masks = audits.without_copies(faces, "test", audit and f"{audit}/test_mask.csv")
masks = {part: kept[: len(rows)] for part, kept in masks.items()}
scores = pd.concat({name: one.scores(masks) for name, one in forms.items()}, names=["network"])
scores = stage.table(scores, "compression", f"Networks made smaller; {tested}, without TTA; macs in millions")
shown = ["MiB", "R", "nonzero", "macs", "accuracy", "macro_f1", "accuracy_deduplicated", "same_answer"]
display(tables.shown(scores[shown]))

# %%
title = f"Size against accuracy on {tested}, without TTA"
display(stage.figure(plots.pareto(scores, "MiB", "accuracy", faces, title, "MiB", "accuracy, %"), "pareto"))

# %%
differences = pd.concat({name: one.differences() for name, one in forms.items()}, names=["network"])
differences = stage.table(differences, "differences", "Accuracy above that in fp32, fractions; one seed")
for name in networks:
    shown = differences.loc[name].assign(seeds=1)
    figure = plots.intervals(shown, faces, f"{name} less itself in fp32", "points of accuracy", zero=True, near=3)
    display(stage.figure(figure, f"differences_{name}"))
display(stage.says(sentences.losses(differences), "differences"))

# %% [markdown]
# ## Is any of them faster?
#
# One image at a time, at the size that the networks were trained at, one thread, ONNX Runtime, all forms in turn.
# (Notebook 8 times networks at sizes of their own.) **Put them in order before you look: fp32, most weights taken out,
# channels taken out, INT8.** Times depend on this machine and on what else runs on it.

# %%
timed = ["fp32", f"pruned {max(sparsities):g} at once", *(f"without {100 * ratio:.0f} % of channels" for ratio in ratios)]
timed += ["FP16", *(f"INT8 {method}" for method in compress.METHODS)]
try:
    times = {name: one.latency([form for form in timed if form in one.found], seconds) for name, one in forms.items()}
    times = stage.timings.table(pd.concat(times, names=["network"]), "latency", "ONNX Runtime, one thread, ms")
    display(tables.shown(times), stage.timings.says(sentences.speed(times)))
except ExportError as error:
    display(Markdown(f"Left out: {markdown(error)}"))

# %% [markdown]
# ## The paper's tables
#
# Table 1 seems to show the system one picture of each emotion, and all seven are classified correctly. (The paper calls its
# numbers accuracy, but does not say of how many pictures; as a confusion matrix they would contradict Table 2.) **If a network
# is right on 70 % of faces, how likely is that?** Here is the first picture of each emotion in the set.

# %%
import numpy as np

first, labels = forms[networks[0]], faces.labels[rows]
answers = first.found[light[networks[0]]].probabilities
pictures = [np.flatnonzero(labels == label)[0] for label in np.unique(labels)]
table_1 = pd.DataFrame(answers[pictures], pd.Index([faces.classes[labels[row]] for row in pictures], name="shown"), faces.classes)
table_1 = stage.table(table_1, "table_1", f"{networks[0]}, {light[networks[0]]}: probabilities of one picture an emotion")
recalls = pd.Series({faces.classes[label]: (answers.argmax(1) == label)[labels == label].mean() for label in np.unique(labels)})
display(tables.shown(table_1), stage.says(sentences.all_right(recalls)))

# %% [markdown]
# Table 2 has accuracy on the images that were trained on beside that on others. Tables 3 and 4 are of devices: notebook 8.
# **What does a large gap between the two columns say, and what a small one?**

# %%
from fercore import claims
from fercore.evaluation import inference, statistics

printed = claims.load(f"{params}/claims", claims.networks(f"{params}/paper/networks.yaml")).beside(faces)
train, seen, table_2 = faces.rows("train"), {}, {}
for name, form in light.items():
    module, side = forms[name].found[form].module, forms[name].recipe.img_size
    seen[name] = inference.probabilities(module, faces, train, side).argmax(1)
    table_2[name] = {"train": (seen[name] == faces.labels[train]).mean(), "test": forms[name].accuracy(form)}
    for column, split in (("paper_train", "Training"), ("paper_test", "PrivateTest")):
        table_2[name][column] = printed(f"accuracy({name}+pruned+fp16, fer2013, {split})")
table_2 = stage.table(pd.DataFrame(table_2).T.rename_axis("network"), "table_2", "Pruned, and then FP16")
display(tables.shown(table_2), stage.says(sentences.overfitted(table_2)))

# %% tags=["nbval-check-output"]
for name, one in forms.items():
    print(name, "in fp32 is better than one class for all:", one.accuracy() > np.bincount(labels).max() / len(labels))
    print(*sentences.eight_bits(scores.loc[name, "same_answer"]), sep="\n")
for row in curve.itertuples():
    print(f"{row.network}, {row.sparsity:g} {row.how}: R {row.R:.2f}")

# %% [markdown]
# ## What to keep in mind
#
# Compare with your guesses. Bits cost little until there are too few, and how few that is differs by network. Weights taken out
# save neither bytes nor time by themselves; channels and integers save bytes, and time only where the table above shows it. And
# say what compression cost: the accuracy before stands beside the accuracy after.

# %%
ours = (  # the paper prints nothing of its training
    f"ImageNet's weights, {epochs} epochs by {recipe.optimizer} at {learning_rate:g} in batches of {batch_size}, "
    f"{recipe.precision}, {fine_tuning} more while {percent(sparsities[0], 0)} of the weights are pruned by magnitude, {img_size} "
    "px and faces as the data set cuts them, none of which the paper prints; nor does it print loss, augmentation and schedule"
)
for name, form in light.items():
    run, answers = f"{name}+pruned+fp16", forms[name].found[form].probabilities.argmax(1)
    measured = statistics.measurements(run, faces.name, tested, labels, [answers], faces.classes, masks)
    known = faces.labels[train], [seen[name]], faces.classes, {}
    measured += statistics.measurements(run, faces.name, faces.split_of("train"), *known)
    departs = forms[name].departs
    stage.measure(measured, departs, None if departs else ours)
findings = {"networks": len(networks), "images": len(rows), "epochs": epochs, "fine_tuning": fine_tuning}
findings |= {f"{form}, {name}": value for (name, form), value in differences["value"].items() if form.startswith("INT8")}
settings = {"networks": networks, "weights": weights, "recipe": recipe.plain(), "fine_tuning": fine_tuning, "bits": bits}
settings |= {"sparsities": sparsities, "ratios": ratios, "calibrated_on": calibrated_on}
display(tables.shown(stage.close(findings, settings).to_frame("finding")))
