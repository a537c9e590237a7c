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
# # 5 · MicroExpNet: the temperature grid
#
# Cugu, Sener and Akbas distil four sizes of their network at seven temperatures (section IV, Figures 1 to 4, Table IV). They
# say that distillation does more for a smaller network, and that accuracy goes up and down with the temperature, so that it
# has to be searched for, which they call the method's shortcoming. Both are tested here, and a third is asked: do methods do
# as well that need no search?

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
images = {"ckplus": 160}  # about so many of a set; 0 or not named: all
sizes = ["m", "xxs"]
folds = 3
seeds = [42]  # where people or copies are kept apart
seeds_at_random = [42]
temperatures = [2.0, 8.0, 32.0]
methods = ["T 4 with its square", "logit standardisation", "DIST", "decoupled", "CTKD"]
epochs = 4
batch_size = 64
learning_rate = 0.001
schedule = "cosine"
warmup = 0.2  # epochs
teacher = "simple_cnn"
teacher_weights = ""  # imagenet: what it starts from; empty: drawn at random
teacher_img_size = 32  # px
teacher_epochs = 1
teacher_learning_rate = 0.001

# %%
import tempfile
from functools import partial
from pathlib import Path

import ipywidgets
import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown, display

from fercore import claims
from fercore.reporting import plots
from fercore.reporting.widgets import explore
from fercore.results import measurements, provenance, tables
from fercore.studies import statements
from fercore.studies.cross_validation import (
    COHORT,
    METHODS,
    RANDOM,
    SCRATCH,
    SOFTENED,
    cache_key,
    cohort,
    gathered,
    grid,
    logits_of,
    prepared,
    teach,
)
from fercore.studies.sweep import require_complete, sweep
from fercore.training import losses
from fercore.training.recipe import Recipe

# %%
samples = gathered({"ckplus": ckplus, "oulucasia": oulucasia, "fer2013": fer2013}, sets, images, folds, audit)
faces = {name: prepared(sample)[0] for name, sample in samples.items()}
labels, every = {name: tables.label(set_) for name, set_ in faces.items()}, list(faces.values())
for set_ in every:
    display(Markdown(f"**{tables.label(set_)}**: {len(set_) // 8:,} images, each as eight windows of 84 px. {tables.majority(set_)} {' '.join(set_.notes)}"))
if any(set_.synthetic for set_ in every):
    display(Markdown("**Rendered faces: no score on them compares with a paper's.**"))

# %% [markdown]
# ## The teacher
#
# One for each fold, which has not seen it; the paper's is an Inception v3. Its logits for every window are computed once.

# %%
recipe = Recipe(
    epochs=epochs, batch_size=batch_size, img_size=84, augmentation=None, loss="cross_entropy", class_weighted=False, optimizer="adam",
    learning_rate=learning_rate, weight_decay=0.0, schedule=schedule, warmup=warmup, channels_last=True,
)
teacher_recipe = Recipe(**recipe.__dict__ | {"epochs": teacher_epochs, "img_size": teacher_img_size, "learning_rate": teacher_learning_rate})
on_gpu = {"workers": 1} if torch.cuda.is_available() else {}

# %%
nowhere = tempfile.TemporaryDirectory()
places = {"folder": runs and f"{runs}/05_teachers", "teachers": f"{runs or nowhere.name}/05_logits"}
work = partial(teach, samples=samples, network=teacher, recipe=teacher_recipe, weights=teacher_weights, **places)
trials = grid(samples, [teacher], [teacher_recipe.seed], group_split=None if seeds_at_random else True)
basis = cache_key(samples, teacher_recipe, teacher=teacher, weights=teacher_weights)
taught = require_complete(sweep(work, trials, runs and f"{runs}/05_teacher_trials", identity=basis, **on_gpu))

# %%
by_teacher = statements.by_fold(taught, ["data", "split"])
teachers = statements.table(by_teacher).drop(columns="p").rename(index=labels, level="data")
tables.save(teachers, out, "teachers", every, f"Accuracy of the teacher, {teacher}, over {folds} folds")
display(teachers.style.format("{:.3f}"))

