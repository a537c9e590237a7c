"""Light-FER on FER2013 from Keras's ImageNet weights: notebook 7 on it alone. Two and a half hours of a core with bf16.

    python tests/benchmarks/light_fer.py data/fer2013 [--weights xception_notop.npz] [--to reports/reference/light_fer]

--weights is Keras's Xception without its head, .npz or .h5. Its training, whole and pruned to a half, goes on where it
was stopped. The paper, which prunes too and does not say how much, reports 69.87 %.
"""

import argparse
from pathlib import Path

from papermill import execute_notebook

from fercore.pipeline import notebook

NAME = "07_light_fer_compression"
SETTINGS = {
    "networks": ["light_fer"], "epochs": 5, "fine_tuning": 5, "batch_size": 32, "img_size": 71, "learning_rate": 5e-4,
    "precision": "bf16", "sparsities": [0.5], "ratios": [], "bits": [16, 8, 4, 2],
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--weights", default="xception_notop.npz")
    parser.add_argument("--to", default="reports/reference/light_fer")
    words = parser.parse_args()
    given = notebook.parameters(NAME, "laptop") | SETTINGS
    given |= {"data": words.data, "weights": words.weights, "out": words.to}
    given["audit"] = "reports/reference/01_data_audit"
    executed = Path(words.to).with_name("notebooks") / f"{Path(words.to).name}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    execute_notebook(f"notebooks/{NAME}.ipynb", str(executed), given, kernel_name="python3")


if __name__ == "__main__":
    main()
