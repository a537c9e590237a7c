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
# # 1 · Data audit
#
# Before a network is trained on a data set, four questions decide what its score can mean: how many images of each class
# there are, how many of them are copies of one another, whether copies stand on both sides of a split, and how many labels
# are wrong. This notebook answers them for FER2013, or for the rendered set that stands in for it where FER2013 is not at hand.

# %% tags=["parameters"]
data = ""  # a folder that fercore import has made; empty: a small rendered set
out = ""  # where figures and tables go; empty: nowhere
seed = 0
threshold = 0.85  # least correlation of two images of the same photograph
threshold_synthetic = 0.92  # the same for rendered faces, which are more alike than people
candidates = 16.0  # pairs an image that are looked at closely, on average
folds = 5  # for the probabilities that label errors are found with
sheet = 12  # images in a row of a contact sheet

# %%
import ipywidgets
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from fercore import audit, datasets
from fercore.datasets import splits
from fercore.reporting import plots
from fercore.reporting.widgets import explore
from fercore.results import measurements, provenance, tables

# %%
faces = datasets.load_imported(data) if data else datasets.load("synthfer", images=2000)
for note in faces.notes:
    display(Markdown(f"**Note.** {note}"))
findings = {"images": len(faces)}
findings.update({f"images_{split}": len(faces.rows(split)) for split in faces.splits if split})
findings["one_grey_value"] = len(audit.constant(faces.pixels))
threshold = threshold_synthetic if faces.synthetic else threshold

# %% [markdown]
# ## What is there
#
# The classes are far from equal: a network that never says *disgust* loses hardly any accuracy, which is why macro-F1 is
# reported beside it.

# %% tags=["nbval-check-output"]
counts = tables.save(audit.counts(faces), out, "class_counts", faces, "Images by class and split")
measurements.save(audit.measurements(faces), out)
print(counts.to_string())

# %%
display(plots.save(plots.class_counts(counts, faces), out, "class_counts"))

# %%
display(plots.save(plots.by_class(faces, sheet, seed), out, "contact_sheet"))

# %% [markdown]
# A look around: another seed draws other images.

# %%
explore(
    lambda seed, split: plots.by_class(faces, sheet, seed, split),
    seed=ipywidgets.IntSlider(seed, 0, 50),
    split=ipywidgets.Dropdown(options=faces.splits),
)

# %% [markdown]
# ## Copies
#
# Two kinds are told apart. *Identical to the byte* needs no judgement. *The same photograph* is judged: two images count as
# one when, their histograms equalised, they correlate by more than the threshold once shifted to the best fit. Those are
# crops a pixel or two apart, other contrasts, other compressions, the same stock photograph under another watermark.

# %%
exact = audit.exact_duplicates(faces.pixels)
pairs = audit.near_duplicates(faces.pixels, threshold, candidates)
near = audit.groups(exact, pairs)
for name, group in (("exact", exact), ("near", near)):
    findings[f"{name}_redundant"] = len(faces) - len(np.unique(group))
    findings[f"{name}_contradicted"] = len(audit.contradicted(faces, group))

# %% tags=["nbval-check-output"]
print(pd.Series(findings).to_string())

# %% [markdown]
# ### On both sides of the split
#
# A test image that also stands in Training measures memory. Results of this project are therefore given twice: on the whole
# test split, as published, and on the images that are left without copies.

# %% tags=["nbval-check-output"]
leaks = {"exact": audit.leakage(faces, exact), "near": audit.leakage(faces, near)}
for name, table in leaks.items():
    tables.save(table, out, f"leakage_{name}", faces, f"Redundant images and leakage, {name} copies")
    findings.update({f"{name}_{split}_in_Training": int(table.loc[split, "in_Training"]) for split in table.index[1:]})
print(pd.concat(leaks).round(4).to_string())

# %%
display(plots.save(plots.leakage(leaks["exact"], leaks["near"], faces), out, "leakage"))
mask = tables.save(splits.mask(faces, exact, near), out, "test_mask", faces)
copies = pd.DataFrame({"row": np.arange(len(faces)), "exact": exact, "near": near})
copies = tables.save(copies, out, "duplicate_groups", faces)

# %% [markdown]
# How the threshold was chosen: pairs drawn at random from three bands of the score, the lowest just above the threshold. If
# pairs of different photographs stand there, it is too low.

# %%
bands = pd.cut(pairs["score"], np.linspace(threshold, 1.0, 4), include_lowest=True)
drawn = pairs.groupby(bands, observed=True).apply(lambda band: band.sample(min(10, len(band)), random_state=seed))
shown = list(zip(drawn["first"], drawn["second"], strict=True))
captions = [f"{score:.2f}" for score in drawn["score"]]
display(plots.save(plots.image_pairs(faces, shown, captions, "Pairs by score"), out, "near_duplicates"))