# %% [markdown]
# What a temperature makes of its answers: the higher, the more of the classes that it did not choose. Move the sliders.

# %%
one, (split, *_) = next((name, list(prepared(sample)[1])) for name, sample in samples.items())
logits = np.load(Path(places["teachers"]) / logits_of(taught)[one][split][0])
explore(
    partial(plots.softened, faces[one], logits),
    row=ipywidgets.IntSlider(0, 0, len(faces[one]) - 1, 8, description="image"),
    temperature=ipywidgets.SelectionSlider(options=[1.0, *temperatures], value=temperatures[0]),
)

# %% [markdown]
# ## The grid
#
# Equation 2 of the paper weighs teacher and labels equally, and leaves out the factor T^2. Gradients of the teacher's term
# shrink with T^2, so that at a high temperature hardly anything is learned from it: the table has its share of the norm of
# the first gradient, 0.5 being an equal one. Whatever a temperature does, part of it is this weight. Each training has random
# numbers of its own, so that differences between temperatures include that noise.

# %%
kinds = {f"{value:g}": losses.microexpnet(value) for value in temperatures} | {"4, with its square": METHODS["T 4 with its square"]}
said = torch.from_numpy(logits), torch.from_numpy(faces[one].labels)
heard = pd.DataFrame({"share": {name: losses.teacher_share(kd, *said) for name, kd in kinds.items()}}).rename_axis("temperature")
display(tables.save(heard, out, "teacher_share", faces[one], "The teacher's part of the first gradient").T)

# %%
sizes = sorted(sizes, key=statements.SIZES.index)
networks = [f"microexpnet_{size}" for size in sizes]
trials = pd.concat([
    grid(samples, networks, seeds, [SCRATCH, SOFTENED, *methods], temperatures, group_split=True),
    grid(samples, networks, seeds_at_random, [SCRATCH, SOFTENED], temperatures, group_split=False),
], ignore_index=True).astype({"fold": int, "seed": int})

# %%
together = {"most": 256, "workers": 1} if torch.cuda.is_available() else {}
work = partial(cohort, samples=samples, recipe=recipe, teacher_logits=logits_of(taught), teachers=places["teachers"])
basis = cache_key(samples, recipe, logits_of(taught))
found = require_complete(sweep(work, trials, runs and f"{runs}/05_kd_temperature_grid", identity=basis, cohort=COHORT, **together))
found["size"] = found["network"].str.removeprefix("microexpnet_")
kept = found.drop(columns=["size"]).assign(data=found["data"].map(labels))
tables.save(kept.set_index(["data", "split", "network", "method", "temperature", "fold", "seed"]), out, "trials", every)

# %%
keys = ["data", "split", "size"]
mean = statements.by_fold(found, [*keys, "method", "temperature"])
scratch, softened = (mean.xs(method, level="method") for method in (SCRATCH, SOFTENED))
scratch = scratch.droplevel("temperature")
average = softened.groupby(keys, sort=False).mean()
chosen = softened.groupby(keys, sort=False).apply(lambda part: pd.Series(statements.chosen_elsewhere(part), part.columns))
best = softened.groupby(keys, sort=False).apply(lambda part: part.loc[part.mean(axis=1).idxmax()])

# %% [markdown]
# ## Figures 1 to 4
#
# Accuracy over the temperatures; at the left without a teacher. Intervals are over the folds, corrected for the images that
# trainings have in common (Nadeau and Bengio).

# %%
lines = pd.concat({"none": scratch, **{f"{value:g}": softened.xs(value, level="temperature") for value in temperatures}}, names=["temperature"])
lines = statements.table(lines).drop(columns="p")
tables.save(lines.rename(index=labels, level="data").reorder_levels([*keys, "temperature"]), out, "by_temperature", every)
for name, set_ in faces.items():
    part = lines.xs(name, level="data").reset_index()
    figure = plots.panels(part, "temperature", "size", "split", set_, "Accuracy by temperature", "accuracy, %")
    display(plots.save(figure, out, f"temperature_{name}"))

