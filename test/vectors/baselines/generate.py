"""Writes logistic.json and dtw.json: scikit-learn's logistic regressions on summary features, and DTW distances by its definition.

    pip install scikit-learn numpy
    python generate.py
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(5)
folder = Path(__file__).parent


def features(rows):
    result = []
    for row in rows:
        one = []
        for channel in row.T:
            slope = np.polyfit(np.arange(len(channel)), channel, 1)[0] if len(channel) > 1 else 0.0
            one += [channel.mean(), channel.std(), channel.min(), channel.max(), channel[-1], slope]
        result.append(one + [len(row)])
    return np.array(result)


def case(classes, c):
    rows = lambda n: [np.round(rng.normal(size=(rng.integers(1, 9), 2)), 2) for _ in range(n)]
    train, test = rows(40), rows(6)
    targets = np.array([classes[int(abs(row.sum()) * 2) % len(classes)] for row in train])
    scaler = StandardScaler().fit(features(train))
    model = LogisticRegression(C=c, tol=1e-12, max_iter=100000).fit(scaler.transform(features(train)), targets)
    return {
        "c": c, "train": [row.tolist() for row in train], "targets": targets.tolist(), "test": [row.tolist() for row in test],
        "classes": model.classes_.tolist(), "probabilities": model.predict_proba(scaler.transform(features(test))).tolist(),
        "features": features(test).tolist(),
    }


def dtw(a, b, radius):
    radius = max(radius, abs(len(a) - len(b)))
    table = np.full((len(a) + 1, len(b) + 1), np.inf)
    table[0, 0] = 0
    for i in range(len(a)):
        for j in range(len(b)):
            if abs(i - j) <= radius:
                table[i + 1, j + 1] = ((a[i] - b[j]) ** 2).sum() + min(table[i, j], table[i, j + 1], table[i + 1, j])
    return table[-1, -1]


def pair(channels, radius):
    a, b = (np.round(rng.normal(size=(rng.integers(1, 12), channels)), 2) for _ in range(2))
    return {"channels": channels, "radius": radius, "a": a.ravel().tolist(), "b": b.ravel().tolist(), "distance": dtw(a, b, radius)}


logistic = {"scikit-learn": sklearn.__version__, "cases": [case(["a", "b"], 1.0), case(["a", "b", "c"], 1.0), case(["a", "b", "c", "d"], 0.05)]}
(folder / "logistic.json").write_text(json.dumps(logistic, separators=(",", ":")) + "\n")
pairs = [pair(channels, radius) for channels in (1, 3) for radius in (0, 1, 3, 100) for _ in range(5)]
(folder / "dtw.json").write_text(json.dumps(pairs, separators=(",", ":")) + "\n")
