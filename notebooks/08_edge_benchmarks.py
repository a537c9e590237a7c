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
# # 8 · On the edge: what does a face cost?
#
# The papers time their networks on a Ryzen, an i5, an i7, graphics cards, a Raspberry Pi and a Jetson Nano, each device in one
# framework, except that Light-FER runs four on its Jetson. So a reader cannot tell how much of such a number is the network,
# how much is what runs it, and how much of a camera's frame either of them is.
#
# **Guess, before anything is timed: of the milliseconds that PyTorch takes for one face, what part is spent on multiplying?**
#
# The papers: those of notebooks 2 to 7, each cited at the top of its own.

# %% tags=["parameters"]
data = ""  # a folder that fercore import has made; empty: a small rendered set
params = "../params"  # with claims/, what the papers print
out = ""  # where figures and tables go; empty: nowhere
profile = "quick"
networks = ["microexpnet_xxs@84", "lean_250k@48", "tinyfer_lite@64"]  # name and px
names = [
    "PyTorch", "ONNX Runtime", "ONNX Runtime int8", "OpenVINO", "OpenVINO bf16", "OpenVINO int8", "ncnn", "LiteRT", "TensorRT",
]
threads = 1
batches = [1]
seconds = 0.3  # that each is timed for
memory = False  # of fresh processes, too
realtime = False  # other work on the machine waits meanwhile, where Linux lets one
end_to_end = "lean_250k"  # what names the faces of a frame
picture = ""  # one of your own; empty: an astronaut
bundles = ""  # a folder with what fercore bench bundle has printed elsewhere, JSON

# %%
import pandas as pd
from IPython.display import Markdown, display

from fercore import datasets
from fercore.deployment import timing
from fercore.results import tables
from fercore.results.stage import Stage
from fercore.results.text import markdown

faces = datasets.load_imported(data) if data else datasets.load("synthfer", images=500)
stage = Stage(out, faces, profile)
machine = timing.machine()
display(Markdown(stage.about()), tables.shown(pd.Series(machine, name="this machine").to_frame()))

# %% [markdown]
# ## The limit
#
# A network is mostly multiplications, and a core does so many a second at best, which is measured on large matrices. Their
# quotient is a limit: no runtime that does all of them in fp32 is much below it; fewer bits, or an
# algorithm with fewer multiplications (Winograd's), can be. **How many times the limit does each runtime need?**

# %%
from dataclasses import replace

from fercore.deployment import benchmark, compress

held = [benchmark.network(spec) for spec in networks]
drawn = [compress.calibration(faces, 128, one.shape[1], one.shape[0]) for one in held]
# INT8 finds its ranges on one half, and answers are compared on the other, which it has not seen
held = [replace(one, images=each[::2], unseen=each[1::2]) for one, each in zip(held, drawn, strict=True)]
parts = [benchmark.bench(held, names, threads, batch, seconds, memory, realtime) for batch in batches]
found = pd.concat(parts, ignore_index=True)

# %%
caption = f"Latency in ms, {threads} thread{'s' * (threads > 1)}, {machine['processor']}"
shown = stage.timings.table(found.drop(columns="note"), "latency", caption)
columns = ["network", "img_size", "runtime", "batch", "median", "p90", "fps", "times_faster", "limit", "times_limit", "MiB"]
display(tables.shown(shown.dropna(subset=["median"])[columns], index=False))

# %%
from fercore.reporting import deployment_sentences as sentences
from fercore.reporting import plots

one_batch = found[found["batch"] == batches[0]]
what = "one face" if batches[0] == 1 else f"a batch of {batches[0]} faces"
title = f"Latency of {what}, {threads} thread{'s' * (threads > 1)}, {machine['processor']}"
display(stage.timings.figure(plots.latencies(one_batch, faces, title), "latency"))
display(stage.timings.says(sentences.best_runtimes(one_batch), "latency"))

# %% [markdown]
# **The cause**: PyTorch starts each operation anew, some microseconds each, and a small network has a hundred of them with little
# to do in each. A runtime knows the whole network before it starts, makes one operation of several, and starts fewer.
#
# ## Do they all say the same?
#
# A faster answer is worth nothing if it is a different one. *deviation* is the largest difference from PyTorch's logits
# on one batch of faces that INT8 was not calibrated on, as a part of the largest of them; networks without weights of their
# own here have random ones. **Whose will be largest?**

