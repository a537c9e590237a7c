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
# # 3 · TinyFER-Lite: which of its choices pays?
#
# The paper takes MobileNetV3-Small and makes three choices: Efficient Channel Attention (ECA) on its last map, focal loss in
# place of cross-entropy, and a weight for each class. ECA takes the mean of each channel, runs a 1D convolution (of 3 weights,
# by the number of parameters) over neighbouring channels and a sigmoid, and multiplies each channel by what comes out;
# MobileNetV3-Small already has such gates, by squeeze-and-excitation, in 9 of its 11 blocks. Focal loss is −(1 − p)² log p for
# the probability p of the right class, and a class of which there are fewer images weighs more. (Labs 2 and 5 have you write
# them.) The paper trains the result once. So a reader cannot tell which of the three helps, nor whether another seed would undo
# it. Here the choices are added to MobileNetV3-Small, one by one and together: the ablation that the paper's section 7 asks
# for. (*MobileNetV3-Small alone* is its features below TinyFER-Lite's head; with its own head, as in notebook 2, it has
# 1,525,031 parameters.)
#
# The paper: N. Khalid, *TinyFER-Lite: A Small-Data and Lightweight Attention-Based Architecture for Real-Time Facial Emotion
# Recognition*.

# %% tags=["parameters"]
data = ""  # a folder that fercore import has made; empty: a small rendered set
audit = ""  # where 01_data_audit has put its files; empty: copies are searched for here
baselines = ""  # where 02_baselines has; its best other network is the teacher. Empty: a mobilenet_v3_small
params = "../params"  # with claims/, what the paper prints
runs = ""  # where trained networks are saved and resumed from; empty: nowhere
out = ""  # where figures and tables go; empty: nowhere
profile = "quick"
weights = ""  # imagenet: what the backbone starts from; empty: drawn at random
seeds = [42]
epochs = 2
batch_size = 32
img_size = 48  # px
augmentation = "flip"  # tinyfer_lite: the paper's
learning_rate = 0.002
weight_decay = 0.01
schedule = "cosine"
warmup = 0.5  # epochs
factor = 0.5
plateau_patience = 3  # epochs
bn_momentum = 0.1  # 0: the network's own
precision = "fp32"
temperature = 4.0  # of distillation
alpha = 0.7  # share of the teacher
looked_at = 8  # images that Grad-CAM explains

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
# ## What does the network get to see?
#
# Under the paper's augmentation, it never sees the same image twice: in each epoch every image is cropped, rotated, flipped,
# jittered in brightness and contrast, and now and then partly erased, all at random. (The parameter `augmentation` says which
# one is trained with here.) Choose a kind, and move the seed. **Guess**: in how many of the pictures could *you* still name the
# expression? (*flip* flips only; *tinyfer_lite* is this paper's, *microexpnet_se* notebook 6b's; *none* changes nothing.)

# %%
import ipywidgets

from fercore.reporting import plots
from fercore.reporting.widgets import explore
from fercore.training import AUGMENTATIONS, augment

looked = faces.rows("train")[:8]
explore(
    lambda kind, seed: plots.augmented(
        faces, looked, augment.preview(faces.pixels[looked], img_size, AUGMENTATIONS[kind], 3, seed), f"Augmentation {kind}"),
    kind=ipywidgets.Dropdown(options=list(AUGMENTATIONS), value="tinyfer_lite"), seed=ipywidgets.IntSlider(0, 0, 20),
)

# %% [markdown]
# ## Six ways to train it
#
# The rows of section 7, all with the same seeds. Two of the paper's seven are one: *with ECA* and *ECA with cross-entropy*.
# *Class weights* multiply an image's loss by N / (C n), with n of the N training images in its class and C classes
# (equation 14). *Focal loss* multiplies it by (1 − p)², with p the probability of its label: what is right already counts
# less (equation 13; lab 2).
# The last is *distilled*: it learns from the probabilities of a teacher, the best other network of notebook 2, as well as from
# the labels. The paper gives neither temperature (notebook 5 says what that is) nor the teacher's share, so they are those of
# the 2026 MicroExpNet.

# %%
from fercore.evaluation import inference
from fercore.training import Recipe

