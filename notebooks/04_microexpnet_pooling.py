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
# # 4 · MicroExpNet: on whom was it tested, and does pooling help?
#
# Cugu, Sener and Akbas train very small networks on two sets of faces, and ask whether max-pooling helps or hurts. Their
# answer is that it depends on the test: it helps where the test shows people that were not trained on, and hurts where
# images are split at random (section IV-A, Table II).
#
# That should make one curious about something else first. **How much does a score depend on how the test was split off?**
# Before the paper's question, this notebook asks that one, on a single network. Several times, you are asked for a number
# before you see it: write it down. (Lab 4 has you split a data set at random and by person.)
#
# The paper: I. Cugu, E. Sener, E. Akbas, *MicroExpNet: An Extremely Small and Fast Model For Expression Recognition From Face
# Images*, 2017, [arXiv:1711.07011](https://arxiv.org/abs/1711.07011).

# %% tags=["parameters"]
ckplus = ""  # folders that fercore import or fercore data has made; all three empty: a few rendered faces
oulucasia = ""
fer2013 = ""
audit = ""  # where 01_data_audit has put its files on fer2013; empty: copies are searched for here
params = "../params"  # with claims/, what the paper prints
reference = "../reports/reference"  # results on real data that come with the project
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
from IPython.display import Markdown, display

from fercore.results import tables
from fercore.results.stage import Stage
from fercore.studies.study import Study

folders = {"ckplus": ckplus, "oulucasia": oulucasia, "fer2013": fer2013}
study = Study.of(folders, sets, images, folds, audit, runs)
faces, labels = study.faces, study.labels
stage = Stage(out, list(faces.values()), profile)
display(Markdown(stage.about()))

# %% [markdown]
# ## One network, one number
#
# The usual way to test: shuffle the images, deal them into folds, train on all folds but one, score on the one that is left
# out, and so on for each. The network is the paper's largest (M) in its plainest form, without pooling, trained as section
# III-C says: Adam, batches of 64, dropout 0.5, every image as eight windows of 84 px. An image is scored by the mean of its
# windows' probabilities, of which the paper says nothing. (The paper trains 1,000 epochs at a rate of 1e-4. Profiles other than
# `paper` train a few epochs at a higher rate with a cosine schedule.)
#
# Always answering the most frequent class is what a score has to beat. **Is this a good network?**

# %%
from fercore.reporting import study_sentences as sentences
from fercore.studies import pooling, statements
from fercore.studies.study import student_recipe

sizes = statements.from_large_to_small(sizes)
recipe = student_recipe(epochs, batch_size, learning_rate, schedule, warmup)
plain = pooling.train(study, pooling.trials(study.samples, sizes[:1], seeds, ["none"]), recipe)
by_split = statements.by_fold(plain, ["data", "split"])
display(stage.says(sentences.one_split(by_split, faces)))

# %% [markdown]
# ## The same network, other folds
#
# Shuffling never looked at *who* is in an image. Deal out people instead, so that all images of one person fall into
# the same fold (*subject folds*, which the literature calls subject-independent). Where a set does not name its people,
# as FER2013 does not, deal out photographs: all copies of one photograph fall into the same fold (*copy folds*; only
# images that have a copy are taken, so these are no accuracies on FER2013 as a whole). We call both *grouped folds*.
# Network, recipe and number of images stay as they were.
#
# **Guess: what does it score now?** Write down a number.

# %%
display(stage.says(sentences.gap(by_split, faces)))
display(Markdown(sentences.gap_before(reference)))

# %% [markdown]
# How near was your guess? Nothing about the network has changed, and it has about as many images to learn from. One of
# the two numbers tells what to expect on a stranger's face; the other is the one that shuffling gives.
#
# ## Puzzle: what do random folds give away?
#
# Look at images that belong together, and on which side of a fold they are. Move the sliders: other people, other folds.
# **What does the network know about the framed images, above and below?**

# %%
import ipywidgets

from fercore.reporting import plots
from fercore.reporting.widgets import explore


def show(data, together, fold):
    return plots.sides(faces[data], study.together(data)[together], study.sets[data].folds, fold)


most = min(len(study.together(data)) for data in faces)
menu = ipywidgets.Dropdown(options=list(faces))
explore(show, data=menu, together=ipywidgets.IntSlider(0, 0, most - 1), fold=ipywidgets.IntSlider(0, 0, folds - 1))