# %% [markdown]
# ### Copies that contradict each other
#
# The same photograph with two labels: at least one is wrong, and a network cannot be right on both. Off the diagonal the
# table counts such pairs by their two classes.

# %%
together = audit.contradictions(faces, near)
tables.save(together, out, "contradictions", faces, "Pairs of copies by their two labels")
reading = "pairs of images; on the diagonal the labels agree"
figure = plots.class_pairs(together, faces, "Copies by their two labels", reading)
display(plots.save(figure, out, "contradictions"))

# %%
contrary = pairs[faces.labels[pairs["first"]] != faces.labels[pairs["second"]]].nlargest(20, "score")
shown = list(zip(contrary["first"], contrary["second"], strict=True))
captions = ["\n".join(faces.classes[faces.labels[row]] for row in pair) for pair in shown]
if shown:
    figure = plots.image_pairs(faces, shown, captions, "One photograph, two labels")
    display(plots.save(figure, out, "contradicted_pairs"))

# %% [markdown]
# ### How well copies are found
#
# The rendered set knows its copies, so the search can be scored: recall by kind of copy, and precision of the pairs. On the
# real set nobody knows; there the sheet above has to serve.

# %%
if "copy_of" in faces.table:
    recall = audit.score_duplicates(faces, pairs)
    findings["near_precision"] = recall.attrs["precision"]
    findings.update({f"recall_{kind}": value for kind, value in recall["recall"].items()})
    display(tables.save(recall, out, "duplicate_recall", faces, "Planted copies found"))

# %% [markdown]
# ## Labels in doubt
#
# FER+ asked ten people about every image of FER2013. Where their votes have been imported too, they say how far the labels
# can be trusted, class by class.

# %%
voted = "votes_neutral" in faces.table
if voted:
    agreement = tables.save(audit.vote_agreement(faces), out, "vote_agreement", faces, "FER+ votes against the labels")
    findings["labels_voted_wrong"] = int(np.nansum(audit.voted_wrong(faces)))
    display(agreement, plots.save(plots.vote_agreement(agreement, faces), out, "vote_agreement"))

# %% [markdown]
# Confident learning finds doubtful labels without asking anyone: it compares each label with the probabilities of a model
# that has not seen the image, nor a copy of it. The model here is a plain one, gradients' orientations and logistic
# regression, so what it doubts is often its own weakness; the score below says how often.

# %%
probabilities = audit.out_of_sample(faces, near, folds, seed)
found = audit.label_errors(faces, probabilities)
findings["out_of_sample_accuracy"] = (probabilities.argmax(axis=1) == faces.labels).mean()
findings["labels_suspected"] = int(found["suspected"].sum())

# %%
if "true_label" in faces.table:
    judge, wrong = "what was planted", (faces.table["true_label"] != faces.labels).to_numpy(float)
elif voted:
    judge, wrong = "the FER+ votes", audit.voted_wrong(faces)
else:
    judge, wrong = "", None

# %%
if judge:
    score = audit.score_label_errors(found, wrong, seed)
    findings.update({f"label_errors_{name}": value for name, value in score.items()})
    score = score.rename_axis("figure").to_frame(judge)
    tables.save(score, out, "label_errors", faces, f"Label errors, judged by {judge}")
    display(score, plots.save(plots.label_errors(found, wrong, faces, judge), out, "label_errors"))

# %% [markdown]
# The labels that the model doubts most, class by class.

# %%
rows, names = [], []
for index, name in enumerate(faces.classes):
    worst = found[found["suspected"] & (found["label"] == index)].nsmallest(sheet, "quality")
    if len(worst):
        rows.append(worst.index.tolist())
        names.append(name)
if rows:
    display(plots.save(plots.contact_sheet(faces, rows, names, "Least likely labels"), out, "doubtful_labels"))

# %% [markdown]
# ## Light and shape
#
# A class that is darker or flatter than the others can be told by its light alone. The mean faces show what a class has in
# common; below each stands its difference from the mean of all classes.

# %%
levels = audit.brightness(faces)
by_class = levels.groupby("class", observed=True)[["mean", "contrast"]].median()
tables.save(by_class, out, "brightness", faces, "Median brightness and contrast of the images")
display(plots.save(plots.brightness(levels, faces), out, "brightness"))

# %%
display(plots.save(plots.mean_faces(audit.mean_faces(faces), faces), out, "mean_faces"))

# %% tags=["nbval-check-output"]
findings = tables.save_findings(findings, out, faces)
if out:
    parameters = {"seed": seed, "threshold": threshold, "candidates": candidates, "folds": folds}
    provenance.save(out, parameters, faces)
print(f"{findings['exact_redundant']} exact copies, {findings['near_redundant']} with near ones")