recipe = Recipe(  # loss and class weights are the paper's by default
    epochs=epochs, batch_size=batch_size, img_size=img_size, augmentation=AUGMENTATIONS[augmentation],
    learning_rate=learning_rate, weight_decay=weight_decay, schedule=schedule, factor=factor,
    plateau_patience=plateau_patience, warmup=warmup, bn_momentum=bn_momentum or None, channels_last=True,
    precision=inference.precision_here(precision),
)

# %%
from fercore.results import tables
from fercore.studies import ablation
from fercore.studies.fits import fit_seeds

teacher, teacher_recipe = ablation.best_teacher(baselines, otherwise=recipe)
runs_of_teacher = fit_seeds({teacher: {"network": teacher, "recipe": teacher_recipe}}, seeds[:1], faces, runs, weights)
variants = ablation.variants(recipe, runs_of_teacher[teacher][0], temperature, alpha)
display(tables.shown(ablation.described(variants)))

# %% [markdown]
# **Guess**, before they are trained: which of the six has the best accuracy? Which finds most of the rarest class? And how
# many points lie between the first and the last?

# %%
trained = fit_seeds(variants, seeds, faces, runs, weights)
full = trained[ablation.FULL]

# %% [markdown]
# ## The full recipe first
#
# In the paper's Figure 2, the loss on PublicTest rises again while macro-F1 stays level, and the paper keeps the epoch
# with the best macro-F1. Does that happen here?

# %%
curves = {f"seed {seed}": run.history for seed, run in zip(seeds, full, strict=True)}
display(stage.figure(plots.training_curves(curves, faces, "macro_f1", "TinyFER-Lite"), "training_curves"))

# %%
import pandas as pd

history = pd.concat(curves, names=["seed", "place"]).reset_index("place", drop=True)
stage.table(history.set_index("epoch", append=True), "history", "TinyFER-Lite, epoch by epoch")
best = pd.DataFrame([run.history.iloc[run.best_epoch - 1] for run in full], index=pd.Index(seeds, name="seed"))
lowest = [int(run.history.loc[run.history["loss"].idxmin(), "epoch"]) for run in full]
display(tables.shown(best[["epoch", "train_loss", "loss", "accuracy", "macro_f1"]]), stage.says(
    f"Best macro-F1 in epoch {', '.join(f'{epoch:.0f}' for epoch in best['epoch'])}, lowest loss in "
    f"epoch {', '.join(f'{epoch:d}' for epoch in lowest)}, of {epochs:d} (one number for each seed). " + (
    "The loss turns before macro-F1 does, as in the paper." if (best["epoch"].to_numpy() > lowest).all()
    else f"Not in every seed does the loss turn before macro-F1 does; {epochs:d} epochs may be too few for it."),
    "training_curves",
))

# %% [markdown]
# ## On PrivateTest, once
#
# Tables 3 and 4 of the paper stand beside it where the faces are real. *Deduplicated* leaves out the images that are also
# in Training, byte for byte, *near-deduplicated* those whose photograph is. **Guess**: will the full recipe be above LBP and a
# support vector machine? (Theirs is in notebook 2.)

# %%
from fercore import audit as audits

masks = audits.without_copies(faces, "test", audit and f"{audit}/test_mask.csv")
rows = faces.rows("test")
labels = faces.labels[rows]
probabilities = {variant: [run.probabilities(faces, rows) for run in each] for variant, each in trained.items()}
predicted = {variant: [one.argmax(1) for one in each] for variant, each in probabilities.items()}

# %%
import numpy as np

from fercore import claims
from fercore.evaluation import metrics, statistics

printed = claims.load(f"{params}/claims", claims.networks(f"{params}/paper/networks.yaml")).beside(faces)
found = statistics.over_seeds(labels, predicted, len(faces.classes), masks)
scores = found[found["name"] == ablation.FULL].set_index(["part", "score"]).drop(columns="name")
named = {score: printed(f"{score}(tinyfer_lite, fer2013, PrivateTest)") for score in metrics.SCORES}
scores["paper"] = [named[score] if part == "published" else np.nan for part, score in scores.index]
scores = stage.table(scores, "scores", f"TinyFER-Lite on {tested}")
display(tables.shown(scores))

# %%
from fercore.reporting.sentences import listed, percent, ranked

