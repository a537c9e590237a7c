"""Times the networks in this file on this machine; needs nothing but Python 3.8, NumPy and ONNX Runtime 1.18, or newer.

    python fercore-bench.pyz --device raspberry_pi_4 > raspberry_pi_4.json

What it prints goes into the tables of the project: fercore bench join raspberry_pi_4.json
"""

import argparse
import contextlib
import functools
import hashlib
import json
import os
import sys
import zipfile

PROVIDERS = {"CPUExecutionProvider": "", "CUDAExecutionProvider": " CUDA", "TensorrtExecutionProvider": " TensorRT"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="", help="what this machine is called, such as raspberry_pi_4, jetson_nano")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0, help="about, for each network (%(default)s)")
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)  # before NumPy is imported
    with contextlib.redirect_stdout(sys.stderr):  # since ONNX Runtime prints of a provider that fails
        made = measured(options)
    print(json.dumps(made, indent=1))


def measured(options) -> dict:
    """What is printed: this machine, and a row for each network and provider. Exits with a line where none can run."""
    try:
        import numpy as np
        import onnxruntime
    except ImportError as error:
        sys.exit(f"{error}; pip install numpy onnxruntime")
    import timing

    archive = zipfile.ZipFile(sys.argv[0])
    networks = json.loads(archive.read("networks.json"))
    rate, rows = timing.peak_rate(), []
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = options.threads, 1
    providers = [name for name in PROVIDERS if name in onnxruntime.get_available_providers()]
    for network in networks:
        content = archive.read(network["file"])
        if hashlib.sha256(content).hexdigest() != network["sha256"]:
            sys.exit(f"{network['file']} in {sys.argv[0]} is damaged; copy it again")
        images = np.random.default_rng(network["seed"]).random((1, *network["shape"]), np.float32)
        sessions = {}
        for name in providers:
            try:
                sessions[name] = onnxruntime.InferenceSession(content, settings, providers=[name])
            except Exception as error:  # of many kinds, such as for a file that is newer than it
                why, found = str(error).partition("\n")[0], f"ONNX Runtime {onnxruntime.__version__}"
                told = f"{found} does not load {network['file']} for {name} ({why})"
                if name == "CPUExecutionProvider":  # which can run all that it can read
                    sys.exit(f"{told}; pip install --upgrade onnxruntime")
                print(told, file=sys.stderr)
        given = {network["input"]: images}
        runs = {name: functools.partial(one.run, None, given) for name, one in sessions.items() if runs_on(one, name)}
        for name, seconds in timing.interleaved(runs, options.seconds).items():
            logits = runs[name]()[0]
            if not runs_on(sessions[name], name):
                continue
            expected = np.array(network["logits"])
            deviation = float(np.abs(logits - expected).max() / np.abs(expected).max())
            row = {"network": network["network"], "img_size": network["shape"][1], "batch": 1}
            row["runtime"] = f"ONNX Runtime{PROVIDERS[name]}"
            row.update(
                timing.quantiles(seconds), threads=options.threads, precision=network["precision"], deviation=deviation
            )
            row.update(limit=1000 * network["macs"] / rate, MiB=len(content) / 2**20, calls=len(seconds))
            rows.append(row)
            print("{network}@{img_size} {precision} {runtime}: {median:.3f} ms".format(**row), file=sys.stderr)
    versions = {"numpy": np.__version__, "onnxruntime": onnxruntime.__version__}
    return {"device": options.device, "machine": timing.machine(), "rate": rate, "rows": rows, "versions": versions}


def runs_on(session, provider: str) -> bool:
    """Whether it still does: where a provider fails, at once or in the midst, ONNX Runtime goes on with the CPU."""
    return session.get_providers()[0] == provider


if __name__ == "__main__":
    try:
        main()
    except zipfile.BadZipFile as error:
        sys.exit(f"{sys.argv[0]} is damaged ({error}); copy it again")
