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
# # 1 · Data audit: what can a score on these images mean?
#
# A network reports 67 % accuracy on a test set. Is that good? It depends on four things that no network knows: how many
# images of each class there are, how many are copies of one another, whether copies stand on both sides of the split, and
# how many labels are wrong. This notebook looks before anything is trained.
#
# Each section asks something first. **Make your guess before you run the cell that answers**, and write it down: what
# surprises you is what you learn. (Lab 1 goes first: images that have copies, and what they do to a score.)

# %% tags=["parameters"]
data = ""  # a folder that fercore import has made; empty: a small rendered set
out = ""  # where figures and tables go; empty: nowhere
seed = 0
threshold = 0.85  # from this correlation on, two images count as the same photograph
threshold_synthetic = 0.92  # the same for rendered faces, which are more alike than people
candidates = 8.0  # pairs per image that are compared beyond the coarsest stage in each framing, on average
folds = 5  # for the probabilities that label errors are found with
sheet = 12  # images in a row of a contact sheet

# %%
from IPython.display import Markdown, display

from fercore import datasets
from fercore.results import tables
from fercore.results.stage import Stage
from fercore.results.text import markdown

faces = datasets.load_imported(data) if data else datasets.load("synthfer", images=2000)
stage = Stage(out, faces, profile="")  # counts are the same whatever is trained, and for how long
threshold = threshold_synthetic if faces.synthetic else threshold
display(Markdown(stage.about()))

# %% [markdown]
# ## What do they look like?
#
# One row per class. Cover the names on the left: could you tell *fear* from *surprise*? *sad* from *neutral*?

# %%
from fercore.reporting import plots

display(stage.figure(plots.by_class(faces, sheet, seed), "contact_sheet"))

# %% [markdown]
# Look around: another seed draws other images, and each split has its own.

# %%
import ipywidgets

from fercore.reporting.widgets import explore

explore(
    lambda seed, split: plots.by_class(faces, sheet, seed, split),
    seed=ipywidgets.IntSlider(seed, 0, 50),
    split=ipywidgets.Dropdown(options=faces.splits),
)

# %% [markdown]
# ## How many of each?
#
# Three splits: *Training* is trained on, *PublicTest* chooses (epochs, settings), *PrivateTest* is reported.
#
# Seven classes; were they equally frequent, each would be 14 % of the images. **Guess**: what share is the rarest? And a
# network that *never* answers the rarest class, however the face looks: how much accuracy does that cost?

# %% tags=["nbval-check-output"]
from fercore import audit

counts = stage.table(audit.counts(faces), "class_counts", "Images by class and split")
stage.measure(audit.measurements(faces))
print(counts.to_string())

# %%
display(stage.figure(plots.class_counts(counts, faces), "class_counts"))

# %%
from fercore.reporting.sentences import percent

shares = counts.drop(index="total").iloc[:, -1] / len(faces)
rare, most, count = shares.idxmin(), shares.idxmax(), (shares > 0).sum()
display(stage.says(
    f"*{markdown(rare)}* is {percent(shares.min())} of the images, *{markdown(most)}* {percent(shares.max())}. "
    f"A network that never answers *{markdown(rare)}* can still have {percent(1 - shares.min())} accuracy. Macro-F1 notices. F1 "
    "is the harmonic mean of a class's precision and its recall, and macro-F1 the mean over classes, each counting alike: it cannot "
    f"be above {percent(1 - 1 / count)} then. That is why both stand in every table of this project.",
    "class_counts",
))

# %% [markdown]
# ## Is any image there twice?
#
# Identical to the last byte: no judgement is needed, a hash tells. **Guess**: of 100 images, how many are there already?

# %%
import numpy as np

exact = audit.exact_duplicates(faces.pixels)  # for each image the first row that holds the same bytes
findings = {"images": len(faces)} | {f"images_{split}": len(faces.rows(split)) for split in faces.splits if split}
findings |= {"one_grey_value": len(audit.constant(faces.pixels)), "exact_redundant": len(faces) - len(np.unique(exact))}
display(stage.says(
    f"{findings['exact_redundant']:,} of {len(faces):,} images are redundant, the same to the byte as another: "
    f"{percent(findings['exact_redundant'] / len(faces))}. Images of one grey value, without a face: {findings['one_grey_value']:,}."
))