majority = np.bincount(labels).max() / len(labels)
accuracy, macro_f1 = (scores.loc["published", score] for score in ("accuracy", "macro_f1"))
display(stage.says(
    f"Accuracy {percent(accuracy['value'])} [{percent(accuracy['low'])}, {percent(accuracy['high'])}], where always naming "
    f"the most frequent class gives {percent(majority)}; macro-F1 {percent(macro_f1['value'])}. " + ("No paper's number is of these faces."
    if np.isnan(accuracy["paper"]) else f"The paper prints {percent(accuracy['paper'])} and {percent(macro_f1['paper'])}.")
    + " The support vector machine's is in notebook 2."
))

# %% [markdown]
# ### Class by class
#
# **Guess**: is recall or precision higher for the rarest class, under a loss that weighs it most?

# %%
report = metrics.mean_report(labels, predicted[ablation.FULL], faces.classes)
for column in ("precision", "recall", "f1"):
    named = [f"{column}(tinyfer_lite, fer2013, PrivateTest, {name})" for name in faces.classes]
    report[f"paper_{column}"] = [printed(measurement) for measurement in named]
report = stage.table(report, "report", "TinyFER-Lite by class")
display(tables.shown(report))

# %%
matrix = np.mean([metrics.confusion(labels, one, len(faces.classes)) for one in predicted[ablation.FULL]], axis=0)
mean = f"mean of {len(seeds)} seeds" if len(seeds) > 1 else f"seed {seeds[0]}"
display(stage.figure(plots.confusion(matrix, faces, f"{tested}, {mean}"), "confusion"))

# %%
rarest = report["support"].idxmin()
said = np.concatenate(predicted[ablation.FULL])
often = pd.Series(np.bincount(said, minlength=len(faces.classes)) / len(seeds), faces.classes)  # a seed, on average
display(stage.says(
    f"*{markdown(rarest)}*, the rarest: recall {percent(report.loc[rarest, 'recall'])}, precision "
    f"{percent(report.loc[rarest, 'precision'])}; it is answered {often[rarest]:,.0f} times for {report.loc[rarest, 'support']:.0f} "
    f"images. Answered most: *{markdown(often.idxmax())}* ({percent(often.max() / len(rows))} of all answers). "
    f"F1: {ranked(report['f1'], 0)}.",
    "confusion",
))

# %% [markdown]
# Which images are behind a cell? Choose the variant, the label and the answer.

# %%
explore(
    lambda variant, label, answer: plots.answered(faces, rows, predicted[variant][0], label, answer),
    variant=ipywidgets.Dropdown(options=list(variants), value=ablation.FULL),
    label=ipywidgets.Dropdown(options=faces.classes, value=rarest),
    answer=ipywidgets.Dropdown(options=faces.classes, value=faces.classes[matrix[faces.classes.index(rarest)].argmax()]),
)

# %% [markdown]
# ### Does it know when it does not know?
#
# Of predictions made with 70 % confidence, 70 % should be right; the expected calibration error (ECE) is the mean gap between
# the two over the bins, weighted by images. **Guess**: focal loss takes weight from what is already classified well. Does that
# make a network overconfident or underconfident? The figure is of the full recipe; below it stands what focal loss alone does.

# %%
table, error = metrics.calibration(labels, probabilities[ablation.FULL][0])
stage.table(table.set_index("bin"), "calibration", "Accuracy by confidence")
display(stage.figure(plots.reliability(table, error, faces, f"seed {seeds[0]}"), "calibration"))

# %%
sure, right = (np.average(table[column], weights=table["images"]) for column in ("confidence", "accuracy"))
display(stage.says(
    f"Mean confidence {percent(sure)}, accuracy {percent(right)}, with seed {seeds[0]}: "
    f"{'overconfident' if sure > right else 'underconfident'} by {100 * abs(sure - right):.1f} points.",
    "calibration",
))
for name in (ablation.ECA, ablation.FOCAL):  # the same but for the loss
    bins, _ = metrics.calibration(labels, probabilities[name][0])
    sure, right = (np.average(bins[column], weights=bins["images"]) for column in ("confidence", "accuracy"))
    display(Markdown(f"*{markdown(name)}*: confidence {percent(sure)}, accuracy {percent(right)}."))

# %% [markdown]
# ## What each choice adds
#
# Now your guess is answered: six variants, the same images.

# %%
ablated = statistics.wide(found)
ablated = stage.table(ablated, "ablation", f"What each choice adds, on {tested}; seeds: {len(seeds)}")
display(tables.shown(ablated))

