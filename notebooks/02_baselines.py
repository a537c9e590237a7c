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
# # 2 · Baselines: what does a small network add?
#
# TinyFER-Lite's author counts the parameters of five networks and times them, but trains only one. Does it deserve
# its place? Here they are trained under one protocol: the same split, seeds, augmentation, optimiser, epochs and selection.
# (The quick profile leaves EfficientNet-B0 out, which takes as long as the others together.)
#
# **Before anything runs, write down two orders** of `simple_cnn`, `mobilenet_v2`, `mobilenet_v3_small`, `efficientnet_b0`
# and `tinyfer_lite`: from the most accurate to the least, and from the fastest to the slowest.
#
# The paper: N. Khalid, *TinyFER-Lite: A Small-Data and Lightweight Attention-Based Architecture for Real-Time Facial Emotion
# Recognition*.

# %% tags=["parameters"]
data = ""  # a folder that fercore import has made; empty: a small rendered set
audit = ""  # where 01_data_audit has put its files; empty: copies are searched for here
params = "../params"  # with claims/, what the papers print
runs = ""  # where trained networks are saved and resumed from; empty: nowhere
out = ""  # where figures and tables go; empty: nowhere
profile = "quick"
networks = ["simple_cnn", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "tinyfer_lite"]
weights = ""  # imagenet: what the backbones start from; empty: drawn at random
seeds = [42]
epochs = 2
batch_size = 32
img_size = 48  # px
augmentation = "flip"  # tinyfer_lite: the paper's
loss = "cross_entropy"  # the paper's is focal, class-weighted
class_weighted = False
learning_rate = 0.002
weight_decay = 0.01
schedule = "cosine"
warmup = 0.5  # epochs
factor = 0.5
plateau_patience = 3  # epochs
bn_momentum = 0.1  # 0: each network's own
precision = "fp32"
passes = 50  # timed forward passes
latency_side = 224  # px, as the paper times them

# %%
from IPython.display import Markdown, display

from fercore import datasets
from fercore.results.stage import Stage
from fercore.results.text import markdown

faces = datasets.load_imported(data) if data else datasets.load("synthfer", images=2000)
stage = Stage(out, faces, profile)
selected, tested = faces.split_of("select"), faces.split_of("test")  # PublicTest and PrivateTest in FER2013
display(Markdown(stage.about()))

# %% [markdown]
# ## What must a network beat?
#
# Always naming the most frequent class costs nothing, and the classical recipe from before deep learning costs little: a
# histogram of local binary patterns, of 59 bins, for each of 36 cells of the face, and a linear support vector machine on them,
# its classes weighted by inverse frequency. C, 0.0001 or 0.001, is chosen by macro-F1 on PublicTest. **Guess** its accuracy on
# PrivateTest, with seven classes.

# %% tags=["nbval-check-output"]
from fercore.evaluation import lbp_svm

rows, select = faces.rows("test"), faces.rows("select")
labels = faces.labels[rows]
machine, cost = lbp_svm.lbp_svm(faces, faces.rows("train"), select)
by_machine = machine.predict(lbp_svm.lbp(faces.pixels[rows]))
print(f"LBP and a linear SVM: C = {cost:g} is best on {selected}; {tested} accuracy {(by_machine == labels).mean():.2f}")

# %%
import numpy as np

from fercore.reporting.sentences import listed, percent, ranked

majority = np.bincount(labels).max() / len(labels)
display(stage.says(
    f"The support vector machine: {percent((by_machine == labels).mean())}, where always naming the most frequent class gives {percent(majority)}. What a "
    "network has to show is what it adds to *this*, and not to zero."
))

# %% [markdown]
# ## One protocol for all
#
# The paper's recipe is class-weighted focal loss, its own augmentation, and the epoch with the best macro-F1 on PublicTest,
# 100 epochs long. A shorter run has to change something; what it changes, it changes for all networks alike.

# %%
import pandas as pd

from fercore.evaluation import inference
from fercore.results import tables
from fercore.training import AUGMENTATIONS, Recipe
from fercore.training.recipe import departures

recipe = Recipe(
    epochs=epochs, batch_size=batch_size, img_size=img_size, augmentation=AUGMENTATIONS[augmentation],
    loss=loss, class_weighted=class_weighted, learning_rate=learning_rate, weight_decay=weight_decay,
    schedule=schedule, factor=factor, plateau_patience=plateau_patience, warmup=warmup,
    bn_momentum=bn_momentum or None, precision=inference.precision_here(precision), channels_last=True,
)