# %% [markdown]
# ### A puzzle: copies that no hash finds
#
# Move a picture by one pixel, brighten it a little, save it as JPEG once more: every byte changes, and it is still the
# same photograph. So is a mirror image, and so is another crop of it. So a second kind is *judged*: two images count as
# one when, with their histograms equalised and one of them mirrored, scaled or shifted to the best fit, they correlate
# by at least a threshold. It misses what was rotated, cropped very closely, or both mirrored and cropped, and now and
# then it takes two photographs for one. **Guess**: does that find a few more, or more than the hash did?

# %% tags=["nbval-check-output"]
pairs = audit.near_duplicates(faces.pixels, threshold, candidates)
near = audit.groups(exact, pairs)
findings["near_redundant"] = len(faces) - len(np.unique(near))
for name, group in (("exact", exact), ("near", near)):
    findings[f"{name}_contradicted"] = len(audit.contradicted(faces, group))
for name in ("one_grey_value", "exact_redundant", "near_redundant", "exact_contradicted", "near_contradicted"):
    print(name, findings[name])

# %%
more = findings["near_redundant"] - findings["exact_redundant"]
display(stage.says(
    f"{more:,} more are redundant, {percent(more / len(faces))} of the set, once the same photograph in another brightness, "
    f"position or crop counts as well; a hash finds only {percent(findings['exact_redundant'] / len(faces))}. *Contradicted* "
    "are images whose copy has another label."
))

# %% [markdown]
# How are the two images of a pair related? *Whole*: one is as much of the photograph as the other, within two pixels.
# *Mirrored*: its mirror image. *Crop*: one shows a part of the other. *Shift*: each has a strip that the other lacks.
# **Guess**: how many of the pairs would a search miss that compares only whole images?

# %% tags=["nbval-check-output"]
by_kind = pairs["kind"].value_counts().reindex(audit.KINDS, fill_value=0).rename_axis("kind").to_frame("pairs")
by_kind = stage.table(by_kind, "pairs_by_kind", "Pairs of one photograph by what they are to one another")
print(by_kind.to_string())

# %%
other = by_kind["pairs"].sum() - by_kind.loc["whole", "pairs"]
display(stage.says(
    f"In {other:,} of {len(pairs):,} pairs of copies one image is a mirror image, a crop or a shift of the other. " + (
        "Rendered faces: nobody has cropped any of them. On FER2013 most pairs are crops: `reports/reference/01_data_audit/pairs_by_kind.csv`."
        if faces.synthetic else
        "Where a detector has cut out the faces, and people have corrected its boxes, as for FER2013 (Goodfellow et al., 2013), a "
        "photograph that was collected twice comes in two crops.")
))

# %% [markdown]
# Is the threshold right? Below are pairs drawn at random from three bands of the score, the lowest just above the threshold;
# a band without a pair is left out. If you see pairs of *different* photographs among the first, it is too low.

# %%
import pandas as pd

bands = pd.cut(pairs["score"], np.linspace(threshold, 1.0, 4), include_lowest=True)
drawn = pairs.groupby(bands, observed=True).apply(lambda band: band.sample(min(10, len(band)), random_state=seed))
shown = list(zip(drawn["first"], drawn["second"], strict=True))
captions = [f"{score:.2f}" for score in drawn["score"]]
display(stage.figure(plots.image_pairs(faces, shown, captions, "Pairs by score"), "near_duplicates"))

# %% [markdown]
# The rendered set knows which copies were planted in it, so there the search can be marked: how many of each kind it finds,
# and how many of its pairs are true. On real photographs nobody knows, and the sheet above has to serve. **Guess**: which
# kind is the hardest to find?

# %% tags=["nbval-check-output"]
if "copy_of" in faces.table:
    recall = audit.score_duplicates(faces, pairs)
    findings["near_precision"] = recall.attrs["precision"]
    findings |= {f"recall_{kind}": value for kind, value in recall["recall"].items()}
    recall = stage.table(recall, "duplicate_recall", "Planted copies found")
    print(recall.to_string())
    print(f"of the pairs that were found, true: {findings['near_precision']:.2f}")