# %%
formats = one_batch.set_index(["network", "img_size", "runtime"])[["MiB", "deviation", "note"]]
formats = stage.table(formats, "formats", "Files, and how far their logits are from PyTorch's")
display(tables.shown(formats.dropna(subset=["MiB"]), digits=4), stage.says(sentences.agreement(formats)))

# %% [markdown]
# ## From a camera's frame to a label
#
# TinyFER-Lite's author asks for this in section 8: the whole way, with the faces found and cut out; here on frames of 640×480.
# **What takes longer, to find a face, or to name its expression? And what do five faces cost?**

# %%
import tempfile

from fercore.deployment import detect, export, predict
from fercore.models import weights

frames, ends = {count: benchmark.frames_with(count) for count in (0, 1, 5)}, {}
try:
    with tempfile.TemporaryDirectory() as folder:
        path = export.from_weights(end_to_end, weights.preferred(end_to_end), f"{folder}/{end_to_end}.onnx")
        predictor = predict.Predictor(model=path, sizes=detect.MOVING, threads=threads)
    ends = {count: benchmark.end_to_end(predictor, each, seconds, threads, realtime) for count, each in frames.items()}
except export.ExportError as error:
    display(Markdown(f"Left out: {markdown(error)}"))

# %%
if ends:
    by_count = pd.DataFrame(ends).T.rename_axis("faces_shown")
    by_count = stage.timings.table(by_count, "end_to_end", f"640x480, from frame to label by {end_to_end}; ms a frame")
    display(tables.shown(by_count, digits=1), stage.timings.says(sentences.where_time_goes(by_count)))

# %% [markdown]
# ## A picture of your own
#
# `fercore predict photograph.jpg` does this; set `picture` above to a file of yours. **How sure would you be?**

# %%
try:
    photograph = predict.read(picture) if picture else benchmark.astronaut()
    seen = predict.Predictor()(photograph)
    display(predict.draw(photograph, seen), Markdown("; ".join(map(markdown, seen)) or markdown(predict.NO_FACE)))
except export.ExportError as error:
    display(Markdown(f"Left out: {markdown(error)}"))
display(Markdown(f"*{markdown(predict.LIMITS)}* More: `fercore predict --limits`"))

# %% [markdown]
# ## Beside the papers' devices
#
# Milliseconds of one image, as the papers print them (Light-FER's Tables 3 and 4 as frames a second, which may be of its whole
# system, with its face detector). Ours above are of this machine and cannot be compared with any of them. On a device of the
# papers, `fercore bench bundle` makes one file that runs there with NumPy and ONNX Runtime; give it `--device` with the paper's
# name for the device, as in the table, and put what it prints into `data/bundles` as NAME.json: it then stands below, and in
# the ledger where the paper timed ONNX Runtime, too (the MicroExpNet of 2026; not Light-FER, which timed it at an image size
# that it does not print).

# %%
from fercore import claims
from fercore.deployment import bundle

ledger = claims.load(f"{params}/claims", claims.networks(f"{params}/paper/networks.yaml"))
devices, measured = bundle.beside(ledger.all_printed("latency", "fps"), bundles)
display(tables.shown(stage.table(devices, "devices", "Latency of one image, ms"), digits=2))

# %% tags=["nbval-check-output"]
ran = one_batch.dropna(subset=["median"])
exact = ran[ran["runtime"].isin(["PyTorch", "ONNX Runtime"])]
print(exact.assign(alike=exact["deviation"] < 1e-4)[["network", "img_size", "runtime", "alike"]].to_string(index=False))
print(len(devices[devices["source"] == "paper"]), "latencies that papers print")

# %% [markdown]
# ## What to keep in mind
#
# Compare with your guess. A latency belongs to a network, a runtime, a number of threads and a machine, and means little without
# all four; and a faster network helps as far as it is the network that takes the time.

# %%
stage.measure(measured)
sources = set(devices["source"]) - {"paper"}
findings = {"networks": len(networks), "runtimes": len(names), "threads": threads, "bundles": len(sources)}
settings = {"networks": networks, "names": names, "threads": threads, "batches": batches, "seconds": seconds}
findings = stage.close(findings, settings | {"realtime": realtime, "machine": machine})
display(tables.shown(findings.to_frame("finding")))
