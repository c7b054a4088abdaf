"""Writes metrics.json: what scikit-learn, statsmodels and NumPy make of small arrays with ties, weights and rare classes.

    pip install scikit-learn statsmodels scipy numpy
    python generate.py

scikit-learn gives the metrics; statsmodels McNemar's exact test and the long-run variance of Diebold and Mariano's; SciPy the
tails. What neither has is computed here from the definitions: MASE (Hyndman and Koehler 2006), sMAPE (Makridakis 1993),
the calibration error (Guo et al. 2017), mid-p (Fagerland et al. 2013), the correction of Harvey et al. (1997), and DeLong's
standard error by the jackknife-free covariance of his paper, over all pairs.
"""

import json
from pathlib import Path

import numpy as np
import scipy
import sklearn
import statsmodels
import statsmodels.api as sm
from scipy import stats
from sklearn import metrics
from sklearn.calibration import calibration_curve
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.sandwich_covariance import weights_bartlett, weights_uniform

rng = np.random.default_rng(20)


def classification(n, classes, weighted):
    truth = rng.choice(classes, n, p=np.arange(1, len(classes) + 1) / sum(range(1, len(classes) + 1)))
    wrong = rng.choice(classes, n)
    predicted = np.where(rng.random(n) < 0.6, truth, wrong)
    weights = np.round(rng.random(n) * 3, 2) if weighted else None
    probabilities = rng.dirichlet(np.ones(len(classes)), n)
    kwargs = {"sample_weight": weights}
    return {
        "truth": truth.tolist(), "predicted": predicted.tolist(), "classes": list(classes),
        "weights": None if weights is None else weights.tolist(), "probabilities": probabilities.tolist(),
        "accuracy": metrics.accuracy_score(truth, predicted, **kwargs),
        "balancedAccuracy": metrics.balanced_accuracy_score(truth, predicted, **kwargs),
        "macro": metrics.f1_score(truth, predicted, average="macro", zero_division=0, **kwargs),
        "weighted": metrics.f1_score(truth, predicted, average="weighted", zero_division=0, **kwargs),
        "first": metrics.f1_score(truth, predicted, average=None, labels=[classes[0]], zero_division=0, **kwargs)[0],
        "confusion": metrics.confusion_matrix(truth, predicted, labels=classes, **kwargs).tolist(),
        "logLoss": metrics.log_loss(truth, probabilities, labels=classes, **kwargs),
    }


def ranking(n, ties, weighted):
    truth = (rng.random(n) < 0.35).astype(int)
    scores = 1 / (1 + np.exp(-(rng.normal(size=n) + truth)))
    if ties:
        scores = np.round(scores, 1)
    weights = np.round(rng.random(n) * 3, 0) if weighted else None
    kwargs = {"sample_weight": weights}
    fpr, tpr, thresholds = metrics.roc_curve(truth, scores, drop_intermediate=False, **kwargs)
    precision, recall, cuts = metrics.precision_recall_curve(truth, scores, **kwargs)
    row = {
        "truth": truth.tolist(), "scores": scores.tolist(), "weights": None if weights is None else weights.tolist(),
        "roc": [fpr.tolist(), tpr.tolist(), thresholds[1:].tolist()], "auc": metrics.roc_auc_score(truth, scores, **kwargs),
        # Highest score first.
        "precisionRecall": [precision[::-1].tolist(), recall[::-1].tolist(), cuts[::-1].tolist()],
        "averagePrecision": metrics.average_precision_score(truth, scores, **kwargs),
    }
    if not weighted:
        row["calibration"] = [calibrated(truth, scores, bins, strategy) for bins in (1, 5, 10) for strategy in ("uniform", "quantile")]
    return row


def calibrated(truth, scores, bins, strategy):
    observed, predicted = calibration_curve(truth, scores, n_bins=bins, strategy=strategy)
    edges = np.linspace(0, 1, bins + 1) if strategy == "uniform" else np.percentile(scores, np.linspace(0, 1, bins + 1) * 100)
    counts = np.bincount(np.searchsorted(edges[1:-1], scores), minlength=bins)
    counts = counts[counts > 0]
    error = float(np.sum(counts / len(truth) * np.abs(observed - predicted)))
    return {"bins": bins, "strategy": strategy, "predicted": predicted.tolist(), "observed": observed.tolist(), "error": error}


def forecast(n, season, weighted):
    series = 50 + 10 * np.sin(np.arange(4 * season + n) * 2 * np.pi / season) + rng.normal(size=4 * season + n)
    training, truth = series[:-n], series[-n:]
    predicted = truth + rng.normal(size=n) * 3
    weights = np.round(rng.random(n) * 3, 2) if weighted else None
    kwargs = {"sample_weight": weights}
    scale = np.mean(np.abs(training[season:] - training[:-season]))
    return {
        "truth": truth.tolist(), "predicted": predicted.tolist(), "training": training.tolist(), "season": season,
        "weights": None if weights is None else weights.tolist(),
        "mae": metrics.mean_absolute_error(truth, predicted, **kwargs),
        "rmse": metrics.root_mean_squared_error(truth, predicted, **kwargs),
        "mape": metrics.mean_absolute_percentage_error(truth, predicted, **kwargs),
        "smape": float(np.average(2 * np.abs(truth - predicted) / (np.abs(truth) + np.abs(predicted)), weights=weights)),
        "mase": float(np.average(np.abs(truth - predicted), weights=weights) / scale),
        "pinball": [[q, metrics.mean_pinball_loss(truth, predicted, alpha=q, **kwargs)] for q in (0.1, 0.5, 0.95)],
    }


