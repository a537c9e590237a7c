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
# # 4 · MicroExpNet: does pooling help?
#
# Cugu, Sener and Akbas expected max-pooling to hurt, since expressions are small changes around eyes and mouth. Of their two
# smallest networks, XS and XXS, they report that pooling helps where people are kept apart, and hurts where images are split
# at random (section IV-A, Table II). Here their candidates are trained on folds of both kinds, and each of those statements
# is tested.

# %% tags=["parameters"]
ckplus = ""  # folders that fercore import or fercore data has made; all three empty: a few rendered faces
oulucasia = ""
fer2013 = ""
audit = ""  # where 01_data_audit has put its files on fer2013; empty: copies are searched for here
params = "../params"  # with claims/, what the paper prints
runs = ""  # where what is done is kept and not done again; empty: nowhere
out = ""  # where figures and tables go; empty: nowhere
profile = "quick"
sets = ["ckplus"]
images = {"ckplus": 240}  # about so many of a set; 0 or not named: all
sizes = ["m", "xxs"]
folds = 3
seeds = [42]
epochs = 4
lengths = []  # epochs of further trainings of the largest and the smallest network, without pooling and with both
batch_size = 64
learning_rate = 0.001
schedule = "cosine"
warmup = 0.2  # epochs

# %%
from functools import partial
from itertools import product

import pandas as pd
import torch
from IPython.display import Markdown, display

from fercore import claims
from fercore.reporting import plots
from fercore.results import measurements, provenance, tables
from fercore.studies import statements
from fercore.studies.cross_validation import COHORT, cache_key, cohort, gathered, grid, prepared
from fercore.studies.sweep import require_complete, sweep
from fercore.training.recipe import Recipe

# %%
samples = gathered({"ckplus": ckplus, "oulucasia": oulucasia, "fer2013": fer2013}, sets, images, folds, audit)
faces = {name: prepared(sample)[0] for name, sample in samples.items()}
labels, every = {name: tables.label(set_) for name, set_ in faces.items()}, list(faces.values())
for set_ in faces.values():
    display(Markdown(f"**{tables.label(set_)}**: {len(set_) // 8:,} images, each as eight windows of 84 px. {tables.majority(set_)} {' '.join(set_.notes)}"))
if any(set_.synthetic for set_ in faces.values()):
    display(Markdown("**Rendered faces: no score on them compares with a paper's.**"))

# %% [markdown]
# ## Folds
#
# *Subject folds* have all images of a person on one side; *random folds* do not look at people. FER2013 names nobody, so the
# same is asked of its copies: *copy folds* have all images of one photograph on one side. Only images that have a copy are
# taken, since it is these that a random split puts on both sides; so these are no accuracies on FER2013 as a whole. People
# may still be on both sides.

