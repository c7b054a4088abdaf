# What scikit-learn makes of scalers, encoders and splits, for test/data/scalers.test.ts and test/data/splits.test.ts.
#   pip install scikit-learn==1.9.1 && python test/data/vectors/sklearn_pipeline.py
# writes sklearn-pipeline.json beside itself.

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.model_selection import GroupKFold, StratifiedKFold, StratifiedShuffleSplit, TimeSeriesSplit
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

random = np.random.default_rng(11)


def scalers():
    columns = {
        "normal": random.normal(3, 2, 41),
        "heavy": np.round(random.lognormal(1, 1.5, 60), 3),
        "far from zero": 1e8 + random.normal(0, 1e-2, 50),
        "constant": np.full(13, 0.1),
        "one": np.array([4.0]),
        "missing": np.where(random.random(40) < 0.2, np.nan, random.normal(-1, 5, 40)),
        "two values": np.array([0.0] * 9 + [1.0]),
    }
    kinds = {"standard": StandardScaler, "min-max": MinMaxScaler, "robust": RobustScaler}
    cases = []
    for name, values in columns.items():
        column = values.reshape(-1, 1)
        for kind, scaler in kinds.items():
            cases.append(case(f"{kind}, {name}", [kind], values, scaler().fit_transform(column)))
        if (np.nan_to_num(values) >= 0).all():
            logs = FunctionTransformer(np.log1p).fit_transform(column)
            cases.append(case(f"log, {name}", ["log"], values, logs))
            cases.append(case(f"log then standard, {name}", ["log", "standard"], values, StandardScaler().fit_transform(logs)))
    return cases


def case(name, scale, values, scaled):
    def plain(array):
        return [None if np.isnan(value) else float(value) for value in np.asarray(array).ravel()]

    return {"name": name, "scale": scale, "values": plain(values), "scaled": plain(scaled)}


def encoders():
    words = ["pear", "Apple", "fig", "apple", "fig", "Zebra", "pear", "10", "9"]
    column = np.array(words, dtype=object).reshape(-1, 1)
    one_hot = OneHotEncoder(sparse_output=False).fit(column)
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(column)
    asked = ["fig", "grape", "9"]
    return {
        "training": words,
        "categories": one_hot.categories_[0].tolist(),
        "oneHot": one_hot.transform(column).tolist(),
        "asked": asked,
        "ordinal": ordinal.transform(np.array(asked, dtype=object).reshape(-1, 1)).ravel().tolist(),
    }


def folds(splits):
    return [{"training": training.tolist(), "test": test.tolist()} for training, test in splits]


def splits():
    n = 37
    series = [
        {"n": n, "options": {"folds": 5}, "folds": folds(TimeSeriesSplit(5).split(np.zeros(n)))},
        {
            "n": n,
            "options": {"folds": 4, "test": 3, "gap": 2, "longest": 11},
            "folds": folds(TimeSeriesSplit(4, test_size=3, gap=2, max_train_size=11).split(np.zeros(n))),
        },
        {"n": 12, "options": {"folds": 3, "gap": 1}, "folds": folds(TimeSeriesSplit(3, gap=1).split(np.zeros(12)))},
    ]
    # Sizes all different: how ties are broken is nobody's promise.
    groups = random.permutation(np.repeat(np.arange(9), [3, 17, 5, 8, 2, 11, 1, 6, 20]))
    grouped = [
        {"folds": k, "groups": groups.tolist(), "tests": [test.tolist() for _, test in GroupKFold(k).split(groups, groups=groups)]}
        for k in (2, 3, 5)
    ]
    classes = random.choice(["b", "a", "c"], 53, p=[0.5, 0.35, 0.15])
    stratified = [
        {
            "folds": k,
            "classes": classes.tolist(),
            "tests": [test.tolist() for _, test in StratifiedKFold(k).split(classes, classes)],
        }
        for k in (2, 4, 5)
    ]
    shuffled = []
    for share in (0.1, 0.2, 0.37):
        _, test = next(StratifiedShuffleSplit(1, test_size=round(share * len(classes)), random_state=1).split(classes, classes))
        names, counts = np.unique(classes[test], return_counts=True)
        shuffled.append({"test": share, "classes": classes.tolist(), "counts": dict(zip(names.tolist(), counts.tolist(), strict=True))})
    return {"series": series, "grouped": grouped, "stratified": stratified, "shuffled": shuffled}


vectors = {"sklearn": sklearn.__version__, "scalers": scalers(), "encoders": encoders(), "splits": splits()}
target = Path(__file__).with_name("sklearn-pipeline.json")
target.write_text(json.dumps(vectors, separators=(",", ":")) + "\n")
print(f"{target.name}: {len(vectors['scalers'])} scalers, scikit-learn {sklearn.__version__}")