# %% [markdown]
# ## Table IV
#
# The paper reports each student at the temperature that did best on the folds it is reported on, which flatters it: the
# best of seven noisy numbers is above their mean even where temperature does nothing. Beside it stand the temperature chosen
# for each fold by the accuracy on the others, and the mean over all. (Networks of the other folds were trained on this one,
# as in any cross-validation, but what they score on it has no part in the choice.) Where the teacher is no better than its
# student, a gain that is missing says little of distillation.

# %%
ledger = claims.load(f"{params}/claims", claims.networks(f"{params}/paper/networks.yaml"))
table4 = statements.joined({"scratch": scratch, "best": best, "chosen": chosen, "any": average})
table4.insert(0, "teacher", [by_teacher.loc[key[:2]].mean() for key in table4.index])
for name, method in (("scratch", SCRATCH), ("any", SOFTENED)):
    table4[f"{name}_macro_f1"] = found[found["method"] == method].groupby(keys)["macro_f1"].mean()
for column, ending in (("paper_scratch", ""), ("paper_best", "+kd")):
    table4[column] = [ledger.printed(f"accuracy(microexpnet_{size}{ending}, {data}, {split})") for data, split, size in table4.index]
table4 = tables.save(table4.rename(index=labels, level="data"), out, "table_4", every, f"From scratch and distilled, {epochs} epochs, {folds} folds")
display(table4[["teacher", "scratch", "paper_scratch", "best", "paper_best", "chosen", "any", "scratch_macro_f1", "any_macro_f1"]].style.format("{:.3f}", na_rep=""))

# %% [markdown]
# ## Does distillation do more for a smaller network?

# %%
gains = pd.concat({"mean over temperatures": average - scratch, "best, as the paper reports": best - scratch,
                   "chosen on other folds": chosen - scratch}, names=["temperature"])
gain = statements.table(gains)
tables.save(gain.rename(index=labels, level="data").reorder_levels([*keys, "temperature"]), out, "gains", every, "What distillation adds")
for name, set_ in faces.items():
    part = gain.xs(name, level="data").reset_index()
    figure = plots.panels(part, "size", "temperature", "split", set_, "What distillation adds", "accuracy distilled\nless from scratch, points", True)
    display(plots.save(figure, out, f"gains_{name}"))

# %% [markdown]
# ## Signal or noise?
#
# Where the variance of the students' accuracy comes from: the fold that is held out; the temperature, the same in all folds;
# the two together, which is a temperature that suits one fold and not another; and the seed alone, with everything else as
# it was. With one seed the last two cannot be told apart. p is of the temperature having no effect. Estimates below 0 are set
# to 0, so that a small share may be noise.

# %%
parts = found[found["method"] == SOFTENED].groupby(keys, sort=False)
spread = pd.DataFrame({key: statements.variance(part, "temperature") for key, part in parts}).T.rename_axis(keys)
tables.save(spread.rename(index=labels, level="data"), out, "variance", every, "Shares of the variance of accuracy")
display(spread.style.format("{:.3f}"))
for name, set_ in faces.items():
    part = spread.loc[name].drop(columns="p")
    part.index = [f"{size}, {split}" for split, size in part.index]
    display(plots.save(plots.shares(part, set_, "Where the variance comes from", "share of the variance, %"), out, f"variance_{name}"))

# %% [markdown]
# ## Methods that need no search
#
# Each is trained once, and the grid once for each temperature, of which one is chosen on other folds. They are temperature 4
# with the factor T^2 (Hinton et al., 2015), logit standardisation (Sun et al., 2024), DIST (Huang et al., 2022), decoupled
# distillation (Zhao et al., 2022) and CTKD (Li et al., 2023), with the settings of their papers, not tuned to these data; of
# CTKD, whose strength rises over ten epochs there, it rises over at most a tenth of the training here.

