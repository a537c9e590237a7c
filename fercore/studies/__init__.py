"""Many trainings that answer one question.

sweep              a grid of trials, here or on a Dask cluster, none of them done twice
cross_validation   networks trained without a fold and scored on it; MicroExpNet's two grids
study              the data of a study: its folds, who is on both sides of one, networks trained on them
pooling            MicroExpNet's candidates, with pooling and without
distillation       MicroExpNet's temperature grid, and methods without a temperature
fits               a few trainings at once, one a core
out_of_fold        soft labels of the training images, from networks that have seen neither image nor copy
teachers           a teacher of students, trained for them or pretrained
ablation           the variants of TinyFER-Lite, each with a choice taken away
mini_resemotenet   Mini-ResEmoteNet's experiments, and the same students without a teacher
microexpnet_se     the 2026 MicroExpNet's ablation
statements         effects over folds, and what the papers say of them, tested
"""
