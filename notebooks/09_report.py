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
# What five papers on small networks for facial expressions claim, and what came out when it was computed again. Each claim
# has a verdict that is worked out, never typed; a shorter training than the paper's and a result on rendered faces never
# decide one.

# %% tags=["parameters"]
profile = "quick"
reports = "../reports/quick"  # where the stages have put their files
reference = "../reports/reference"  # results on real data that come with the project
params = "../params"  # with claims/, what the papers claim
out = ""  # where tables and LaTeX macros go; empty: nowhere

# %%
from IPython.display import HTML, Image, Markdown, display

from fercore import claims
from fercore.claims import equations, render
from fercore.models.profile import compare, count
from fercore.reporting import page
from fercore.results import measurements

# %%
networks = claims.networks(f"{params}/paper/networks.yaml")
measurements.save(count(networks) + equations.measure(), out, profile)
ledger = claims.load(f"{params}/claims", networks)
evidence = measurements.gather([reports, reference])
findings = claims.run(ledger, evidence)
verdicts = claims.judge(ledger, evidence, findings)

# %% [markdown]
# ## What the papers are known for
#
# *Measured* is on FER2013's PrivateTest as published; *deduplicated* leaves out the images that also stand in Training.

# %%
display(HTML(render.grouped(render.headline(ledger, verdicts), ledger.papers)))

# %% [markdown]
# ## Every claim, counted

# %% tags=["nbval-check-output"]
print(f"{len(ledger.claims)} claims and {len(ledger.checks)} checks in {len(ledger.papers)} papers")

# %%
display(claims.summary(verdicts).reset_index().style.hide(axis="index"))

# %%
display(Markdown("\n".join(f"- **{name}**: {meaning}" for name, meaning in claims.VERDICTS.items())))

# %% [markdown]
# ## Where a paper contradicts itself
#
# A printed number stands for every number that would be rounded to it. What is listed here cannot be put right by
# rounding.

# %%
contradictions, doubtful = (render.contradictions(findings, assuming) for assuming in (False, True))
display(Markdown(f"{len(findings):,} numbers were held against others, {len(contradictions)} of them do not fit."))
display(HTML(render.both_sides(contradictions)))

# %% [markdown]
# ### What does not fit under an assumption
#
# Here the paper would have to say more before one could call it a contradiction. These decide no verdict.

# %%
display(HTML(render.both_sides(doubtful, "doubtful")))

# %% [markdown]
# ## The networks
#
# Counted on the networks themselves, beside what is printed of them.

# %%
sizes = compare(networks, evidence, verdicts)
display(sizes.style.hide(axis="index"))

# %% [markdown]
# ## What was measured
#
# Stage by stage, on the data of this profile.

# %%
def show(stages):
    for stage in stages:
        name, numbers = page.findings(stage)
        warning = "\n\n**Rendered faces: no number here compares with a paper's.**" if "synthetic" in name else ""
        display(Markdown(f"### Stage {stage.name}, data {name}\n\n{len(numbers)} findings.{warning}"))
        for heading, found in page.shown_tables(stage):
            found = found.style.hide(axis="index")
            display(Markdown(f"#### {heading}"), found.format(precision=3, na_rep="", thousands=","))
        for path in sorted(stage.glob("*.png")):
            display(Image(path))


stages = page.stages(reports)
if not stages:
    display(Markdown(f"Nothing has been measured in `{reports}` yet: run `make reproduce PROFILE={profile}`."))
show(stages)

# %% [markdown]
# ## Measured on real data before
#
# What comes with the project in `reports/reference`, with the record of how it was made.

# %%
show(stage for stage in page.stages(reference) if stage.name != "01_data_audit")

# %% [markdown]
# ## The whole ledger
#
# Every number of every table, the numbers of the text, and the numbered equations. `fercore claims` prints the same.

# %%
display(HTML(render.page(verdicts, "../../" if out else "")))  # from page.html, or from this notebook

# %%
if out:
    render.write(out, verdicts, contradictions=contradictions, doubtful=doubtful, networks=sizes)

# %% [markdown]
# ## Every finding of the stages

# %%
for stage in stages:
    name, numbers = page.findings(stage)
    display(Markdown(f"### {stage.name}, {name}"), numbers.style.hide(axis="index"))
