"""Times the networks in this file on this machine; needs Python 3.8 or newer, NumPy and ONNX Runtime, and nothing else.

    python fercore-bench.pyz --device raspberry_pi_4 > raspberry_pi_4.json

What it prints goes into the tables of the project: fercore bench join raspberry_pi_4.json
"""

import argparse
import functools
import hashlib
import json
import os
import sys
import zipfile

PROVIDERS = {"CPUExecutionProvider": "", "CUDAExecutionProvider": " CUDA", "TensorrtExecutionProvider": " TensorRT"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="", help="what this machine is called, such as raspberry_pi_4, jetson_nano")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0, help="about, for each network (%(default)s)")
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)  # before NumPy is imported
    try:
        import numpy as np
        import onnxruntime
    except ImportError as error:
        print(f"{error}; pip install numpy onnxruntime", file=sys.stderr)
        return 1
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
            print(f"{network['file']} in {sys.argv[0]} is damaged; copy it again", file=sys.stderr)
            return 1
        images = np.random.default_rng(0).random((1, *network["shape"]), np.float32)
        runs = {}
        for name in providers:
            session = onnxruntime.InferenceSession(content, settings, providers=[name])
            if session.get_providers()[0] == name:  # it falls back to the CPU without an error
                runs[name] = functools.partial(session.run, None, {network["input"]: images})
        for name, seconds in timing.interleaved(runs, options.seconds).items():
            logits = runs[name]()[0]
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
    made = {"device": options.device, "machine": timing.machine(), "rate": rate, "rows": rows}
    made["versions"] = {"numpy": np.__version__, "onnxruntime": onnxruntime.__version__}
    print(json.dumps(made, indent=1))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except zipfile.BadZipFile as error:
        sys.exit(f"{sys.argv[0]} is damaged ({error}); copy it again")
