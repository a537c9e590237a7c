"""Many trainings that answer one question.

sweep              a grid of trials, here or on a Dask cluster, none of them done twice
cross_validation   networks trained without a fold and scored on it; MicroExpNet's two grids
fits               a few trainings at once, one a core
ablation           the variants of TinyFER-Lite, each with a choice taken away
statements         effects over folds, and what the papers say of them, tested
"""
