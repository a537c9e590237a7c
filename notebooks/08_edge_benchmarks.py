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
# # 8 · On the edge
#
# The papers time their networks on a Ryzen, an i7, a Raspberry Pi, a Jetson Nano, each in one framework. How much of such a
# number is the network, and how much is what runs it?

# %% tags=["parameters"]
data = ""  # a folder that fercore import has made; empty: a small rendered set
params = "../params"  # with claims/, what the papers print
out = ""  # where figures and tables go; empty: nowhere
profile = "quick"
networks = ["microexpnet_xxs@84", "tinyfer_lite@64"]
names = [
    "PyTorch",
    "ONNX Runtime",
    "ONNX Runtime int8",
    "OpenVINO",
    "OpenVINO bf16",
    "OpenVINO int8",
    "ncnn",
    "LiteRT",
    "TensorRT",
]
threads = 1
batches = [1]
seconds = 0.5  # that each is timed for
memory = False  # of fresh processes, too
realtime = False  # other work on the machine waits meanwhile, where Linux lets one
picture = ""  # one of your own; empty: an astronaut
bundles = ""  # a folder with what fercore bench bundle has printed elsewhere, JSON

# %%
import tempfile
from pathlib import Path

import pandas as pd
from IPython.display import Markdown, display

from fercore import claims, datasets
from fercore.deployment import bundle, compress, detect, export, latency, predict, timing
from fercore.reporting import plots
from fercore.results import measurements, provenance, tables

# %%
faces = datasets.load_imported(data) if data else datasets.load("synthfer", images=500)
for note in faces.notes:
    display(Markdown(f"**Note.** {note}"))
machine = timing.machine()
display(pd.Series(machine, name="this machine").to_frame())

# %% [markdown]
# ## The same network, several runtimes
#
# Before you look: TinyFER-Lite needs 18 million multiplications for a face of 64 px, and one core does about 50 thousand million a
# second. How long should a face take? PyTorch needs more than ten times that; guess where the rest goes.

# %%
held = [latency.network(spec) for spec in networks]
held = [
    latency.Network(one.name, one.module, one.shape, compress.calibration(faces, 64, one.shape[1], one.shape[0]))
    for one in held
]
found = pd.concat([latency.bench(held, names, threads, batch, seconds, memory, realtime) for batch in batches], ignore_index=True)
table = tables.save(found, out, "latency", faces, f"Latency in ms, {threads} thread, {machine['processor']}")
display(table.drop(columns=["threads", "joules"]).style.format(precision=3, na_rep=""))

# %%
first = found[found["batch"] == batches[0]]
display(
    plots.save(plots.latencies(first, faces, f"Batch {batches[0]}, {threads} thread, {machine['processor']}"), out, "latency")
)

# %%
for (name, side), part in first.groupby(["network", "img_size"], sort=False):
    timed = part.dropna(subset=["median"]).set_index("runtime")
    best = timed["median"].idxmin()
    display(
        Markdown(
            f"**{name} at {side} px**: {best} is {timed.loc[best, 'times_faster']:.1f} times as fast as PyTorch and takes "
            f"{timed.loc[best, 'times_limit']:.1f} times the limit; PyTorch takes {timed.loc['PyTorch', 'times_limit']:.1f} times. "
            "What PyTorch adds is mostly the cost of starting each of its operations."
        )
    )

# %% [markdown]
# ## From a camera's frame to a label
#
# TinyFER-Lite's authors ask for this in their section 8: the whole way, with the face found and cut out.

# %%
folder = tempfile.mkdtemp()
try:
    path = export.from_weights("tinyfer_lite", "fer2013", f"{folder}/tinyfer_lite.onnx")
    predictor = predict.Predictor(model=path, sizes=detect.MOVING)
    frames = {count: latency.frames_with(count) for count in (0, 1, 5)}
    ends = pd.DataFrame({count: latency.end_to_end(predictor, each, seconds, realtime=realtime) for count, each in frames.items()}).T
    ends = tables.save(
        ends.rename_axis("faces_shown"), out, "end_to_end", faces, "640x480, from frame to label; ms a frame"
    )
    display(ends)
except export.ExportError as error:
    print(error)

# %% [markdown]
# ## A picture of your own
#
# `fercore predict photograph.jpg` does this; set `picture` above to a file of yours.

# %%
try:
    shown = predict.read(picture) if picture else latency.astronaut()
    seen = predict.Predictor()(shown)
    display(predict.draw(shown, seen))
    print("\n".join(map(str, seen)) or predict.NO_FACE)
except export.ExportError as error:
    print(error)
display(Markdown(f"*{predict.LIMITS}* More: `fercore predict --limits`"))

# %% [markdown]
# ## Beside the papers' devices
#
# Their numbers are of their machines; ours of this one. What `fercore bench bundle` has printed on other machines stands below them.

# %%
ledger = claims.load(f"{params}/claims", claims.networks(f"{params}/paper/networks.yaml"))
printed = {"tinyfer_lite": ["ryzen_5_3600", "rtx_3050"], "microexpnet_xxs+kd": ["i7_7700hq", "tesla_k40"]}
beside = [
    {"network": name, "device": device, "ms": 1000 * ledger.printed(f"latency({name}, {device})"), "source": "paper"}
    for name, devices in printed.items()
    for device in devices
]

# %%
measured = []
for path in sorted(Path(bundles).glob("*.json")) if bundles else ():
    rows, own = bundle.join(path)
    measured += own
    beside += [
        {"network": row.network, "device": row.device, "ms": row.median, "source": path.name}
        for row in rows.itertuples()
    ]
beside = tables.save(pd.DataFrame(beside), out, "devices", faces, "Latency of one image, ms")
display(beside)

# %% tags=["nbval-check-output"]
findings = {"networks": len(networks), "runtimes": len(names), "rows": len(found), "threads": threads}
timed = found.dropna(subset=["times_faster"])
best = {f"best_{name}": value for name, value in timed.groupby("network")["times_faster"].max().items()}
tables.save_findings(findings | best, out, faces)
if out:
    measurements.save(measured, out, "paper")
    provenance.save(out, findings | {"machine": machine}, faces)
print(pd.Series(findings).to_string())