# %%
for score in ("accuracy", "macro_f1"):
    part = found[(found["part"] == "published") & (found["score"] == score)].set_index("name")
    what = score.replace("_", "-").replace("f1", "F1")
    figure = plots.intervals(part, faces, f"Ablation, seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}", f"{tested} {what}, %")
    display(stage.figure(figure, f"ablation_{score}"))

# %% [markdown]
# Each choice by itself, then: ECA is added to MobileNetV3-Small, each of the others to MobileNetV3-Small with ECA; the same seeds
# and images with it and without.

# %%
from fercore.reporting import student_sentences as sentences
from fercore.studies import fits

gained = fits.gains(labels, fits.by_seed(trained, predicted), ablation.STEPS, masks, len(faces.classes))
gained = gained.rename_axis(["choice", "part", "score"])
display(tables.shown(stage.table(gained, "gains", f"What each choice adds by itself, on {tested}")))
steps = gained.xs(("published", "accuracy"), level=["part", "score"])
figure = plots.intervals(steps, faces, "What each choice adds by itself", f"{tested} accuracy, points", zero=True)
display(stage.figure(figure, "gains"), stage.says(sentences.steps(gained), "gains"))

# %% [markdown]
# And the three together? Here are the differences from the full recipe. Is one due to the choice, or to chance? With several
# seeds, the interval and p allow for other seeds and other images. p is adjusted for the number of comparisons (Benjamini and
# Hochberg), intervals are not: of several, chance alone makes one leave out 0 more often than once in twenty. With one seed there
# is no p: the interval is of these two trainings, and another seed alone can move a score by as much.

# %%
against = statistics.differences(labels, predicted, ablation.FULL, len(faces.classes))
caption = f"Against the full recipe; seeds: {len(seeds)}; teacher: {teacher}"
against = stage.table(against, "differences", caption)
display(tables.shown(against))

# %%
part = against.xs("accuracy", level="score")
better, worse = part.index[part["low"] > 0], part.index[part["high"] < 0]
display(stage.says(
    f"Accuracy: {ranked(ablated['accuracy'])}. With their whole interval better than the full recipe: "
    f"{listed(f'*{markdown(name)}*' for name in better)}; worse: "
    f"{listed(f'*{markdown(name)}*' for name in worse)}; the others are not told apart. "
    + (f"That is over images and {len(seeds)} seeds." if len(seeds) > 1 else "One seed: what holds of these trainings may not hold of the choice."),
    "ablation",
))

# %% tags=["nbval-check-output"]
losses = {variant: each[0].history["train_loss"] for variant, each in trained.items()}
names = list(variants)
alike = [(one, other) for place, one in enumerate(names) for other in names[:place]
         if np.array_equal(predicted[one][0], predicted[other][0])]
for variant, loss in losses.items():
    print(f"{variant}: training loss", "fell" if loss.iloc[-1] < loss.iloc[0] else "did not fall")
print("variants that answer all images alike:", listed(alike))

# %% [markdown]
# ### A puzzle: can one recipe be the best at everything?
#
# Each choice changes what the loss asks for. Class weights ask for the rare classes, at the expense of the frequent ones:
# accuracy counts images, and may fall, while recall of the rare classes rises. Focal loss leaves an image
# classified with p = 0.9 only 3 % of the gradient of cross-entropy; below p = 0.3 it gives a little more, 1.2 times as much
# at p = 1/7. **Guess**: in which variant does recall depend least on
# how many images a class has?

# %%
counts = np.bincount(faces.labels[faces.rows("train")], minlength=len(faces.classes))
recalls = metrics.recall_by_frequency(labels, predicted, faces.classes, counts)
recalls = stage.table(recalls, "recall_by_frequency")
display(stage.figure(plots.recall_by_frequency(recalls.reset_index(), faces), "recall_by_frequency"))