# %% [markdown]
# ## Cause: it has met them
#
# **Guess: of the images that random folds hold out, for how many is another image of the same person (or the same photograph)
# among those trained on?** A tenth? Half?

# %%
sides = study.both_sides()
display(stage.says(sentences.both_sides(sides, labels)))

# %% [markdown]
# Then remembering is enough. If that is the cause, one should get far without any network: take the one image trained on that
# is most alike, grey level by grey level, and copy its label. **How far, on random folds, and on grouped ones?**

# %%
copied = study.nearest()
display(stage.says(sentences.nearest(copied, labels)))

# %% tags=["nbval-check-output"]
print(sides.to_string())
print((100 * copied).round().astype(int).to_string())

# %% [markdown]
# ## Fix: grouped folds
#
# Deal out what belongs together, never single images. The folds are then not quite equal in size, which is all that it
# costs; each still has about its share of every class. (FER2013's copy folds solve only half of the problem: nobody
# knows which of its images show the same person, so people may still be on both sides.)

# %%
display(tables.shown(study.labelled(study.held_out())))

# %% [markdown]
# ## Now the paper's question: does pooling help?
#
# The authors expected pooling to hurt, since expressions are small changes around eyes and mouth. They report of their two
# smallest networks, XS and XXS, that it *helps* on subject folds and *hurts* on random ones, and explain it by what you have
# just seen: without pooling, a network can remember more of a face.
#
# There are sixteen candidates: four sizes (fewer in the shorter profiles), each with pooling after no, the first, the second or
# both convolutions. They differ by more than pooling. With pooling after conv1 that convolution's stride is halved, and with
# pooling after conv2 the layer fc1 has three times as many neurons. This keeps the parameters about equal, so a comparison is of
# whole designs, not of pooling alone.
#
# Where the authors' script of the candidates departs from their text, the text is followed: the script divides the rate by 10
# after the first epoch, never shuffles, draws biases from a normal distribution, and drops the first image of most folds. The
# eight windows are the script's, since the text does not say where at the corners and sides they are. The script also feeds grey
# levels from 0 to 255 as they are, where here, as for all networks, images are normalised: a rate of 1e-4 means something else
# then.
#
# **Guess: by how many points does pooling after both change XXS on grouped folds, and by how many on random ones?**

# %%
from fercore import claims

found = pooling.train(study, pooling.trials(study.samples, sizes, seeds), recipe)
stage.table(pooling.as_kept(found, study), "trials")
ledger = claims.load(f"{params}/claims", claims.networks(f"{params}/paper/networks.yaml"))
table_2 = pooling.table_2(found, ledger.printed)
caption = f"Accuracy of the candidates over {folds} folds, {epochs} epochs"
stage.table(study.labelled(table_2), "candidates", caption)
shown = stage.table(statements.side_by_side(study.labelled(table_2), "pooling", pooling.PLACES), "table_2", caption)
display(tables.shown(shown))

# %% [markdown]
# Table II: mean accuracy over the folds with its 95 % interval, corrected for the images that trainings have in common (Nadeau
# and Bengio). The paper's number stands beside it where the faces are real and the set is the paper's. `candidates.csv` also
# has macro-F1, the training loss, and the accuracy of windows by themselves, which is what the authors' script counts.

# %%
for name, one in faces.items():
    part = table_2.loc[name].reset_index()
    figure = plots.panels(part, "size", "pooling", "split", one, "Accuracy by pooling and size", "accuracy, %; 95 % over folds")
    display(stage.figure(figure, f"pooling_{name}"))
display(stage.says(sentences.best_pooling(table_2, labels), "pooling"))

# %% [markdown]
# Does a candidate that scores more merely learn faster? The training loss tells: lower is nearer to what it was trained on.

# %%
losses = table_2["train_loss"].rename("training loss").unstack("pooling", sort=False)
display(tables.shown(study.labelled(losses), digits=2))

# %% tags=["nbval-check-output"]
print(study.learned(found).to_string())
print(study.gap(by_split).to_string())

# %% [markdown]
# ## What pooling changes
#
# Accuracy with pooling less that without, fold by fold on the same images. **Before you look for the largest gain: of so many
# intervals of 95 %, how many would leave out 0 if pooling did nothing at all?**