# %%
settings = pd.DataFrame(departures(recipe), index=["the paper's", "here"]).T
shown = settings.drop(index=["augmentation", "channels_last"], errors="ignore")
display(tables.shown(shown.fillna("its own").map(str)))
display(stage.says(
    f"Settings that differ from the paper's: {listed(f'`{name}`' for name in shown.index)}; augmentation is *{markdown(augmentation)}*. What "
    f"the networks start from: {markdown(weights or 'random weights')}. " + ("" if weights else "From random weights, mobile "
    "networks hardly begin to learn in a few epochs under the paper's loss and augmentation: see what the losses do in notebook 3.")
))

# %% [markdown]
# ## Which learns fastest?
#
# All networks are trained here, two at a time where there are two cores. **Guess** while they run: after the first epoch,
# which is ahead, the one with most parameters or the one with fewest?

# %%
from fercore.studies.fits import best_selected, fit_seeds

trained = fit_seeds({name: {"network": name, "recipe": recipe} for name in networks}, seeds, faces, runs, weights)
histories = {name: trained[name][0].history for name in networks}

# %%
from fercore.reporting import plots

figure = plots.training_curves(histories, faces, "macro_f1", f"{len(networks)} networks, one protocol, {epochs} epochs")
display(stage.figure(figure, "training_curves"))

# %% [markdown]
# What is the loss of a network that has learned nothing but how frequent the classes are? The entropy of their
# frequencies. Below it (by a tenth, to be sure), a network has found something in the faces.

# %% tags=["nbval-check-output"]
from scipy.stats import entropy

guessing = entropy(np.bincount(faces.labels[faces.rows("train")]))
ends = pd.DataFrame({name: history["train_loss"].iloc[[0, -1]].to_numpy() for name, history in histories.items()}).T
print(f"cross-entropy of guessing by frequency: {guessing:.2f}")
print("training loss lower in the last epoch than in the first:", listed(ends.index[ends[1] < ends[0]]))
if loss == "cross_entropy" and not class_weighted:  # another loss compares with nothing
    print("training loss below that of guessing:", listed(ends.index[ends[1] < 0.9 * guessing]))

# %%
first = pd.Series({name: history["accuracy"].iloc[0] for name, history in histories.items()})
best = [{"network": name, "seed": seed, **run.history.iloc[run.best_epoch - 1]}
        for name, each in trained.items() for seed, run in zip(seeds, each, strict=True)]
best = stage.table(pd.DataFrame(best).set_index(["network", "seed"]), "selection", f"Best epochs on {selected}")
unfinished = best[best["epoch"] == epochs].index.get_level_values("network").unique()
display(tables.shown(best[["epoch", "train_loss", "loss", "accuracy", "macro_f1"]]), stage.says(
    f"After one epoch, on {markdown(selected)}: {ranked(first)}. Best in the very last epoch: "
    f"{listed(map(markdown, unfinished))}"
    + (", as a cosine schedule makes likely, whose rate is lowest there. " if recipe.schedule == "cosine" else ", so not converged yet. ")
    + f"A comparison after {epochs:d} epochs is one of how fast networks learn, not of how far they get.",
    "training_curves",
))

# %% [markdown]
# ## On PrivateTest, once
#
# PublicTest has chosen the epochs, so it flatters. PrivateTest has chosen nothing, and is looked at once. *Published* are all its
# images, *deduplicated* those that are not in Training byte for byte, *near-deduplicated* those whose photograph is not.
# [low, high] is a 95 % interval: with one seed over the test images, with several Student's t over the seeds, which is 4.3
# times their standard error for three and 12.7 times for two, hence so wide. **Guess**: how many of the networks beat the support
# vector machine?

# %%
from fercore import audit as audits
from fercore.evaluation import statistics

masks = audits.without_copies(faces, "test", audit and f"{audit}/test_mask.csv")
predicted = {name: [run.probabilities(faces, rows).argmax(1) for run in trained[name]] for name in networks}
predicted["lbp_svm"] = [by_machine]
found = statistics.over_seeds(labels, predicted, len(faces.classes), masks)
scores = stage.table(found.set_index(["name", "part", "score"]), "scores", f"{tested} scores")
wide = statistics.wide(found)
display(tables.shown(wide))

