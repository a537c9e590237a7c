"""What students plausibly write: question__how."""

import numpy as np
import pandas as pd


def nearest__bytes_wrap(known, asked):
    return np.array([((known - one) ** 2).sum((1, 2)).argmin() for one in asked])


def nearest__by_brightness(known, asked):
    return np.abs(known.mean((1, 2)) - asked.mean((1, 2))[:, None]).argmin(1)


def nearest__by_product(known, asked):
    known, asked = (part.reshape(len(part), -1).astype(float) for part in (known, asked))
    return (asked @ known.T).argmax(1)


def nearest__of_the_known(known, asked):
    known, asked = (part.reshape(len(part), -1).astype(float) for part in (known, asked))
    return ((asked[:, None] - known) ** 2).sum(2).argmin(0)


def majority__of_the_test(train_labels, test_labels):
    answer = np.bincount(test_labels).argmax()
    return np.mean(test_labels == answer), 1 / len(np.unique(test_labels))


def majority__twice_accuracy(train_labels, test_labels):
    accuracy = np.mean(test_labels == np.bincount(train_labels).argmax())
    return accuracy, accuracy


def majority__of_all_classes(train_labels, test_labels):
    answer, classes = np.bincount(train_labels).argmax(), max(train_labels.max(), test_labels.max()) + 1
    return np.mean(test_labels == answer), np.mean(np.arange(classes) == answer)


def majority__as_if_the_answer_occurred(train_labels, test_labels):
    answer = np.bincount(train_labels).argmax()
    return np.mean(np.asarray(test_labels) == answer), 1 / len(np.unique(test_labels))


def first_copy__of_the_neighbour(pixels):
    found = list(range(len(pixels)))
    for row in range(1, len(pixels)):
        if (pixels[row] == pixels[row - 1]).all():
            found[row] = found[row - 1]
    return np.array(found)


def first_copy__by_sum(pixels):
    _, first, inverse = np.unique(pixels.astype(int).sum((1, 2)), return_index=True, return_inverse=True)
    return first[inverse]


def first_copy__the_last(pixels):
    last = {image.tobytes(): row for row, image in enumerate(pixels)}
    return np.array([last[image.tobytes()] for image in pixels])


def first_copy__weighted_checksum(pixels):
    sums = pixels.reshape(len(pixels), -1).astype(int) @ np.arange(1, pixels[0].size + 1)
    return np.array([np.flatnonzero(sums == one)[0] for one in sums])


def first_copy__as_it_is_printed(pixels):
    seen = {}
    return np.array([seen.setdefault(str(image), row) for row, image in enumerate(pixels)])


def stands_in__any_copy(group, split, name):
    return pd.Series(group).duplicated(keep=False).to_numpy() | (split == name)


def stands_in__first_row(group, split, name):
    return split[group] == name


def stands_in__itself(group, split, name):
    return split == name


def similarity__without_shifts(one, other, reach=2):
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


def similarity__by_distance(one, other, reach=2):
    return 1 - np.abs(one.astype(float) - other.astype(float)).mean() / 255


def similarity__rolled(one, other, reach=2):
    shifts = [(down, right) for down in range(-reach, reach + 1) for right in range(-reach, reach + 1)]
    return max(np.corrcoef(one.ravel(), np.roll(other, shift, (0, 1)).ravel())[0, 1] for shift in shifts)


def similarity__without_sign(one, other, reach=2):
    found = []
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            height, width = one.shape
            a = one[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)]
            b = other[max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)]
            found.append(abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]))
    return max(found)


def similarity__two_pixels_whatever_reach(one, other, reach=2):
    return _best(one, other, 2, skip=True)


def similarity__not_a_number(one, other, reach=2):
    return _best(one, other, reach, skip=False)


def similarity__grey_parts_count_as_1(one, other, reach=2):
    one, other = np.asarray(one, float), np.asarray(other, float)
    height, width = one.shape
    best = -1.0
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            a = one[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)]
            b = other[max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)]
            if a.std() and b.std():
                best = max(best, np.corrcoef(a.ravel(), b.ravel())[0, 1])
            elif (a == b).all():
                best = 1.0
    return best


def similarity__best_from_0(one, other, reach=2):
    one, other = np.asarray(one, float), np.asarray(other, float)
    height, width = one.shape
    best = 0
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            a = one[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)]
            b = other[max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)]
            if a.std() and b.std():
                best = max(best, np.corrcoef(a.ravel(), b.ravel())[0, 1])
    return best