# %%
common = faces.classes[counts.argmax()]
by_class = recalls["recall"].unstack("class")
there = by_class[list(faces.classes)].notna().all().to_numpy()  # classes with a test image
images = np.log10(np.maximum(counts, 1))[there]
slope = by_class[list(faces.classes)].apply(lambda recall: np.polyfit(images, recall[there], 1)[0], axis=1)
flat, steep = slope.abs().idxmin(), slope.abs().idxmax()
display(stage.says(
    f"*{markdown(rarest)}* is found by {ranked(by_class[rarest], 0)}; *{markdown(common)}*, the most frequent, by "
    f"{ranked(by_class[common], 0)}. Recall depends least on how many images a class has in *{markdown(flat)}* "
    f"({100 * slope[flat]:+.0f} points for ten times as many), most in *{markdown(steep)}* ({100 * slope[steep]:+.0f}).",
    "recall_by_frequency",
))

# %% [markdown]
# **What to do with it**: choose the loss for the score that counts, and check that it raises that score. Class weights are meant
# for scores in which every class counts alike, such as macro-F1; see above whether they raised it in these epochs. A loss that
# learns slowly needs the epochs that the paper gave it.
#
# ## Where does it look?
#
# Grad-CAM: the parts of an image that speak for the answer. At the last layers of a small input there is hardly any *where*
# left, so the map is of the last layer that still has one. **Guess**: the upper third, the middle, or the lower?

# %%
from fercore.evaluation import grad_cam

shown = np.random.default_rng(seeds[0]).choice(rows, min(looked_at, len(rows)), replace=False)
maps, answers = grad_cam.grad_cam(full[0].network, faces, shown, img_size)
captions = [f"{faces.classes[faces.labels[row]]}\nsays {faces.classes[answer]}" for row, answer in zip(shown, answers, strict=True)]
display(stage.figure(plots.explanations(faces, shown, maps, captions, "Grad-CAM"), "grad_cam"))

# %%
thirds = pd.Series([part.sum() for part in np.array_split(maps.sum(0), 3)], ["upper", "middle", "lower"])
display(stage.says(
    f"Where the map speaks for the answer, by thirds of the image: {ranked(thirds / max(thirds.sum(), 1e-9), 0)}. "
    f"{(answers == faces.labels[shown]).sum():,} of these {len(shown)} answers are right; a map explains wrong ones just as readily.",
    "grad_cam",
))

# %% [markdown]
# ## What to keep in mind
#
# Compare with your guesses. What would you need before you said that the three choices together help?

# %%
from fercore.results.measurements import name as measurement
from fercore.results.measurements import started

measured = statistics.measurements(
    "tinyfer_lite", faces.name, tested, labels, predicted[ablation.FULL], faces.classes, masks
)
own = {measurement("best_epoch", "tinyfer_lite", faces.name): "epoch"}
if selected != tested:
    own |= {measurement(score, "tinyfer_lite", faces.name, selected): score for score in metrics.SCORES}
measured += [{"measurement": key, "value": best[one].mean(), "seeds": len(seeds)} for key, one in own.items()]
last = pd.DataFrame([run.history.iloc[-1] for run in full])  # epoch, which the paper prints beside the best
measured += [
    {"measurement": measurement(score, "tinyfer_lite", faces.name, selected, settings=["epoch=last"]),
     "value": last[score].mean(), "seeds": len(seeds)}
    for score in ("accuracy", "macro_f1")
]
said = {ablation.FULL: predicted[ablation.FULL], **predicted}  # the full recipe's in front
stage.table(metrics.predictions(rows, labels, said), "predictions")
other = f"{recipe.precision} in place of {precision}" if recipe.precision != precision else ""
stage.measure(measured, *started(profile, weights, other))

# %%
findings = {"variants": len(variants), "seeds": len(seeds), "epochs": epochs, "img_size": img_size, "images": len(rows)}
findings |= {f"left_{name}": int(kept.sum()) for name, kept in masks.items()}
findings |= {"weights": weights or "random", "calibration_error": error, "teacher": teacher}
gap = part.loc[ablation.ALONE, ["low", "high"]] * -100
always = f"{-100 * part.loc[ablation.ALONE, 'difference']:+.1f} points with each"
known = always if gap.isna().any() else f"between {gap['high']:+.1f} and {gap['low']:+.1f} points"
display(Markdown("Several seeds, and an interval that leaves out 0."), stage.says(
    f"Over {len(seeds)} seed{'s' * (len(seeds) > 1)}, accuracy of the full recipe less that of MobileNetV3-Small alone is {known}."
))
findings = stage.close(findings, {"seeds": seeds, "weights": weights, "teacher": teacher, "recipe": recipe.plain()})
