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
# # 9 · Report: can papers be believed?
#
# The papers on small networks for facial expressions print about a thousand numbers: parameters, accuracies, latencies, tables
# of F1 by class. Here each of them has been written down as a *claim*, with what it would take to check it, and everything
# that the other notebooks measured is compared with it. A verdict is worked out, never typed; a training that is shorter than
# the paper's, or a result on rendered faces, never decides one.
#
# **Three guesses before you read on. Of a hundred claims, how many can be computed again to the last printed digit? How
# many contradict the paper that they stand in, or the data set that it names? And how many cannot be checked with the
# paper alone?**

# %% tags=["parameters"]
profile = "quick"
reports = "../reports/quick"  # where the stages have put their files
reference = "../reports/reference"  # results on real data that come with the project
params = "../params"  # with claims/, what the papers claim
out = ""  # where tables and LaTeX macros go; empty: nowhere

# %% [markdown]
# First the claims; then what needs no training at all, which is counted on the spot: networks and equations. Then everything
# that the stages have measured, and the checks: numbers of a paper that are compared with others of it.

# %%
from fercore import claims
from fercore.claims import equations, render, settings
from fercore.models.profile import compare, count
from fercore.results import measurements
from fercore.results.text import markdown

networks = claims.networks(f"{params}/paper/networks.yaml")
ledger = claims.load(f"{params}/claims", networks)
measurements.write(measurements.table(count(networks) + equations.measure(), profile), out)
evidence = settings.evidence([reports, reference], params)
made = measurements.every([reports, reference])
findings = claims.run(ledger, evidence)
verdicts = claims.judge(ledger, evidence, findings)

# %% tags=["nbval-check-output"]
print(f"{len(ledger.claims)} claims and {len(ledger.checks)} checks in {len(ledger.papers)} papers")

# %% [markdown]
# ## What can become of a claim

# %%
from IPython.display import HTML, Markdown, display

display(Markdown("\n".join(f"- **{markdown(name)}**: {markdown(meaning)}" for name, meaning in claims.VERDICTS.items())))

# %% [markdown]
# ## Every claim, counted
#
# **Your three guesses: here is what came out.**

# %%
from fercore.reporting import ledger_sentences as sentences
from fercore.results import tables

display(tables.shown(claims.summary(verdicts)))
display(Markdown(sentences.counted(verdicts)))

# %% [markdown]
# ## What the papers are known for
#
# A paper is read for a handful of its numbers. *Measured* is on FER2013's PrivateTest as published; *deduplicated* leaves out the
# images that are also in Training, byte for byte. Where the paper's own training or device could not be had, the *nearest*
# measurement stands there under its own name; it decides no verdict. **Are the numbers that a paper is known for safer than the
# rest of it?**

# %%
from fercore.reporting import ledger_page
from fercore.reporting.page import folded

heads = render.headline(ledger, verdicts, made)
display(HTML(ledger_page.STYLE + ledger_page.grouped(heads, ledger.papers)))
display(Markdown(sentences.known_for(verdicts, ledger.headline)))

# %% [markdown]
# ## Where a paper contradicts itself, or its data set
#
# Most of this needs no data, no network and no GPU: a mean that is not the mean of its column, a percentage that no whole
# number of images gives, a speed-up that is not the quotient of the two times beside it. Tables that count a data set are compared
# with that set, as it is counted here or as somebody else prints it, which is named. A printed number stands for every
# number that would be rounded to it, so what is listed here cannot be put right by rounding. First come those of numbers that a
# paper is known for. **Is that one slip per paper, or more?**

# %%
contradictions, doubtful = (render.contradictions(findings, assuming) for assuming in (False, True))
known = render.contradictions(findings, of=ledger.headline)
display(Markdown(sentences.contradicted(findings, contradictions, verdicts)), HTML(ledger_page.both_sides(known, "known")))
display(HTML(folded(f"All {len(contradictions)}, both sides", ledger_page.both_sides(contradictions))))

# %% tags=["nbval-check-output"]
print(contradictions.groupby("paper", sort=False).size().to_string())

# %% [markdown]
# ### What does not fit under an assumption, or by one reading of several
#
# Here the paper would have to say more before one could call it a contradiction.

# %%
display(HTML(folded(f"{len(doubtful)}, both sides", ledger_page.both_sides(doubtful, "doubtful"))))

# %% [markdown]
# ## The networks
#
# Counted on the networks themselves, beside what is printed of them; here are those that differ, and `fercore networks` has all.
# **A count of parameters is a matter of adding up. How many of them are right?**

# %%
sizes = compare(networks, evidence, verdicts)
differ = sizes[(sizes.filter(like=" equal") == "no").any(axis=1)]
display(tables.shown(differ, index=False), Markdown(sentences.sizes(sizes)))

# %% tags=["nbval-check-output"]
equal = sizes.filter(like=" equal").melt(value_name="equal").query("equal != ''")
print(equal.groupby(["variable", "equal"]).size().to_string())

# %% [markdown]
# ## What it would take
#
# Most claims have no verdict, for want of data, weights, a device or time. For some there is a command; here they are, cheapest
# first, on two cores. **Which would you run tonight, and how many claims would it settle?**

# %%
from fercore.claims import effort

plan = effort.plan(ledger, verdicts, networks, evidence, params)
ways = plan[plan["command"] != ""].assign(hours=plan["hours"].map(effort.shown), claims=plan["claims"].map(len))
display(tables.shown(ways.rename(columns={"hours": "time"}), index=False))

# %% [markdown]
# ## The whole ledger
#
# Every number of every table, the numbers of the text, and the numbered equations. `fercore claims` prints the same, and
# `reports/PROFILE/index.html` has it beside all that the other notebooks measured. **Look up one that you would have cited.**

# %%
everything = ledger_page.searchable(verdicts, "../../../" if out else "../")  # from reports/PROFILE/notebooks, or from here
display(HTML(folded(f"All {len(verdicts):,} claims, to be searched", everything)))

# %%
if out:
    render.write(out, verdicts, contradictions=contradictions, doubtful=doubtful, networks=sizes)
