"""Light-FER on FER2013 from Keras's ImageNet weights: whole, and pruned while it trains. Half an hour of a core each.

    python tests/benchmarks/light_fer.py xception_notop.npz --data data/fer2013 --to runs/light_fer [--out FOLDER]

Goes on where it was stopped, by whole epochs. The paper prunes too, does not say how much, and reports 69.87 %.
"""

import argparse
from pathlib import Path

import torch

from fercore import audit, datasets
from fercore.deployment import compress
from fercore.evaluation import inference, statistics
from fercore.models import light_fer
from fercore.pipeline.parameters import read_params
from fercore.results import provenance, tables
from fercore.training.recipe import from_plain
from fercore.training.trainer import fit

RECIPE = Path(__file__).parents[2] / "params/recipes/light_fer-fer2013.yaml"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="Keras's Xception without its head, .npz or .h5")
    parser.add_argument("--data", required=True)
    parser.add_argument("--to", type=Path, required=True, help="where the two runs go")
    parser.add_argument("--out", type=Path, help="where scores.csv, sparsity and provenance.json go")
    parser.add_argument("--sparsity", type=float, default=0.5)
    options = parser.parse_args()
    settings = read_params(RECIPE)
    for name in ("network", "weights"):
        settings.pop(name)
    recipe, faces = from_plain(settings), datasets.load_imported(options.data)
    rows = faces.rows("test")
    masks, predicted, found = audit.without_copies(faces, "test"), {}, {}
    for name in ("dense", "pruned"):
        torch.manual_seed(recipe.seed)  # of the head
        network = light_fer.from_keras(light_fer.read_keras(options.file), len(faces.classes))
        if name == "pruned":
            network = compress.prune_and_train(network, options.sparsity, faces, recipe, options.to / name)
        else:
            network = fit(network, faces, recipe, options.to / name, select=None, restart=True).network
        predicted[name] = [inference.probabilities(network, faces, rows, recipe.img_size, recipe.tta).argmax(1)]
        found[name] = compress.sparsity(network)
        print(f"{name}: {100 * (predicted[name][0] == faces.labels[rows]).mean():.2f} % of PrivateTest", flush=True)
    scores = statistics.over_seeds(faces.labels[rows], predicted, len(faces.classes), masks)
    print(scores.to_string(index=False))
    if options.out:
        tables.save(scores.set_index(["name", "part", "score"]), options.out, "scores", faces, "Light-FER")
        tables.save_findings({f"sparsity_{name}": value for name, value in found.items()}, options.out, faces)
        made = provenance.record({"recipe": recipe.plain(), "sparsity": options.sparsity}, faces, "cpu")
        tables.write_json(options.out / "provenance.json", made)


if __name__ == "__main__":
    main()