def similarity__grey_parts_are_0(one, other, reach=2):
    one, other = np.asarray(one, float), np.asarray(other, float)
    height, width = one.shape
    found = []
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            a = one[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)]
            b = other[max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)]
            found.append(np.nan_to_num(np.corrcoef(a.ravel(), b.ravel())[0, 1]))
    return max(found)


def similarity__cut_on_both_sides(one, other, reach=2):
    one, other = one.astype(float), other.astype(float)
    height, width = one.shape
    best = -1.0
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            inner = slice(abs(down), height - abs(down)), slice(abs(right), width - abs(right))
            a, b = one[inner], np.roll(other, (down, right), (0, 1))[inner]
            if a.std() and b.std():
                best = max(best, np.corrcoef(a.ravel(), b.ravel())[0, 1])
    return best


def similarity__sides_swapped(one, other, reach=2):
    one, other = np.asarray(one, float), np.asarray(other, float)
    width, height = one.shape
    best = -1.0
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            a = one[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)]
            b = other[max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)]
            if a.std() and b.std():
                best = max(best, np.corrcoef(a.ravel(), b.ravel())[0, 1])
    return best


def _best(one, other, reach, skip):
    one, other, best = np.asarray(one, float), np.asarray(other, float), -1.0
    (height, width), steps = one.shape, range(-reach, reach + 1)
    for down, right in ((down, right) for down in steps for right in steps):
        a = one[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)]
        b = other[max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)]
        if not skip or (a.std() and b.std()):
            with np.errstate(all="ignore"):
                best = np.maximum(best, np.corrcoef(a.ravel(), b.ravel())[0, 1])
    return best


def to_train_on__all_of_training(group, split, label):
    return np.flatnonzero(split == "Training")


def to_train_on__but_contradictions(group, split, label):
    elsewhere = np.isin(group, group[split != "Training"])
    stays = (split == "Training") & ~elsewhere
    return np.flatnonzero(stays & ~pd.Series(np.where(stays, group, -1)).duplicated())


def to_train_on__privatetest_alone(group, split, label):
    table = pd.DataFrame({"group": group, "label": label})
    stays = (split == "Training") & ~np.isin(group, group[split == "PrivateTest"])
    stays &= (table.groupby("group")["label"].transform("nunique") == 1).to_numpy()
    return np.flatnonzero(stays & ~table["group"].where(stays, -1).duplicated())


def to_train_on__publictest_alone(group, split, label):
    table = pd.DataFrame({"group": group, "split": split, "label": label})
    stays = (table["split"] == "Training") & ~table["group"].isin(table.loc[table["split"] == "PublicTest", "group"])
    stays &= table.groupby("group")["label"].transform("nunique") == 1
    return np.flatnonzero(stays & ~table.where(stays).duplicated("group"))


def to_train_on__no_copies_at_all(group, split, label):
    return np.flatnonzero((split == "Training") & ~pd.Series(group).duplicated(keep=False))


def to_train_on__by_group(group, split, label):
    stays = []
    for one in np.unique(group):
        rows = np.flatnonzero(group == one)
        if (split[rows] == "Training").all() and len(set(label[rows])) == 1:
            stays.append(rows[0])
    return np.array(stays)


def to_train_on__minus_1_for_what_goes(group, split, label):
    table = pd.DataFrame({"group": group, "split": split, "label": label})
    stays = (table["split"] == "Training") & ~np.isin(group, group[split != "Training"])
    stays &= table.groupby("group")["label"].transform("nunique") == 1
    return np.flatnonzero(stays & ~table["group"].where(stays, -1).duplicated())


def to_train_on__groups_as_places(group, split, label):
    elsewhere = np.bincount(group[split != "Training"], minlength=group.max() + 1)
    stays = []
    for row in np.flatnonzero(split == "Training"):
        copies = np.flatnonzero(group == group[row])
        if not elsewhere[group[row]] and len(set(label[copies])) == 1 and copies[0] == row:
            stays.append(row)
    return np.array(stays)


def to_train_on__label_is_the_mean(group, split, label):
    table = pd.DataFrame({"group": group, "split": split, "label": label})
    stays = (table["split"] == "Training") & ~table["group"].isin(table.loc[table["split"] != "Training", "group"])
    stays &= table.groupby("group")["label"].transform("mean") == table["label"]
    return np.flatnonzero(stays & ~table.where(stays).duplicated("group"))
