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
# # 9 · Report
#
# What the stages of this profile have measured, gathered from the files they left behind. Nothing is computed here.

# %% tags=["parameters"]
profile = "quick"
reports = "../reports/quick"  # where the stages have put their files

# %%
from IPython.display import Image, Markdown, display

from fercore import report

# %%
stages = report.stages(reports)
if not stages:
    display(Markdown(f"Nothing has been measured in `{reports}` yet: run `make reproduce PROFILE={profile}`."))

# %% tags=["nbval-check-output"]
for stage in stages:
    name, numbers = report.findings(stage)
    print(f"{stage.name}: {len(numbers)} findings on {name}")

# %%
for stage in stages:
    name, numbers = report.findings(stage)
    warning = "\n\n**Rendered faces: no number here compares with a paper's.**" if "synthetic" in name else ""
    display(Markdown(f"Profile *{profile}*, stage {stage.name}, data {name}.{warning}"))

# %% [markdown]
# ## What is in the data
#
# Images by class and split, and how many of the test images also stand in Training: identical to the byte, and showing the
# same photograph.

# %%
audit = next((stage for stage in stages if stage.name == "01_data_audit"), None)
for name in ("class_counts", "leakage_exact", "leakage_near", "vote_agreement"):
    found = report.table(audit, name) if audit else None
    if found is not None:
        display(
            Markdown(f"### {name.replace('_', ' ').capitalize()}"), found.style.hide(axis="index").format(precision=4)
        )

# %% [markdown]
# ## What the papers print of it
#
# Class counts that differ from the file. Only the real set can be compared.

# %%
claimed = report.table(audit, "claimed_counts") if audit else None
if claimed is not None:
    different = claimed[~claimed["equal"]].drop(columns="equal")
    display(Markdown(f"{len(claimed)} counts compared, {len(different)} different."))
    display(different.style.hide(axis="index"))

# %% [markdown]
# ## Figures

# %%
for stage in stages:
    for path in sorted(stage.glob("*.png")):
        display(Image(path))

# %% [markdown]
# ## Every finding

# %%
for stage in stages:
    name, numbers = report.findings(stage)
    display(Markdown(f"### {stage.name}, {name}"), numbers.style.hide(axis="index"))
