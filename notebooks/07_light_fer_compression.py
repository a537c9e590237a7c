# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
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
# # 7 · Compression
#
# Light-FER takes Xception, prunes it while it trains, halves the bits of its weights, and reports 69.87 % on FER2013. How
# much can be taken out of a network before it answers worse, what does it save, and does it get any faster?

# %% tags=["parameters"]
data = ""  # a folder that fercore import has made; empty: a small rendered set
audit = ""  # where 01_data_audit has put its files; empty: copies are searched for here
runs = ""  # where trained networks go and are gone on with; empty: nowhere
out = ""  # where figures and tables go; empty: nowhere
profile = "quick"
network = "tinyfer_lite"
weights = ""  # fer2013: those that come with the project; a file; empty: trained here
keras = ""  # Keras's Xception for light_fer, .h5 or .npz: an accuracy beside the paper's
epochs = 2  # of a training here
fine_tuning = 1  # epochs while weights are, or after channels were, taken out; 0: nothing is trained on
batch_size = 64
img_size = 32  # px; of weights that come with the project, their own
learning_rate = 0.002
sparsities = [0.5, 0.8]
ratios = [0.3]  # of channels
bits = [8, 4, 2]
calibrated_on = 64  # Training images for INT8
tested_on = 0  # PrivateTest images; 0: all
seed = 42

# %%
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown, display

from fercore import audit as audits
from fercore import datasets, models
from fercore.deployment import compress, runtimes
from fercore.evaluation import inference, statistics
from fercore.reporting import plots
from fercore.results import measurements, provenance, tables
from fercore.training.recipe import Recipe
from fercore.training.trainer import fit

# %%
faces = datasets.load_imported(data) if data else datasets.load("synthfer", images=1000)
for note in faces.notes:
    display(Markdown(f"**Note.** {note}"))
if faces.synthetic:
    display(Markdown("**Rendered faces: no score here compares with a paper's.**"))
rows = faces.rows("PrivateTest")
rows = rows[:tested_on] if tested_on else rows
labels = faces.labels[rows]

# %% [markdown]
# ## A weight in eight bits, by hand
#
# Equations 2 to 4: the greatest weight M gives the scale (2^b - 1) / 2M, and every weight is rounded to an integer. Guess
# before the next cell: of 8, 4 and 2 bits, how many different values can a weight still have?

# %%
weight = torch.tensor([-0.9, -0.31, -0.04, 0.0, 0.02, 0.11, 0.47, 0.9])
table = {f"{number} bits": compress.quantise(weight, number).tolist() for number in bits}
display(pd.DataFrame(table, index=[f"{value:.2f}" for value in weight.tolist()]).rename_axis("weight"))

# %% [markdown]
# The printed bounds for eight bits, 127.5 on both sides, are no integers: 127 is as far as an integer goes, so the greatest
# weight, which is 127.5 when scaled, is taken back to 127. With two bits three values are left.

# %% [markdown]
# ## The network

# %%
recipe = Recipe(
    epochs=epochs, batch_size=batch_size, img_size=img_size, learning_rate=learning_rate, schedule="cosine", warmup=0.1,
    loss="cross_entropy", class_weighted=False, bn_momentum=0.1, channels_last=True, seed=seed,
)

# %%
if weights:
    dense = models.create(network, weights=weights).eval()
    img_size = models.weights.record(models.weights.released(network, weights)[0])["img_size"]
    recipe = replace(recipe, img_size=img_size)
else:
    dense = fit(network, faces, recipe, runs and f"{runs}/07-{network}-{epochs}-{seed}", restart=True).network
channels = inference.channels(dense)


# %%
def probabilities(one):
    return inference.probabilities(one, faces, rows, img_size)


predicted = {"fp32": probabilities(dense).argmax(1)}
sizes = {"fp32": {"MiB": sum(tensor.numel() * 4 for tensor in dense.state_dict().values()) / 2**20}}
baseline = (predicted["fp32"] == labels).mean()
print(f"{network} at {img_size} px, one view: {100 * baseline:.2f} % of {len(rows):,} PrivateTest images")

# %% [markdown]
# ## Fewer bits
#
# How many bits do weights need? Only their values are rounded here, layer by layer, by the paper's equations; the arithmetic
# stays as it was, and the size is what they would take when packed.

# %%
for number in bits:
    name = f"weights of {number} bits"
    predicted[name] = probabilities(compress.quantised(dense, number)).argmax(1)
    sizes[name] = {"MiB": sizes["fp32"]["MiB"] * number / 32}

# %% [markdown]
# ## Fewer weights
#
# The smallest weights of each layer are taken out: at once, and while the network is trained on, by a schedule that grows fast
# at first. Guess: how many of a hundred weights can go at once before a point of accuracy is lost?

