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


def cross_validate__fit_by_keyword(model, features, labels, folds):
    scores = []
    for fold in np.unique(folds):
        held = folds == fold
        model.fit(X=features[~held], y=labels[~held])
        scores.append(np.mean(model.predict(X=features[held]) == labels[held]))
    return np.array(scores)


def subject_folds__shuffled_and_dealt(subject, count, seed):
    people = sorted(set(subject))
    random.Random(seed).shuffle(people)
    return np.array([people.index(name) % count for name in subject])


def subject_folds__pandas(subject, count, seed):
    people = pd.Series(subject).drop_duplicates().sample(frac=1, random_state=seed)
    return pd.Series(subject).map(dict(zip(people, np.arange(len(people)) % count, strict=True))).to_numpy()


def subject_folds__drawn_into_a_dictionary(subject, count, seed):
    people = np.random.default_rng(seed).permutation(sorted(set(subject)))
    fold = {name: place % count for place, name in enumerate(people)}
    return np.array([fold[name] for name in subject])


def subject_folds__mapped_by_pandas(subject, count, seed):
    people = np.array(sorted(set(subject)))
    np.random.default_rng(seed).shuffle(people)
    fold = dict(zip(people, np.arange(len(people)) % count, strict=True))
    return pd.Series(subject).map(fold).to_numpy()


def company__image_by_image(features, folds, who):
    from scipy.spatial.distance import cdist

    found = []
    for row, others in enumerate(cdist(features, features)):
        found.append(who[np.where(folds == folds[row], np.inf, others).argmin()] == who[row])
    return sum(found) / len(found)


def interval__methods_of_arrays(gain):
    from scipy import stats

    n = len(gain)
    reach = stats.t.ppf(0.975, n - 1) * gain.std(ddof=1) / n**0.5
    return gain.mean() - reach, gain.mean() + reach
