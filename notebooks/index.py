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
# # Lightweight facial emotion recognition, reproduced
#
# Papers on facial emotion recognition (FER) with small networks, rebuilt from code. Each notebook runs from top to bottom
# as it is, on rendered faces, in seconds to a few minutes; with a data set of your own it does the same on real ones. It asks first,
# and lets you guess before it answers. A *profile* is how long a run is: quick (rendered faces, minutes), laptop (a day) or paper
# (the papers' own settings); the *ledger* is the list of all claims with their verdicts (notebook 9).

# %% tags=["parameters"]
root = ".."  # the project
budget = 5.5  # parameters to begin with, as a power of ten

# %% [markdown]
# ## The notebooks
#
# *Takes* names the parameters that say where data and earlier results are (empty: rendered faces), *gives* what is written where
# `out` names a folder, *took* how long it ran here, and for the included results on real data. *Trained before*: the training,
# which takes hours, is not in it.

# %%
from IPython.display import Markdown, display

from fercore.reporting import contents
from fercore.results.text import markdown

display(Markdown(contents.linked(contents.notebooks(root))))

# %% [markdown]
# ## Labs
#
# An hour or two each: a surprise that you produce yourself, its cause, and a decision. Tests tell you where you are.
# Lab 1 goes with notebook 1, labs 2 and 5 with 3, 3 with 5, 4 with 4, 6 with 7; do the lab first.
# These are the masters, with solutions; `make labs` makes a student version of each, `build/labs/NAME/student`.

# %%
labs = contents.labs(root)
display(Markdown(contents.linked(labs) or "None are here yet."))

# %% [markdown]
# ## Your download, and the command

# %%
display(Markdown(contents.section(f"{root}/docs/usage.md", "Your download, and the command")))

# %% [markdown]
# ## What does a parameter buy?
#
# What eight packages ship and this project's own networks, measured on FER2013's PrivateTest. **Guess** before you run
# the cell: how many parameters does it take to be within two points of the best?

# %%
import ipywidgets
import pandas as pd

from fercore.reporting import plots
from fercore.reporting.widgets import explore

found = pd.read_csv(f"{root}/reports/reference/public_networks/networks.csv", index_col="network").query("views == 'mirrored'")
found = found.rename(columns={"accuracy": "value", "accuracy_low": "low", "accuracy_high": "high"})
explore(
    lambda budget: plots.affordable(found, "fer2013", 10**budget),
    budget=ipywidgets.FloatSlider(budget, min=4.7, max=6.7, step=0.05, description="10 to the"),
)

# %%
best = found["value"].max()
close = found[found["value"] > best - 0.02].sort_values("parameters")
display(Markdown(
    f"**To see.** The smallest network within two points of the best ({100 * best:.1f} %) is {markdown(close.index[0])} with "
    f"{close['parameters'].iloc[0]:,} parameters; the largest of all has {found['parameters'].max():,} and "
    f"{100 * found['value'][found['parameters'].idxmax()]:.1f} %."
))

# %% [markdown]
# ## Your own picture
#
# All networks that come with the project look at one face. It begins with a rendered one; choose a picture of yours, which stays
# on this computer. **Before you look**: which word would *you* choose, and would your neighbour choose the same?

# %%
from fercore import datasets
from fercore.deployment import detect, predict
from fercore.models import weights
from fercore.reporting.widgets import own_picture

names = sorted(path.stem for path in weights.RELEASED.glob("*.safetensors"))
predictors = {name.replace("-", ", "): predict.Predictor(*name.rsplit("-", 1), detector=None) for name in names}
own_picture(
    lambda picture: plots.opinions(*predict.opinions(predictors, picture, detect.detector())),
    datasets.load("synthfer", images=200, seed=7).pixels[0],
)

# %%
display(Markdown(f"*{markdown(predict.LIMITS)}* What such answers are worth: `fercore predict --limits`."))
