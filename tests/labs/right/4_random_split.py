"""What students rightly write otherwise: question__how."""

import random

import numpy as np
import pandas as pd


def cross_validate__copied_model(model, features, labels, folds):
    from sklearn.base import clone

    def score(fold):
        fitted = clone(model).fit(features[folds != fold], labels[folds != fold])
        return fitted.score(features[folds == fold], labels[folds == fold])

    return np.array([score(fold) for fold in sorted(set(folds))])


def subject_folds__shuffled_and_dealt(subject, count, seed):
    people = sorted(set(subject))
    random.Random(seed).shuffle(people)
    return np.array([people.index(name) % count for name in subject])


def subject_folds__pandas(subject, count, seed):
    people = pd.Series(subject).drop_duplicates().sample(frac=1, random_state=seed)
    return pd.Series(subject).map(dict(zip(people, np.arange(len(people)) % count, strict=True))).to_numpy()


def company__image_by_image(features, folds, who):
    from scipy.spatial.distance import cdist

    found = []
    for row, others in enumerate(cdist(features, features)):
        found.append(who[np.where(folds == folds[row], np.inf, others).argmin()] == who[row])
    return sum(found) / len(found)