# %%
if "copy_of" in faces.table and len(recall):
    by_recall = recall["recall"].sort_values(kind="stable")
    hardest = f"Hardest to find is *{markdown(by_recall.index[0])}*: {percent(by_recall.iloc[0], 0)} of what was planted."
    told = "All that was planted was found." if by_recall.iloc[0] == 1 else hardest
    display(stage.says(f"{told} Of the pairs that were found {percent(findings['near_precision'])} are true."))

# %% [markdown]
# ## Does the test set measure learning, or memory?
#
# Here is a rule that learns nothing. It keeps all Training images, and gives a test image the label of the Training image
# that it is most like, pixel by pixel. **Guess** its accuracy on PrivateTest: on the images whose photograph
# was found in Training, and on the others.

# %%
from fercore.datasets import splits

mask = stage.table(splits.mask(faces, exact, near), "test_mask")
rows = faces.rows("test")
right = audit.nearest_labels(faces, rows) == faces.labels[rows]
fresh = splits.kept(faces, "test", mask)["near_deduplicated"]
always = faces.labels[rows] == faces.classes.index(most)
memory = pd.Series({"also in Training": right[~fresh].mean(), "the others": right[fresh].mean(), "all": right.mean()})
display(memory.map(percent).rename("accuracy of the rule that only remembers").to_frame())

# %%
display(stage.says(
    f"Remembering is a 1-nearest-neighbour classifier on pixels: the label of the most similar Training image. On the "
    f"{(~fresh).sum():,} test images whose photograph was found in Training, it is right "
    f"{percent(memory.iloc[0])} of the time; on the other {fresh.sum():,}, {percent(memory.iloc[1])} (always answering "
    f"*{markdown(most)}*: {percent(always[fresh].mean())}). Its score on the whole test split is "
    f"{100 * (memory['all'] - memory['the others']):.1f} points higher than on those others."
))

# %% [markdown]
# **The cause**: copies on both sides of the split. How far it goes, split by split:

# %% tags=["nbval-check-output"]
leaks = {"exact": audit.leakage(faces, exact), "near": audit.leakage(faces, near)}
trained = faces.split_of("train")  # Training in FER2013
for name, table in leaks.items():
    stage.table(table, f"leakage_{name}", f"Redundant images and leakage, {name} copies")
    column = f"in_{trained}"
    findings |= {f"{name}_{split}_{column}": int(count) for split, count in table[column].drop(trained).items()}
print(pd.concat(leaks).round(4).to_string())

# %%
display(stage.figure(plots.leakage(leaks["exact"], leaks["near"], faces), "leakage"))
copies = pd.DataFrame({"row": np.arange(len(faces)), "exact": exact, "near": near})
copies = stage.table(copies, "duplicate_groups")

# %%
seen = {name: table["share"].drop(trained).max() for name, table in leaks.items()}
display(stage.says(
    f"Up to {percent(seen['exact'])} of a test split is in Training to the byte, and up to {percent(seen['near'])} "
    "as the same photograph. **The fix** is not to throw images away, since published scores are of all of them: every score "
    "of this project is given *as published*, without images that are in Training to the byte, and without those whose photograph is "
    "(`test_mask.csv`).",
    "leakage",
))

# %% [markdown]
# ## One photograph, two labels
#
# Where a photograph is there twice, it was labelled twice. **Guess**: how often do the two labels agree? Where they do
# not, nobody, and no network, can be right on both.

# %%
together = stage.table(audit.contradictions(faces, near), "contradictions", "Pairs of copies by their two labels")
reading = "pairs of images; on the diagonal the labels agree"
figure = plots.class_pairs(together, faces, "Copies by their two labels", reading)
display(stage.figure(figure, "contradictions"))

# %%
agree, off = np.trace(together), np.triu(together, 1)
one, other = (faces.classes[place] for place in np.unravel_index(off.argmax(), off.shape))
display(stage.says(
    f"Of {agree + off.sum():,} pairs of copies {percent(off.sum() / max(agree + off.sum(), 1))} disagree" + (
        f", most often *{markdown(one)}* with *{markdown(other)}* ({off.max():,} of them)." if off.any() else "."),
    "contradictions",
))