# %%
accuracy = scores.xs(("published", "accuracy"), level=["part", "score"]).reindex([*networks, "lbp_svm"])
figure = plots.intervals(accuracy, faces, f"One protocol, {epochs} epochs, as published", f"{tested} accuracy, %")
display(stage.figure(figure, "accuracy"))

# %%
print("surely above naming one class:", listed(statistics.surely_above(accuracy, majority)))

# %%
value, machines = accuracy["value"], accuracy.loc["lbp_svm"]
display(stage.says(
    f"{ranked(value)}. Above the support vector machine (SVM) with their whole interval: "
    f"{listed(map(markdown, statistics.surely_above(accuracy, machines['high'])))}. Below it with their whole interval: "
    f"{listed(map(markdown, accuracy.index[accuracy['high'] < machines['low']]))}. Intervals are "
    + (f"over {len(rows):,} images of one training" if len(seeds) == 1 else f"over {len(seeds)} seeds, the SVM's over images")
    + "; where two overlap, neither order nor equality is shown: notebook 3 compares networks on the same images. The SVM "
    f"weights classes; the networks {'do so, too' if class_weighted else 'do not, which helps their accuracy: compare macro-F1, too'}.",
    "accuracy",
))

# %% [markdown]
# And without the images that are in Training too? **Guess**: which loses most, the network that has learned most, or
# the one that has learned least?

# %%
lost = (100 * (wide["accuracy"] - wide["accuracy_near_deduplicated"])).round(1) + 0.0  # no -0.0
display(stage.says(
    f"On the {masks['near_deduplicated'].sum():,} of {len(rows):,} images whose photograph is not in Training, accuracy changes by "
    + ", ".join(f"{0 - points:+.1f} points ({markdown(name)})" for name, points in lost.sort_values(ascending=False).items())
    + ". A fall has two possible causes: copies helped, or the images that are left are harder (their class shares differ). To tell "
    "them apart one would train without the copies, which is not done here."
))

# %% [markdown]
# ## What do they confuse?
#
# Notebook 1 asked which class would be confused most. Here are the answers of the network that is best on PublicTest;
# **guess** the darkest cell off the diagonal before you look.

# %%
from fercore.evaluation import metrics

leader = best_selected(trained, networks)
matrix = metrics.confusion(labels, predicted[leader][0], len(faces.classes))
display(plots.confusion(matrix, faces, f"{leader}, {tested}, seed {seeds[0]}"))

# %%
off = matrix * (1 - np.eye(len(matrix), dtype=int))
labelled, said = (faces.classes[place] for place in np.unravel_index(off.argmax(), off.shape))
recall = pd.Series(metrics.per_class(matrix)["recall"], faces.classes)
display(stage.says(
    f"{markdown(leader)} most often takes *{markdown(labelled)}* for *{markdown(said)}*: {off.max():,} times. "
    f"Recall: {ranked(recall, 0)}."
))

# %% [markdown]
# Which images are those? Choose a network, the label, and its answer. Would *you* have said what the label says?

# %%
import ipywidgets

from fercore.reporting.widgets import explore

explore(
    lambda network, label, answer: plots.answered(faces, rows, predicted[network][0], label, answer),
    network=ipywidgets.Dropdown(options=list(predicted), value=leader),
    label=ipywidgets.Dropdown(options=faces.classes, value=labelled),
    answer=ipywidgets.Dropdown(options=faces.classes, value=said),
)

# %% [markdown]
# ## What does it cost?
#
# Latency by the paper's protocol: images of `latency_side` pixels, batch 1, ten passes to warm up, fifty timed.
# (Accuracy is of networks trained at `img_size`.) It is measured on this machine, the paper's on another, so the order
# of the networks can be compared, but not their milliseconds. Look at the parameters first; **guess** the slowest.

# %%
from fercore import claims
from fercore.deployment import latency

