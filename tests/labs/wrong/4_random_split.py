"""What students plausibly write: question__how."""

import numpy as np
from scipy import stats


def cross_validate__on_what_it_knows(model, features, labels, folds):
    model.fit(features, labels)
    return np.array([np.mean(model.predict(features[folds == k]) == labels[folds == k]) for k in np.unique(folds)])


def cross_validate__one_number(model, features, labels, folds):
    right = []
    for fold in np.unique(folds):
        held = folds == fold
        right.extend(model.fit(features[~held], labels[~held]).predict(features[held]) == labels[held])
    return np.mean(right)


def cross_validate__turned_round(model, features, labels, folds):
    scores = []
    for fold in np.unique(folds):
        held = folds == fold
        scores.append(np.mean(model.fit(features[held], labels[held]).predict(features[~held]) == labels[~held]))
    return np.array(scores)


def cross_validate__next_fold_alone(model, features, labels, folds):
    names, scores = np.unique(folds), []
    for place, fold in enumerate(names):
        held, known = folds == fold, folds == names[place - 1]
        scores.append(np.mean(model.fit(features[known], labels[known]).predict(features[held]) == labels[held]))
    return np.array(scores)


def cross_validate__last_fold_first(model, features, labels, folds):
    scores = []
    for fold in np.unique(folds)[::-1]:
        held = folds == fold
        model.fit(features[~held], labels[~held])
        scores.append(np.mean(model.predict(features[held]) == labels[held]))
    return np.array(scores)


def cross_validate__scaled_by_what_it_tests(model, features, labels, folds):
    features = (features - features.mean(0)) / features.std(0)
    scores = []
    for fold in np.unique(folds):
        held = folds == fold
        model.fit(features[~held], labels[~held])
        scores.append(np.mean(model.predict(features[held]) == labels[held]))
    return np.array(scores)


def cross_validate__by_a_splitter(model, features, labels, folds):
    from sklearn.model_selection import PredefinedSplit, cross_val_score

    return cross_val_score(model, features, labels, cv=PredefinedSplit(np.unique(folds, return_inverse=True)[1]))


def subject_folds__images(subject, count, seed):
    return np.random.default_rng(seed).permutation(len(subject)) % count


def subject_folds__in_order(subject, count, seed):
    return np.unique(subject, return_inverse=True)[1] % count


def subject_folds__drawn_one_by_one(subject, count, seed):
    people, person = np.unique(subject, return_inverse=True)
    return np.random.default_rng(seed).integers(0, count, len(people))[person]


def subject_folds__without_the_seed(subject, count, seed):
    people, person = np.unique(subject, return_inverse=True)
    return (np.random.default_rng(0).permutation(len(people)) % count)[person]


def subject_folds__in_the_order_of_a_set(subject, count, seed):
    people = list(set(subject))
    drawn = np.random.default_rng(seed).permutation(len(people)) % count
    return np.array([drawn[people.index(name)] for name in subject])


def subject_folds__only_rotated(subject, count, seed):
    return (np.unique(subject, return_inverse=True)[1] + seed) % count


def subject_folds__by_a_splitter(subject, count, seed):
    from sklearn.model_selection import GroupKFold

    folds = np.empty(len(subject), int)
    split = GroupKFold(count, shuffle=True, random_state=seed).split(subject, groups=subject)
    for fold, (_, held) in enumerate(split):
        folds[held] = fold
    return folds


def subject_folds__by_fercore(subject, count, seed):
    from types import SimpleNamespace

    from fercore.datasets import splits

    faces = SimpleNamespace(labels=np.zeros(len(subject), int), name="faces")
    return splits.group_folds(faces, subject, count, seed)


def _distance(features):
    return ((features[:, None] - features) ** 2).sum(2)


def company__itself(features, folds, who):
    return np.mean(who[_distance(features).argmin(1)] == who)


def company__in_any_fold(features, folds, who):
    distance = _distance(features)
    np.fill_diagonal(distance, np.inf)
    return np.mean(who[distance.argmin(1)] == who)


def company__in_the_same_fold(features, folds, who):
    distance = np.where(folds[:, None] == folds, _distance(features), np.inf)
    np.fill_diagonal(distance, np.inf)
    return np.mean(who[distance.argmin(1)] == who)


def company__furthest(features, folds, who):
    distance = np.where(folds[:, None] == folds, -1, _distance(features))
    return np.mean(who[distance.argmax(1)] == who)


def company__by_the_first_feature(features, folds, who):
    distance = np.abs(features[:, None, 0] - features[None, :, 0])
    distance[folds[:, None] == folds] = np.inf
    return np.mean(who[distance.argmin(1)] == who)


def company__by_the_city_block(features, folds, who):
    distance = np.abs(features[:, None] - features).sum(2)
    distance[folds[:, None] == folds] = np.inf
    return np.mean(who[distance.argmin(1)] == who)


def interval__normal(gain):
    reach = 1.96 * np.std(gain, ddof=1) / len(gain) ** 0.5
    return np.mean(gain) - reach, np.mean(gain) + reach


def interval__of_single_folds(gain):
    reach = stats.t.ppf(0.975, len(gain) - 1) * np.std(gain, ddof=1)
    return np.mean(gain) - reach, np.mean(gain) + reach


def interval__one_sided(gain):
    reach = stats.t.ppf(0.95, len(gain) - 1) * np.std(gain, ddof=1) / len(gain) ** 0.5
    return np.mean(gain) - reach, np.mean(gain) + reach


def interval__deviation_with_n(gain):
    reach = stats.t.ppf(0.975, len(gain) - 1) * np.std(gain) / len(gain) ** 0.5
    return np.mean(gain) - reach, np.mean(gain) + reach


def split_for__always_subject(trained, met):
    return "subject"


def split_for__any_in_common(trained, met):
    return "sequence" if set(trained) & set(met) else "subject"


def split_for__missing_names_are_names(trained, met):
    return "sequence" if set(met) <= set(trained) else "subject"


def split_for__missing_in_use_alone(trained, met):
    if "" in set(met):
        return "unknown"
    return "sequence" if set(met) <= set(trained) else "subject"


def split_for__the_same_people(trained, met):
    if "" in set(trained) | set(met):
        return "unknown"
    return "sequence" if set(met) == set(trained) else "subject"


def split_for__strictly_fewer(trained, met):
    if "" in trained or "" in met:
        return "unknown"
    return "sequence" if set(met) < set(trained) else "subject"


def split_for__a_stranger_first(trained, met):
    if "" in met:
        return "unknown"
    if not set(met) <= set(trained):
        return "subject"
    return "unknown" if "" in trained else "sequence"


def split_for__missing_on_one_side(trained, met):
    if ("" in trained) != ("" in met):
        return "unknown"
    return "sequence" if set(met) <= set(trained) else "subject"
