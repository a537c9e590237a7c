"""How often 95 % intervals of a test set's scores hold the truth, before and after, by simulation.

    python tests/benchmarks/coverage.py [SETS] [RESAMPLES]

A network is a matrix of probabilities of true and predicted class. Test sets of n images are drawn from it; the truth
is its score. `ours` is evaluation.statistics. The others are what was there before (percentile) and what was tried:
scipy's formula of BCa (for counts, of which stats.bootstrap would make n rows); resampling within each true class
(stratified); and resampling from counts with a fourteenth of an image more in every cell (smoothed). `few` is the
coverage for the sets to whose interval the table adds a note, and what share of the sets they are.
"""

import sys

import numpy as np
from scipy import stats

from fercore.evaluation import statistics
from fercore.evaluation.metrics import scores

FER2013 = np.array([0.133, 0.0155, 0.147, 0.245, 0.1655, 0.116, 0.1745])


def network(shares, recall, seed=0):
    """Probabilities (C, C); what is not recalled is spread over the other classes at random."""
    random, matrix = np.random.default_rng(seed), np.zeros((len(shares), len(shares)))
    for label, right in enumerate(recall):
        others = np.arange(len(shares)) != label
        matrix[label, others] = (1 - right) * random.dirichlet(np.full(len(shares) - 1, 1.5))
        matrix[label, label] = right
    return np.asarray(shares)[:, None] / np.sum(shares) * matrix


NETWORKS = {
    "even": network(np.ones(7), np.full(7, 0.65)),
    "as FER2013": network(FER2013, [0.57, 0.45, 0.45, 0.85, 0.53, 0.77, 0.66]),
    "lopsided": network([0.6, 0.2, 0.1, 0.05, 0.03, 0.01, 0.01], [0.8, 0.6, 0.5, 0.5, 0.4, 0.4, 0.3]),
    "93 % right": network(FER2013, np.full(7, 0.93)),
}


def resampled(matrix, count, random):
    """macro-F1 of `count` sets drawn with replacement from the images of `matrix`, which may be parts of images."""
    drawn = random.multinomial(round(matrix.sum()), matrix.ravel() / matrix.sum(), count)
    return scores(drawn.reshape(count, *matrix.shape))["macro_f1"]


def stratified(matrix, count, random):
    rows = [random.multinomial(row.sum(), row / max(row.sum(), 1), count) if row.sum() else None for row in matrix]
    nothing = np.zeros((count, len(matrix)), int)
    return scores(np.stack([nothing if row is None else row for row in rows], 1))["macro_f1"]


def bca(matrix, drawn):
    value, influence = scores(matrix)["macro_f1"], statistics._influence(matrix)["macro_f1"]
    apart = np.repeat((influence - np.average(influence, weights=matrix)).ravel(), matrix.ravel())
    below = np.clip(((drawn < value).mean() + (drawn <= value).mean()) / 2, 1e-4, 1 - 1e-4)
    bias, skew = stats.norm.ppf(below), (apart**3).sum() / (6 * (apart**2).sum() ** 1.5 + 1e-300)
    reached = bias + stats.norm.ppf([0.025, 0.975])
    return np.quantile(drawn, stats.norm.cdf(bias + reached / (1 - skew * reached)))


def intervals(matrix, count, random):
    drawn, ends = resampled(matrix, count, random), (0.025, 0.975)
    return {
        "percentile": np.quantile(drawn, ends),
        "BCa": bca(matrix, drawn),
        "stratified": np.quantile(stratified(matrix, count, random), ends),
        "smoothed": np.quantile(resampled(matrix + 0.5 / 7, count, random), ends),
        "ours": statistics.intervals(matrix)["macro_f1"],
    }


def main(sets=1000, resamples=1000):
    print(f"{'macro-F1, 95 %':22}{'percentile':>11}{'BCa':>11}{'stratified':>11}{'smoothed':>11}{'ours':>11}   few")
    for images in (50, 300, 3589):
        for name, chances in NETWORKS.items():
            random, truth = np.random.default_rng(1), scores(chances)["macro_f1"]
            held, noted = {}, []
            for _ in range(sets if images < 3000 else sets // 2):
                matrix = random.multinomial(images, chances.ravel()).reshape(chances.shape)
                for method, (low, high) in intervals(matrix, resamples, random).items():
                    held.setdefault(method, []).append(low <= truth <= high)
                noted.append(bool(statistics.trust(matrix)))
            few = f"{np.mean(np.array(held['ours'])[noted]):.3f} of {np.mean(noted):.0%}" if any(noted) else "none"
            line = "".join(f"{np.mean(hits):11.3f}" for hits in held.values())
            print(f"{f'{name}, {images:,}':22}{line}   {few}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