def mc_nemar(only_first, only_second, both):
    table = [[both, only_first], [only_second, 3]]
    exact = float(mcnemar(table, exact=True).pvalue)
    seen = stats.binom.pmf(min(only_first, only_second), only_first + only_second, 0.5)
    # The sum over outcomes as unlikely as or less likely than the one seen, those counted half.
    tail = stats.binom.cdf(min(only_first, only_second) - 1, only_first + only_second, 0.5)
    mid_p = min(1.0, 2 * (tail + seen / 2))
    return {"onlyFirst": only_first, "onlySecond": only_second, "both": both, "exact": exact, "midP": float(mid_p)}


def diebold_mariano(n, horizon):
    first, second = rng.normal(size=n).cumsum() ** 2 * 0.1 + rng.random(n), rng.random(n) * 1.5
    differences = first - second
    def statistic(weights):
        fit = sm.OLS(differences, np.ones(n)).fit(
            cov_type="HAC", cov_kwds={"maxlags": horizon - 1, "kernel": weights, "use_correction": False})
        return fit.params[0] / fit.bse[0]
    with np.errstate(invalid="ignore"):
        value = statistic(weights_uniform)
    kernel = "rectangular" if np.isfinite(value) else "bartlett"
    if kernel == "bartlett":
        value = statistic(weights_bartlett)
    corrected = value * np.sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
    return {"first": first.tolist(), "second": second.tolist(), "horizon": horizon, "kernel": kernel, "statistic": float(corrected),
            "pValue": float(2 * stats.t.sf(abs(corrected), n - 1))}


def delong(n, ties):
    truth = (rng.random(n) < 0.4).astype(int)
    first, second = rng.normal(size=n) + truth, rng.normal(size=n) + 0.3 * truth
    if ties:
        first, second = np.round(first), np.round(second)
    areas, above, below = [], [], []
    for scores in (first, second):
        pairs = scores[truth == 1][:, None] - scores[truth == 0][None, :]
        wins = (pairs > 0) + 0.5 * (pairs == 0)
        areas.append(metrics.roc_auc_score(truth, scores))
        above.append(wins.mean(axis=1))
        below.append(wins.mean(axis=0))
    covariance = np.cov(above) / truth.sum() + np.cov(below) / (n - truth.sum())
    contrast = np.array([1, -1])
    error = float(np.sqrt(contrast @ covariance @ contrast))
    difference = areas[0] - areas[1]
    return {"truth": truth.tolist(), "first": first.tolist(), "second": second.tolist(), "difference": difference,
            "standardError": error, "pValue": float(2 * stats.norm.sf(abs(difference / error)))}


vectors = {
    "versions": {m.__name__: m.__version__ for m in (np, scipy, sklearn, statsmodels)},
    "classification": [classification(40, ["a", "b"], False), classification(40, ["a", "b", "c", "d"], False),
                       classification(30, ["a", "b", "c"], True), classification(5, ["a", "b", "c", "d", "e", "f"], False)],
    "ranking": [ranking(50, False, False), ranking(60, True, False), ranking(60, True, True)],
    "forecasts": [forecast(12, 12, False), forecast(7, 4, True), forecast(5, 1, False)],
    # The first is Bentur et al.'s airway hyper-responsiveness as Fagerland et al. 2013 have it: exact 0.070, mid-p 0.039.
    "mcNemar": [mc_nemar(1, 7, 12), mc_nemar(5, 5, 3), mc_nemar(0, 1, 9), mc_nemar(40, 71, 500), mc_nemar(900, 1010, 5)],
    "dieboldMariano": [diebold_mariano(30, 1), diebold_mariano(40, 4), diebold_mariano(25, 12), diebold_mariano(16, 9)],
    "delong": [delong(40, False), delong(60, True)],
    "student": [[t, v, float(2 * stats.t.sf(t, v))] for v in (1, 2, 3, 4, 7, 30, 101) for t in (0.0, 0.3, 1.0, 2.5, 8.0)],
    "normal": [[z, float(2 * stats.norm.sf(z))] for z in (0.0, 0.1, 1.0, 1.96, 2.999, 3.0, 5.0, 9.0)],
}

if __name__ == "__main__":
    text = json.dumps(vectors, separators=(",", ":"), allow_nan=False)
    Path(__file__).with_name("metrics.json").write_text(text + "\n")
    print([d["kernel"] for d in vectors["dieboldMariano"]])
