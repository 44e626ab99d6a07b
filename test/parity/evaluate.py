"""Goldens for src/evaluate from scikit-learn, scipy, statsmodels and fairlearn; single metrics are in metrics.py.

Run with a Python that has them: python test/parity/evaluate.py
Probabilities in the tie cases are multiples of 1/64 and n - 1 has no factor 3 or 5: no value falls on an edge
of 15 bins, where the last bit of numpy's edges, k * (1/15) instead of k/15, would decide the bin.
"""

import json
import platform
from pathlib import Path

import fairlearn
import numpy as np
import scipy
import sklearn
import statsmodels
from fairlearn.metrics import MetricFrame
from scipy.optimize import minimize_scalar
from scipy.stats import norm
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    mean_absolute_error,
    recall_score,
)
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

BINS = 15
rng = np.random.default_rng(7)


def curve(y, p, strategy):
    share, mean = calibration_curve(y, p, n_bins=BINS, strategy=strategy, pos_label=1)
    edges = np.linspace(0, 1, BINS + 1)
    if strategy == "quantile":
        edges = np.percentile(p, edges * 100)
    count = np.bincount(np.searchsorted(edges[1:-1], p), minlength=BINS)
    count = count[count > 0]
    ece = float(np.sum(count / len(p) * np.abs(share - mean)))
    return {"share": share.tolist(), "mean": mean.tolist(), "n": count.tolist(), "ece": ece}


def confusion(y, p, threshold):
    tn, fp, fn, tp = confusion_matrix(y, (p >= threshold).astype(int), labels=[0, 1]).ravel()
    return {
        "truePositive": int(tp),
        "falsePositive": int(fp),
        "trueNegative": int(tn),
        "falseNegative": int(fn),
    }


def expected(y, p, threshold):
    return {
        "confusion": confusion(y, p, threshold),
        "uniform": curve(y, p, "uniform"),
        "quantile": curve(y, p, "quantile"),
    }


def sample(n, share, spread):
    y = (rng.random(n) < share).astype(int)
    p = 1 / (1 + np.exp(-(spread * (y - 0.5) + rng.normal(size=n) * 1.5)))
    return y, np.round(p, 6)


def cases():
    y, p = sample(503, 0.55, 3)
    yield "random", y, p, 0.5
    yield "threshold .3", y, p, 0.3
    y, p = sample(200, 0.3, 2)
    yield "ties", y, np.round(p * 64) / 64, 0.5
    y, p = sample(200, 0.1, 1)
    yield "few values", y, np.round(p * 4) / 4, 0.5
    yield "constant", y, np.full(200, 0.25), 0.25
    y = np.arange(30) % 2
    yield "perfect", y, np.where(y == 1, 0.9, 0.03125), 0.5
    yield "reversed", y, np.where(y == 1, 0.03125, 0.9), 0.5
    yield "certain and wrong", np.array([0, 1, 1, 0, 1]), np.array([1.0, 0.0, 1.0, 0.0, 0.5]), 0.5
    yield "two", np.array([0, 1]), np.array([0.5, 0.5]), 0.5
    yield "only male", np.ones(12, int), np.round(rng.random(12), 6), 0.5
    yield "only female", np.zeros(12, int), np.round(rng.random(12), 6), 0.5


def temperature():
    y, p = sample(150, 0.5, 2)
    z = np.round(4 * np.log(p / (1 - p)), 5)

    def nll(t):
        s = np.where(y == 1, -z, z) / np.exp(t)
        return float(np.mean(np.logaddexp(0, s)))

    best = minimize_scalar(nll, bounds=(-4, 4), method="bounded", options={"xatol": 1e-10})
    return {
        "y": y.tolist(),
        "logits": z.tolist(),
        "temperature": float(np.exp(best.x)),
        "nllBefore": nll(0),
        "nllAfter": best.fun,
    }


def groups():
    y, p = sample(240, 0.5, 2)
    race = rng.choice(["a", "b", "c"], 240)
    modality = rng.choice(["face", "hand"], 240)
    d = (p >= 0.5).astype(int)
    frame = MetricFrame(
        metrics={
            "accuracy": accuracy_score,
            "tprMale": lambda t, q: recall_score(t, q, pos_label=1),
            "tprFemale": lambda t, q: recall_score(t, q, pos_label=0),
        },
        y_true=y,
        y_pred=d,
        sensitive_features={"race": race, "modality": modality},
    )
    by_group = {"|".join(k): v for k, v in frame.by_group.to_dict("index").items()}
    return {
        "rows": [
            {"subject": f"s{i}", "target": int(y[i]), "probability": float(p[i]), "race": race[i], "modality": modality[i]}
            for i in range(240)
        ],
        "overall": frame.overall.to_dict(),
        "byGroup": by_group,
        "difference": frame.difference().to_dict(),
        "ratio": frame.ratio().to_dict(),
        "min": frame.group_min().to_dict(),
        "max": frame.group_max().to_dict(),
    }


def classes():
    """Five ordered classes, of which `e` is never recorded; a drawn stream of its own leaves the others' values alone."""
    draw = np.random.default_rng(11)
    names = list("abcde")
    y = draw.integers(0, 4, 160)
    scores = draw.normal(size=(160, 5)) + 1.5 * np.eye(5)[y]
    p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    d = p.argmax(1)
    return {
        "names": names,
        "recorded": [names[k] for k in y],
        "probabilities": p.tolist(),
        "accuracy": accuracy_score(y, d),
        "balancedAccuracy": float(recall_score(y, d, labels=range(4), average="macro", zero_division=0)),
        "recall": recall_score(y, d, labels=range(4), average=None).tolist(),
        "oneOffAccuracy": float((abs(y - d) <= 1).mean()),
        "meanAbsoluteError": mean_absolute_error(y, d),
    }


golden = {
    "versions": {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "statsmodels": statsmodels.__version__,
        "fairlearn": fairlearn.__version__,
    },
    "cases": [
        {"name": name, "y": y.tolist(), "p": p.tolist(), "threshold": t, "expected": expected(y, p, t)}
        for name, y, p, t in cases()
    ],
    "wilson": [
        {"k": k, "n": n, "level": level, "limits": [float(x) for x in proportion_confint(k, n, 1 - level, "wilson")]}
        for k, n, level in [(9, 10, 0.95), (0, 10, 0.95), (10, 10, 0.95), (457, 1254, 0.99), (1, 2, 0.9)]
    ],
    "critical": [[level, float(norm.ppf((1 + level) / 2))] for level in (0.5, 0.8, 0.9, 0.95, 0.99, 0.9999)],
    "mcnemar": [
        {"b": b, "c": c, "p": float(mcnemar([[5, b], [c, 5]], exact=b + c < 25, correction=True).pvalue)}
        for b, c in [(0, 0), (3, 12), (12, 12), (0, 24), (10, 15), (40, 61), (210, 200), (1, 99)]
    ],
    "holm": [
        {"ps": ps, "adjusted": multipletests(ps, method="holm")[1].tolist()}
        for ps in [[0.01, 0.04, 0.03, 0.005], [0.2], [0.5, 0.6, 0.9], [0.02, 0.02, 0.02], [0, 1, 0.001]]
    ],
    "temperature": temperature(),
    "groups": groups(),
    "classes": classes(),
}
target = Path(__file__).parent / "goldens" / "evaluate.json"
target.write_text(json.dumps(golden) + "\n")