# %%
contrary = pairs[faces.labels[pairs["first"]] != faces.labels[pairs["second"]]].nlargest(20, "score")
shown = list(zip(contrary["first"], contrary["second"], strict=True))
captions = ["\n".join(faces.classes[faces.labels[row]] for row in pair) for pair in shown]
if shown:
    figure = plots.image_pairs(faces, shown, captions, "One photograph, two labels")
    display(stage.figure(figure, "contradicted_pairs"))

# %% [markdown]
# ## Which labels would you not put your name to?
#
# FER+ asked ten people about every image of FER2013. Where their votes have been imported too, they say how far the labels
# can be trusted. **Guess**: which class do ten people contradict most?

# %%
voted = "votes_neutral" in faces.table
if voted:
    agreement = stage.table(audit.vote_agreement(faces), "vote_agreement", "FER+ votes against the labels")
    findings["labels_voted_wrong"] = int(np.nansum(audit.voted_wrong(faces)))
    display(agreement, stage.figure(plots.vote_agreement(agreement, faces), "vote_agreement"))
    worst = agreement["disagree"].drop(index="all").idxmax()
    share = agreement.loc[worst, "disagree"]
    display(stage.says(f"A majority contradicts *{markdown(worst)}* most often: {percent(share)} of its images.", "vote_agreement"))
else:
    display(Markdown(
        "**To see.** Nobody has voted on these images. On FER2013 a majority contradicts *fear* most often, "
        "on 49 % of its images (`reports/reference/01_data_audit`)."
    ))

# %%
if voted:
    from fercore.datasets import votes

    counts_of = votes.counts(faces)
    agreement = counts_of.max(axis=1) / np.maximum(counts_of.sum(axis=1), 1)
    display(explore(
        lambda place: plots.by_agreement(faces, agreement, place, sheet),
        place=ipywidgets.FloatSlider(0.0, min=0.0, max=1.0, step=0.05, description="agreed"),
    ))

# %% [markdown]
# Can doubtful labels be found without asking anyone? *Confident learning* compares each label with the probabilities of a
# model that has seen neither the image nor a copy of it. The model here is plain (histograms of oriented gradients and logistic
# regression), so what it doubts is often its own weakness. **Guess**: of a hundred labels that it suspects, how many are wrong?

# %%
probabilities = audit.out_of_sample(faces, near, folds, seed)
found = audit.label_errors(faces, probabilities)
findings["out_of_sample_accuracy"] = (probabilities.argmax(axis=1) == faces.labels).mean()
findings["labels_suspected"] = int(found["suspected"].sum())
judge, wrong = audit.known_wrong(faces)  # who knows which labels are wrong, and which
display(Markdown(
    f"The model is right on {percent(findings['out_of_sample_accuracy'])} and suspects {findings['labels_suspected']:,} labels. "
    f"What it can be judged by: {markdown(judge or 'nothing')}."
))

# %%
if judge:
    score = audit.score_label_errors(found, wrong, seed)
    findings |= {f"label_errors_{name}": value for name, value in score.items()}
    table = stage.table(score.rename_axis("figure").to_frame(judge), "label_errors", f"Label errors, judged by {judge}")
    display(tables.shown(table), stage.figure(plots.label_errors(found, wrong, faces, judge), "label_errors"))

# %% tags=["nbval-check-output"]
if judge:
    better = score["precision"] > 1.5 * score["wrong_share"]
    print("suspected labels are wrong more than 1.5 times as often as any label:", better)
    print("doubt tells wrong labels from right ones better than chance:", score["auroc_low"] > 0.5)

# %%
if judge:
    display(stage.says(
        f"Of the labels it suspects {percent(score['precision'], 0)} are wrong; drawn at random it would be "
        f"{percent(score['wrong_share'], 0)}. It finds {percent(score['recall'], 0)} of all wrong ones. AUROC: of one wrong and "
        f"one right label, it doubts the wrong one more in {percent(score['auroc'], 0)} of cases; chance gives 50 %. So its "
        "list is worth a person's look, and not worth deleting blindly.",
        "label_errors",
    ))