# %%
rows = [(tables.label(faces[name]), split, fold, sum(placed == fold) // 8)
        for name, sample in samples.items() for split, placed in prepared(sample)[1].items() for fold in range(sample.folds)]
held_out = pd.DataFrame(rows, columns=["data", "split", "fold", "images"])
display(held_out.pivot(index=["data", "split"], columns="fold", values="images"))

# %% [markdown]
# ## Sixteen candidates
#
# As section III-C: Adam, batches of 64, dropout 0.5, Xavier's start for weights and biases, every image as eight windows.
# A constant rate of 1e-4 and 1,000 epochs, also the paper's, are for the paper profile; the others train for a few epochs at
# 1e-3 with a cosine schedule. Where the authors' script departs from their text, it is the text that is followed: the script
# divides the rate by 10 after the first epoch, never shuffles, draws biases from a normal distribution, and its fold builder
# drops the first image of each fold. Where the text is silent: an image is scored by the mean of its windows' probabilities,
# pixels are normalised, and each fold has every class's share.
#
# Candidates differ by more than pooling. As in section IV-A, one with pooling after conv1 has half the stride there, and one
# with pooling after conv2 has an fc1 three times as wide, by which parameters stay about the same. It is these designs that
# are compared; the training loss beside the accuracy shows which of them merely learn faster.

# %%
sizes = sorted(sizes, key=statements.SIZES.index)
recipe = Recipe(
    epochs=epochs, batch_size=batch_size, img_size=84, augmentation=None, loss="cross_entropy", class_weighted=False, optimizer="adam",
    learning_rate=learning_rate, weight_decay=0.0, schedule=schedule, warmup=warmup, channels_last=True,
)
POOLING = {"v": "none", "p1": "after conv1", "p2": "after conv2", "p12": "after both"}
trials = grid(samples, [f"candidate_{pooling}_{size}" for size, pooling in product(sizes, POOLING)], seeds)
on_gpu = {"most": 256, "workers": 1} if torch.cuda.is_available() else {}
how = {"folder": runs and f"{runs}/04_microexpnet_pooling", "identity": cache_key(samples, recipe), "cohort": COHORT, **on_gpu}
work = partial(cohort, samples=samples, recipe=recipe)
found = require_complete(sweep(work, trials, **how))

# %%
parts = found["network"].str.extract(r"candidate_(?P<pooling>\w+?)_(?P<size>\w+)$")
found = found.assign(pooling=parts["pooling"].map(POOLING), size=parts["size"])
kept = found.drop(columns=["method", "temperature"]).assign(data=found["data"].map(labels))
tables.save(kept.set_index(["data", "split", "network", "fold", "seed"]), out, "trials", every)
levels = ["data", "split", "size", "pooling"]
by_fold = statements.by_fold(found, levels)

# %% [markdown]
# ## Table II
#
# Mean accuracy over the folds with its 95 % interval, corrected for the images that trainings have in common (Nadeau and
# Bengio). The paper's number stands beside it where the faces are real and the set is the paper's. Macro-F1, the training
# loss and the accuracy of windows by themselves, which is what the authors' script counts, are in `candidates.csv`.

# %%
ledger = claims.load(f"{params}/claims", claims.networks(f"{params}/paper/networks.yaml"))
table2 = statements.table(by_fold).drop(columns="p")
table2 = table2.join(found.groupby(levels, sort=False)[["macro_f1", "window_accuracy", "train_loss"]].mean())
short = {shown: key for key, shown in POOLING.items()}
table2["paper"] = [
    ledger.printed(f"accuracy(candidate_{short[pooling]}_{size}, {data}, {split}, epochs=1000)")
    for data, split, size, pooling in table2.index
]
caption = f"Accuracy of the candidates over {folds} folds, {epochs} epochs"
tables.save(table2.rename(index=labels, level="data"), out, "candidates", every, caption)
shown = statements.side_by_side(table2.rename(index=labels, level="data"), "pooling", list(POOLING.values()))
tables.save(shown, out, "table_2", every, caption)
display(shown.style.format("{:.3f}", na_rep=""))
display(table2["train_loss"].rename("training loss").unstack("pooling", sort=False).style.format("{:.2f}"))

# %%
for name, set_ in faces.items():
    part = table2.loc[name].reset_index()
    figure = plots.panels(part, "size", "pooling", "split", set_, "Accuracy by pooling and size", "accuracy, %")
    display(plots.save(figure, out, f"pooling_{name}"))

# %% [markdown]
# ## What pooling changes
#
# Accuracy with pooling less that without, fold by fold on the same images. Intervals are 95 % each: of many, some miss 0 by
# chance.

# %%
gains = statements.against(by_fold, "pooling", "none")
gain = statements.table(gains)
tables.save(gain.rename(index=labels, level="data"), out, "gains", every, "Accuracy with pooling less without")
for name, set_ in faces.items():
    part = gain.loc[name].reset_index()
    part["pooling"] = pd.Categorical(part["pooling"], POOLING.values())  # in the colours that they have above
    figure = plots.panels(part, "size", "pooling", "split", set_, "What pooling changes", "accuracy with pooling\nless without, points", True)
    display(plots.save(figure, out, f"gains_{name}"))

# %% [markdown]
# ## Does it depend on how long one trains?
#
# The paper explains what it sees by memorisation: at random folds the test shows people that were trained on. That takes
# time, so the largest and the smallest network are trained for longer too, without pooling and with both, on the first set.
# By that explanation the gain by pooling should fall with the length at random folds, and not where people are kept apart.

# %%
ends = list(dict.fromkeys([sizes[0], sizes[-1]]))
by_length = by_fold.loc[:, :, ends, ["none", "after both"]]
by_length = pd.concat({epochs: by_length}, names=["epochs"])
lengths = [length for length in lengths if length != epochs]
if lengths:
    first = dict(list(samples.items())[:1])
    trials = grid(first, [f"candidate_{pooling}_{size}" for size in ends for pooling in ("v", "p12")], seeds)
    longer = require_complete(sweep(work, pd.concat([trials.assign(epochs=length) for length in lengths], ignore_index=True), **how))
    names = longer["network"].str.split("_")
    longer = longer.assign(pooling=names.str[1].map(POOLING), size=names.str[2])
    by_length = pd.concat([by_length, statements.by_fold(longer, ["epochs", *levels])]).sort_index(level="epochs", sort_remaining=False)

# %%
of_length = statements.table(statements.against(by_length, "pooling", "none")).droplevel("pooling")
of_length["accuracy_without"] = by_length.xs("none", level="pooling").mean(axis=1)
tables.save(of_length.rename(index=labels, level="data"), out, "lengths", every, "What pooling after both changes, by length of training")
if lengths:
    name = next(iter(faces))
    part = of_length.xs(name, level="data").reset_index()
    figure = plots.panels(part, "epochs", "size", "split", faces[name], "What pooling changes, by length", "accuracy with both poolings\nless without, points", True)
    display(plots.save(figure, out, f"lengths_{name}"))

# %% [markdown]
# ## What the paper says, tested
#
# Each statement is that something is above 0: it *holds* where it is and p, adjusted for all of them on the same data, is
# below 0.05; *the opposite holds* where it is below 0; otherwise it is *not shown*, which is neither. A positive value agrees
# with the paper: that small networks lose by pooling, of -6 points, means that they gain 6. Pooling is that after both
# convolutions, the one that the paper goes on with; its small networks, XS and XXS, are taken on their mean. Intervals here
# are widened for the number of statements, so that they leave out 0 where there is a verdict. Some statements rest on the
# same comparison, so that rows may repeat a number.

# %%
tested = {}
for name in samples:
    apart, random = (gains.loc[(name, split)] for split in prepared(samples[name])[1])
    tested |= {(name, statement): one for statement, one in statements.of_pooling(apart, random).items()}
verdicts = statements.verdicts(tested)
caption = f"The paper's statements, tested; {epochs} epochs, {folds} folds"
display(tables.save(verdicts.rename(index=labels, level="data"), out, "verdicts", every, caption).style.format(precision=4))

# %%
if out:
    accuracy = {f"accuracy(candidate_{short[pooling]}_{size}, {data}, {split}, epochs={epochs})": row
                for (data, split, size, pooling), row in table2[["value", "low", "high"]].iterrows()}
    measurements.save(measurements.rows(accuracy, len(seeds)) + measurements.rows(statements.measured(verdicts), len(seeds)), out, profile)

# %% tags=["nbval-check-output"]
findings = {"networks": len(found), "folds": folds, "seeds": len(seeds), "epochs": epochs}
for name, set_ in faces.items():
    findings[f"images_{name}"] = len(set_) // 8
    for split, placed in prepared(samples[name])[1].items():
        findings[f"held_out_{name}_{split.replace(' ', '_')}"] = sum(placed == 0) // 8
print(pd.Series(findings).to_string())

# %%
findings |= {f"{statement}, {labels[data]}": row.verdict for (data, statement), row in verdicts.iterrows()}
tables.save_findings(findings, out, every)
if out:
    settings = {"recipe": recipe.plain(), "sets": sets, "images": images, "sizes": sizes, "folds": folds, "seeds": seeds, "lengths": lengths}
    provenance.save(out, settings, every, "cuda" if torch.cuda.is_available() else "cpu")
