"""Goldens of metrics from scikit-learn: goldens/metrics.json has each metric's expression, and beside it the values.

Run with a Python that has scikit-learn, after evaluate.py, whose cases these are:
    python test/parity/metrics.py                                  makes all values anew
    python test/parity/metrics.py kappa "cohen_kappa_score(y, d)"  adds a metric by our name for it, or changes its expression
An expression sees all of sklearn.metrics, numpy as np, eer, and of the case: y (recorded, 1 male), p (probability of
male), d (decided, 1 male), both (both sexes are recorded), mixed (and both are decided). What it gives as None is not compared.
"""

import json
import platform
import sys
from pathlib import Path

import numpy as np
import scipy
import sklearn
import sklearn.metrics
from scipy.interpolate import interp1d
from scipy.optimize import brentq

GOLDENS = Path(__file__).parent / "goldens"
TARGET = GOLDENS / "metrics.json"


def eer(y, p):
    """The usual recipe: the root of fnr - fpr along the ROC curve, linear between its points."""
    fpr, tpr, _ = sklearn.metrics.roc_curve(y, p, drop_intermediate=False)
    # Along the curve rather than over fpr, which stands still where only males enter.
    way = np.arange(len(fpr))
    both = interp1d(way, np.stack([fpr, 1 - tpr]))
    root = brentq(lambda t: float(both(t)[0] - both(t)[1]), 0, len(fpr) - 1, xtol=1e-15, rtol=1e-15)
    return float(both(root)[0])


def evaluate(expression, case):
    y, p = np.array(case["y"]), np.array(case["p"])
    d = (p >= case["threshold"]).astype(int)
    both = len(set(y)) == 2
    known = {"y": y, "p": p, "d": d, "both": both, "mixed": both and len(set(d)) == 2, "np": np, "eer": eer}
    value = eval(expression, {**vars(sklearn.metrics), **known})
    return None if value is None else float(value)


cases = json.loads((GOLDENS / "evaluate.json").read_text())["cases"]
expressions = {name: metric["python"] for name, metric in json.loads(TARGET.read_text())["metrics"].items()}
if len(sys.argv) == 3:
    expressions[sys.argv[1]] = sys.argv[2]
golden = {
    "versions": {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    },
    "metrics": {
        name: {"python": expression, "values": [evaluate(expression, case) for case in cases]}
        for name, expression in expressions.items()
    },
}
TARGET.write_text(json.dumps(golden, indent=1) + "\n")
