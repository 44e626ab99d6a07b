"""Goldens for src/audit from the packages krippendorff and scikit-learn.

Run with a Python that has them: python test/parity/audit.py
Answers are drawn; a third of those of the many annotators is missing.
"""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import krippendorff
import numpy as np
import sklearn
from sklearn.metrics import cohen_kappa_score

random = np.random.default_rng(7)
cases = []
for annotators, things, classes, missing in [(2, 30, 2, 0), (2, 200, 7, 0), (3, 25, 2, 0.3), (5, 60, 4, 0.3), (4, 12, 3, 0.5)]:
    truth = random.integers(classes, size=things)
    wrong = random.random((annotators, things)) < 0.3
    values = np.where(wrong, random.integers(classes, size=(annotators, things)), truth).astype(float)
    values[random.random(values.shape) < missing] = np.nan
    kappa = None
    if annotators == 2:
        kappa = float(cohen_kappa_score(values[0], values[1]))
    cases.append(
        {
            "answers": [[None if np.isnan(v) else int(v) for v in row] for row in values.T],
            "alpha": float(krippendorff.alpha(reliability_data=values, level_of_measurement="nominal")),
            "kappa": kappa,
        }
    )

versions = {
    "python": platform.python_version(),
    "krippendorff": version("krippendorff"),
    "scikit-learn": sklearn.__version__,
    "numpy": np.__version__,
}
path = Path(__file__).parent / "goldens" / "audit.json"
path.write_text(json.dumps({"made_by": "test/parity/audit.py", "versions": versions, "cases": cases}) + "\n")