# %% [markdown]
# Look for yourself: the labels that the model doubts most, class by class; and with the slider from the most doubtful (0) to
# those it finds clearest (1). Where does *you would not put your name to* end?

# %%
worst = {name: found[found["suspected"] & (found["label"] == index)].nsmallest(sheet, "quality").index.tolist()
         for index, name in enumerate(faces.classes)}
worst = {name: rows for name, rows in worst.items() if rows}
if worst:
    figure = plots.contact_sheet(faces, list(worst.values()), list(worst), "Least likely labels")
    display(stage.figure(figure, "doubtful_labels"))

# %%
explore(
    lambda share: plots.by_doubt(faces, found["quality"].to_numpy(), share, sheet),
    share=ipywidgets.FloatSlider(1.0, min=0.0, max=1.0, step=0.05, description="clear"),
)

# %% [markdown]
# ## Could light alone give a class away?
#
# If all *angry* faces were dark, a network could tell them without looking at a mouth. **Guess**: which class is
# darkest, and is the difference large compared with how much images of one class differ?

# %%
levels = audit.brightness(faces)
by_class = levels.groupby("class", observed=True)[["mean", "contrast"]].median()
stage.table(by_class, "brightness", "Median brightness and contrast of the images")
display(stage.figure(plots.brightness(levels, faces), "brightness"))

# %%
from sklearn.metrics import roc_auc_score

quarters = levels.groupby("class", observed=True)["mean"].quantile([0.25, 0.75]).unstack()
spread = (quarters[0.75] - quarters[0.25]).median()
dark, bright = by_class["mean"].idxmin(), by_class["mean"].idxmax()
pair = levels[levels["class"].isin([dark, bright])]
brighter = roc_auc_score(pair["class"] == bright, pair["mean"])
display(stage.says(
    f"*{markdown(dark)}* is darkest, *{markdown(bright)}* brightest; their medians are "
    f"{by_class['mean'][bright] - by_class['mean'][dark]:.0f} grey levels apart, while the middle half of one class, its box, is {spread:.0f} wide. "
    f"Of an image of each, that of *{markdown(bright)}* is the brighter one in {percent(brighter)} of cases; chance gives 50 %.",
    "brightness",
))

# %% [markdown]
# And shape? Here is the mean of all images of a class; below each stands how it differs from the mean of all classes. **Guess**:
# which part of the face will stand out?

# %%
display(stage.figure(plots.mean_faces(audit.mean_faces(faces), faces), "mean_faces"))

# %%
means = audit.mean_faces(faces)
apart = np.abs(means - np.nanmean(means, axis=0))
thirds = [part.mean() for part in np.array_split(np.nanmean(apart, axis=0), 3)]
place = ["the upper third, eyes and brows", "the middle third", "the lower third, mouth and chin"][np.argmax(thirds)]
by_name = pd.Series(np.nanmean(apart.reshape(len(apart), -1), axis=1), faces.classes)
display(stage.says(
    f"Most differs in {markdown(place)}. *{markdown(by_name.idxmax())}* is furthest from the mean of all classes "
    f"({by_name.max():.1f} grey levels a pixel), *{markdown(by_name.idxmin())}* nearest ({by_name.min():.1f}): will notebook 2's "
    "networks confuse it most?",
    "mean_faces",
))

# %% [markdown]
# ## What to keep in mind
#
# Notebook 2 trains on these images. Before you go on: what accuracy does knowing *nothing* give, and what would
# *memory* add?

# %%
settings = {"seed": seed, "threshold": threshold, "candidates": candidates, "folds": folds}
display(stage.says(
    f"Answering always *{markdown(most)}*: {percent(always.mean())}. Remembering only: {percent(memory['all'])} as published, "
    f"{percent(memory['the others'])} near-deduplicated. {findings['near_redundant']:,} of {len(faces):,} images are redundant, "
    f"and {findings['near_contradicted']:,} have a copy with another label."
))
findings = stage.close(findings, settings)