# %%
steps = fine_tuning * -(-len(faces.rows("Training")) // batch_size)
tuning = replace(recipe, epochs=max(fine_tuning, 1), learning_rate=learning_rate / 4)
pruned = {f"pruned {share:g}, at once": compress.prune(dense, share) for share in sparsities}
for share in sparsities if fine_tuning else ():
    trained = compress.prune(dense, 0.0)  # a copy, to be trained on
    schedule = compress.Schedule(share, steps=max(steps // 2, 1), every=max(steps // 40, 1))
    compress.prune_while_training(trained, schedule)
    fit(trained, faces, tuning, runs and f"{runs}/07-{network}-pruned-{share}-{seed}", select=None, restart=True)
    pruned[f"pruned {share:g}, while training"] = compress.make_permanent(trained)

# %%
curve = []
for name, one in pruned.items():
    predicted[name] = probabilities(one).argmax(1)
    left = compress.counts(one).values()
    ratio = compress.compression_ratio([whole for whole, _ in left], [nonzero for _, nonzero in left])
    nonzero, accuracy = sum(nonzero for _, nonzero in left), (predicted[name] == labels).mean()
    share, how = float(name.split(",")[0].split()[1]), name.split(", ")[1]
    curve.append({"sparsity": share, "how": how, "R": ratio, "nonzero": nonzero, "accuracy": accuracy})
    sizes[name] = {"MiB": sizes["fp32"]["MiB"], "R": ratio}

# %% [markdown]
# A network with zeros is as large a file and as many multiplications as before: no runtime here skips a zero. To be faster,
# whole channels have to go.

# %%
for ratio in ratios if find_spec("torch_pruning") and fine_tuning else ():  # untrained it answers at random
    smaller = compress.prune_channels(dense, (channels, img_size, img_size), ratio)
    fit(smaller, faces, tuning, runs and f"{runs}/07-{network}-channels-{ratio}-{seed}", select=None, restart=True)
    name = f"without {100 * ratio:.0f} % of channels"
    predicted[name] = probabilities(smaller).argmax(1)
    sizes[name] = {"MiB": sum(tensor.numel() * 4 for tensor in smaller.state_dict().values()) / 2**20}

# %% [markdown]
# ## Integers throughout
#
# INT8 as the paper announces it and does not report it: weights and what flows between layers, with ranges seen on
# Training images.

# %%
seen = compress.calibration(faces, calibrated_on, img_size, channels)
held, contents = runtimes.Network(network, dense, (channels, img_size, img_size), seen), {}
if find_spec("onnxruntime") and find_spec("onnxscript"):
    contents = {f"INT8 {method}": compress.int8(held.onnx, held.images, method) for method in compress.METHODS}
    contents["FP16"] = compress.float16(held.onnx)
    for name, content in contents.items():
        run = runtimes.of_onnx(content).run
        found = compress.probabilities(run, faces, rows, img_size, channels=channels)
        predicted[name], sizes[name] = found.argmax(1), {"MiB": len(content) / 2**20}

# %%
for name in [name for name in ("OpenVINO bf16", "OpenVINO int8") if find_spec("openvino")]:
    try:
        loaded = runtimes.load(name, held, batch=32)
    except runtimes.Missing as error:
        print(f"{name}: {error}")
        continue
    found = compress.probabilities(loaded.run, faces, rows, img_size, channels=channels, batch=32)
    predicted[name], sizes[name] = found.argmax(1), {"MiB": loaded.size / 2**20}

# %%
masks = audits.without_copies(faces, "PrivateTest", audit and f"{audit}/test_mask.csv")
masks = {name: mask[: len(rows)] for name, mask in masks.items()}
scores = statistics.wide(
    statistics.over_seeds(labels, {name: [one] for name, one in predicted.items()}, len(faces.classes), masks)
)
scores = pd.DataFrame(sizes).T.join(scores)
scores["same_answer"] = [np.mean(predicted[name] == predicted["fp32"]) for name in scores.index]
scores = tables.save(
    scores.rename_axis("variant"), out, "compression", faces, f"{network} made smaller; PrivateTest, one view"
)
display(scores.style.format(precision=3))

# %%
figure = plots.pareto(
    scores, "MiB", "accuracy", faces, f"{network}: size against accuracy", "MiB", "PrivateTest accuracy, %"
)
display(plots.save(figure, out, "pareto"))

# %%
differences = {
    name: statistics.difference(labels, [one], [predicted["fp32"]], len(faces.classes), "accuracy")
    for name, one in predicted.items()
    if name != "fp32"
}
differences = (
    pd.DataFrame(differences).T.rename(columns={"difference": "value"}).drop(columns="p").rename_axis("variant")
)
differences = tables.save(differences, out, "differences", faces, "Accuracy against fp32, fractions; one seed")
display(
    plots.save(plots.intervals(differences, faces, f"{network}, accuracy against fp32", "points"), out, "differences")
)

# %%
within = [name for name, row in differences.iterrows() if row["low"] <= 0 <= row["high"]]
display(Markdown(
    f"No loss is shown for: {', '.join(within) or 'none of them'}. The answers are of the same images, so that a difference "
    "is told that is smaller than the interval of one network's accuracy."
))

# %%
if curve:
    curve = tables.save(pd.DataFrame(curve), out, "sparsity", faces, "Pruned weights; R is equation 1")
    figure = plots.sparsity(curve, baseline, faces, f"{network}: weights taken out")
    display(plots.save(figure, out, "sparsity"))

# %% [markdown]
# ## Light-FER itself
#
# From Keras's ImageNet weights, as the paper starts; without that file there is nothing to compare with its 69.87 %.

# %%
if keras:
    half = "bf16" if inference.cpu_has_bf16() else "fp32"
    settings = replace(recipe, img_size=71, batch_size=32, learning_rate=0.0005, smoothing=0.1, precision=half, tta="flip")
    light_fer = fit("light_fer", faces, settings, runs and f"{runs}/07-light_fer-{epochs}-{seed}", weights=keras, restart=True)
    accuracy = (light_fer.probabilities(faces, rows).argmax(1) == labels).mean()
    print(f"dense, {len(light_fer.history)} epochs: {100 * accuracy:.2f} % of PrivateTest; the paper, pruned: 69.87 %")

# %% tags=["nbval-check-output"]
findings = {
    "network": network,
    "img_size": img_size,
    "images": len(rows),
    "sparsities": len(sparsities),
    "bits": len(bits),
}
tables.save_findings(findings | {"accuracy": baseline, "variants": len(predicted)}, out, faces)
if out:
    measurements.save([], out, profile)
    provenance.save(out, findings | {"weights": weights, "recipe": recipe.plain()}, faces)
print(pd.Series(findings).to_string())