# %%
import pandas as pd

gains = pooling.gains(found)
gain = statements.table(gains)
stage.table(study.labelled(gain), "gains", "Accuracy with pooling less without")
for name, one in faces.items():
    part = gain.loc[name].reset_index()
    part["pooling"] = pd.Categorical(part["pooling"], pooling.PLACES)  # in the colours that they have above
    ylabel = "accuracy with pooling less\nwithout, points; 95 % over folds"
    figure = plots.panels(part, "size", "pooling", "split", one, "What pooling changes", ylabel, zero=True)
    display(stage.figure(figure, f"gains_{name}"))
display(stage.says(sentences.differences(gain, labels), "gains"))

# %% [markdown]
# ## Does it depend on how long one trains?
#
# Remembering takes time. If it is what makes pooling look bad on random folds, then the gain by pooling should *fall* with the
# length of the training there, and should not on grouped folds. So the largest and the smallest network are trained for
# longer too, without pooling and with both, on the first set (where the profile has `lengths`). **Which way do you expect the
# lines to go?**

# %%
first = dict(list(study.samples.items())[:1])
more = [length for length in lengths if length != epochs]
ends = list(dict.fromkeys([sizes[0], sizes[-1]]))
trials = pooling.trials(first, ends, seeds, ["none", "after both"], more) if more else []
longer = pooling.train(study, trials, recipe) if more else []
by_length = pooling.by_length(found, longer, epochs)
stage.table(study.labelled(by_length), "lengths", "What pooling after both changes, by length of training")
display(stage.says(sentences.lengths(by_length, labels) or "This profile trains for one length.", "lengths"))

# %%
if more:
    name = next(iter(first))
    part = by_length.xs(name, level="data").reset_index()
    title, ylabel = "What pooling changes, by length", "accuracy with both poolings less\nwithout, points; 95 % over folds"
    figure = plots.panels(part, "epochs", "size", "split", faces[name], title, ylabel, zero=True)
    display(stage.figure(figure, f"lengths_{name}"))

# %% [markdown]
# ## What the paper says, tested
#
# Eight statements. Each says that something is above 0: it *holds* where it is and p, adjusted for all of them on the same
# data, is below 0.05; *does not hold* where it is below 0; otherwise it is *not shown*, which is neither. A positive
# value agrees with the paper: that small networks lose by pooling, of -6 points, means that they gain 6. Pooling is that after
# both convolutions, the one that the paper goes on with; its small networks, XS and XXS, are taken on their mean. Intervals
# are widened for the number of statements, so that they leave out 0 where there is a verdict. Some statements rest on the
# same comparison, so that rows may repeat a number.
#
# **Guess: how many of the eight can be shown from so many folds?**

# %%
verdicts = pooling.verdicts(gains)
caption = f"The paper's statements, tested; {epochs} epochs, {folds} folds"
display(tables.shown(stage.table(study.labelled(verdicts), "verdicts", caption)))
display(stage.says(sentences.verdicts(verdicts, labels)))

# %% [markdown]
# *Not shown* is not *wrong*: it says that these folds, this many epochs and these images do not decide it. **Which changes a
# score more: where a network pools, or how its test was split off?**

# %%
display(stage.says(sentences.split_or_pooling(by_split, gain, labels)))

# %% [markdown]
# ## What to keep in mind
#
# How a test was split off can matter more than the network. Ask of every score whom it was tested on.

# %%
from fercore.studies.study import OTHER  # how these trainings still differ from the paper's

stage.measure(pooling.measured(table_2, verdicts, epochs, len(seeds)), reserved=OTHER if profile == "paper" else None)
findings = {"networks": len(found), "folds": folds, "seeds": len(seeds), "epochs": epochs}
findings |= {f"images_{name}": len(one) for name, one in faces.items()}
for (data, split), count in study.held_out()[0].items():
    findings[f"held_out_{data}_{split.replace(' ', '_')}"] = count
findings |= {f"{statement}, {labels[data]}": row.verdict for (data, statement), row in verdicts.iterrows()}
settings = {"recipe": recipe.plain(), "sets": sets, "images": images, "sizes": sizes, "folds": folds}
settings |= {"seeds": seeds, "lengths": lengths}
display(tables.shown(stage.close(findings, settings).to_frame("finding")))