# %%
candidates = {(f"grid, {len(temperatures)} temperatures", len(temperatures)): chosen}
candidates |= {(method, 1): mean.xs(method, level="method").droplevel("temperature") for method in methods}
rows = {}
for key, accuracy in candidates.items():
    accuracy = accuracy[accuracy.index.get_level_values("split") != RANDOM]
    row = statements.joined({"gain": accuracy - scratch.loc[accuracy.index], "over_grid": accuracy - chosen.loc[accuracy.index]})
    row.insert(0, "accuracy", accuracy.mean(axis=1))
    rows[key] = row
others = pd.concat(rows, names=["method", "trainings"]).reorder_levels([*keys, "method", "trainings"])
display(tables.save(others.rename(index=labels, level="data"), out, "methods", every, "Without a search, and with one"))

# %%
for name, set_ in faces.items():
    part = others.loc[name].reset_index().rename(columns={"gain": "value", "gain_low": "low", "gain_high": "high"})
    figure = plots.panels(part, "size", "method", "split", set_, "Gain over training from scratch", "points of accuracy", True)
    display(plots.save(figure, out, f"methods_{name}"))

# %% [markdown]
# ## What the paper says, tested
#
# Each statement is that something is above 0: it *holds* where it is and p, adjusted for all of them on the same data, is
# below 0.05; *the opposite holds* where it is below 0; otherwise it is *not shown*, which is neither. People or copies are
# kept apart, as for Table IV. Intervals here are widened for the number of statements, so that they leave out 0 where there
# is a verdict. How much temperatures differ is counted without what seeds alone make of it, which takes more than one.

# %%
tested = {}
for name, sample in samples.items():
    split = next(split for split in prepared(sample)[1] if split != RANDOM)
    own = found[(found["method"] == SOFTENED) & (found["data"] == name) & (found["split"] == split)]
    parts = [part.loc[(name, split)] for part in (scratch, average, best, chosen)]
    said = statements.of_distillation(*parts, statements.swing(own, "temperature"))
    tested |= {(name, statement): one for statement, one in said.items()}
verdicts = statements.verdicts(tested)
caption = f"The paper's statements, tested; {epochs} epochs, {folds} folds"
display(tables.save(verdicts.rename(index=labels, level="data"), out, "verdicts", every, caption).style.format(precision=4))

# %%
if out:
    count = {split: len(seeds_at_random if split == RANDOM else seeds) for split in found["split"].unique()}
    rows = measurements.rows(statements.measured(verdicts), len(seeds))
    for ending, part in (("", scratch), ("+kd", best)):
        for (data, split, size), row in statements.table(part).drop(columns="p").iterrows():
            rows += measurements.rows({f"accuracy(microexpnet_{size}{ending}, {data}, {split})": row}, count[split])
    for (data, split), row in statements.table(by_teacher).drop(columns="p").iterrows():
        rows += measurements.rows({f"accuracy({teacher}, {data}, {split})": row}, 1)
    measurements.save(rows, out, profile)

# %% tags=["nbval-check-output"]
findings = {"networks": len(trials), "teachers": len(taught), "folds": folds, "temperatures": len(temperatures), "epochs": epochs}
for name, set_ in faces.items():
    findings[f"images_{name}"] = len(set_) // 8
print(pd.Series(findings).to_string())

# %%
findings |= {f"{statement}, {labels[data]}": row.verdict for (data, statement), row in verdicts.iterrows()}
tables.save_findings(findings | {"teacher": teacher}, out, every)
if out:
    settings = {"recipe": recipe.plain(), "teacher": teacher, "teacher_weights": teacher_weights, "teacher_recipe": teacher_recipe.plain(),
                "sets": sets, "images": images, "sizes": sizes, "folds": folds, "seeds": seeds, "seeds_at_random": seeds_at_random,
                "temperatures": temperatures, "methods": methods}
    provenance.save(out, settings, every, "cuda" if torch.cuda.is_available() else "cpu")