ledger = claims.load(f"{params}/claims", claims.networks(f"{params}/paper/networks.yaml"))
costs = latency.costs(networks, latency_side, passes, ledger.printed)
costs = stage.timings.table(costs, "costs", "Latency in ms, and what the paper prints")
compared = costs.join(wide, how="outer").reindex([*networks, "lbp_svm"]).rename_axis("network")
compared["parameters"] = compared["parameters"].astype("Int64")  # the support vector machine has none
stage.table(compared[["parameters", "MiB", *wide.columns]], "comparison", f"{len(networks)} networks under one protocol")
display(tables.shown(compared[[*costs.columns, "accuracy", "accuracy_low", "accuracy_high"]]))

# %%
display(stage.timings.figure(plots.size_and_latency(compared.loc[networks], faces, f"{epochs} epochs"), "size_and_latency"))

# %% [markdown]
# With the slider you say how many parameters you can afford. **Guess** first: does each further million buy accuracy?

# %%
known = compared.loc[networks].rename(columns={"accuracy": "value", "accuracy_low": "low", "accuracy_high": "high"})
explore(
    lambda budget: plots.affordable(known, faces, 10**budget),
    budget=ipywidgets.FloatSlider(6.2, min=5.9, max=6.8, step=0.05, description="10 to the"),
)

# %%
from itertools import combinations

by_size = known.sort_values("parameters")["value"]
pairs = list(combinations(by_size, 2))
display(stage.says(
    f"In {sum(larger > smaller for smaller, larger in pairs)} of {len(pairs)} pairs of networks the larger one is the more accurate. "
    f"Best is {markdown(by_size.idxmax())} with {known.loc[by_size.idxmax(), 'parameters'] / 1e6:.1f} million parameters."
))

# %% [markdown]
# **A puzzle**: do parameters tell which network is slow? And if not, what does? A convolution uses each of its weights
# once for every place of the map that it runs over, so a network with few weights and large maps multiplies more than
# one with many and small maps.

# %%
work = latency.macs(networks, latency_side)
ms, sizes = costs["cpu_ms"], costs["parameters"].astype(float)
counted = {"parameters": costs["parameters"], "millions of multiplications": work.round(0), "ms": ms}
display(tables.shown(pd.DataFrame(counted), digits=1))

# %%
agrees = [pd.Series(one).corr(ms, method="spearman") for one in (sizes, work)]
slowest, largest = ms.idxmax(), sizes.idxmax()
display(stage.timings.says(
    f"Slowest is {markdown(slowest)} ({work[slowest] / work.min():.0f} times the multiplications of "
    f"{markdown(work.idxmin())}), the largest {markdown(largest)}. Rank correlation with latency: parameters "
    f"{agrees[0]:.1f}, multiplications {agrees[1]:.1f}. Multiplications are not the whole story either: what is read and written, and how many steps there are, counts too.",
    "size_and_latency",
))

# %% [markdown]
# ## What to keep in mind
#
# Compare with the two orders that you wrote down. Notebook 3 takes the smallest of them, TinyFER-Lite, apart.

# %%
from fercore.results.measurements import started

measured = []
for name in networks:
    if name != "tinyfer_lite":  # which notebook 3 measures
        measured += statistics.measurements(
            name, faces.name, tested, labels, predicted[name], faces.classes, masks
        )
stage.table(metrics.predictions(rows, labels, predicted), "predictions")
other = f"{recipe.precision} in place of {precision}" if recipe.precision != precision else ""
stage.measure(measured, *started(profile, weights, other))
machine_scores = statistics.measurements("lbp_svm", faces.name, tested, labels, [by_machine], faces.classes, masks)
stage.measure(machine_scores, lbp_svm.DEPARTS)  # a paper that names such a machine prints no recipe of it
stage.measure([{"measurement": f"latency({name}, here)", "value": ms[name] / 1000} for name in networks])

# %%
findings = {"networks": len(networks), "seeds": len(seeds), "epochs": epochs, "img_size": img_size, "images": len(rows)}
findings |= {f"left_{name}": int(kept.sum()) for name, kept in masks.items()}
findings |= {"weights": weights or "random", "lbp_svm_C": cost}
display(stage.says(
    f"From accurate to less so: {listed(map(markdown, value[networks].sort_values(ascending=False).index))}."
), stage.timings.says(f"From fast to slow: {listed(map(markdown, ms.sort_values().index))}."))
stage.close(findings, {"networks": networks, "seeds": seeds, "weights": weights, "recipe": recipe.plain()})
if out:
    tables.write_json(f"{out}/recipe.json", recipe.plain())  # by which notebook 3 finds its teacher
