"""Goldens for src/evaluate/analysis/ages: the age target in years, from numpy alone.

Run with a Python that has numpy: python test/parity/ages.py
Independent of our code: the middle of a bucket is found from its years one by one, errors and shares by masks, intervals by drawing
subjects' rows with repetition, 20,000 times.
"""

import json
import platform
from pathlib import Path

import numpy as np

DRAWS = 20_000
rng = np.random.default_rng(11)


def years_in(bucket, buckets):
    """All years of life of a bucket; an open one goes on for as long as the closed one before it lasts."""
    if bucket.endswith("+"):
        low = int(bucket[:-1])
        closed = [b for b in buckets if not b.endswith("+") and int(b.split("-")[0]) < low]
        before = max(closed, key=lambda b: int(b.split("-")[0]))
        return np.arange(low, low + len(years_in(before, buckets)))
    first, *last = bucket.split("-")
    return np.arange(int(first), int(last[0] if last else first) + 1)


def middle(bucket, buckets):
    return float(np.mean(years_in(bucket, buckets) + 0.5))


def minor(bucket, buckets):
    """True, False, or None for a bucket with years on both sides of 18."""
    under = np.array([year < 18 for year in (years_in(bucket, buckets) if "+" not in bucket else [int(bucket[:-1])])])
    return None if under.any() and not under.all() else bool(under.all())


def draw_rows(buckets, subjects, images):
    rows = []
    for s in range(subjects):
        age = int(rng.integers(len(buckets)))
        sex, race = int(rng.integers(2)), ["Black", "White", "Indian"][int(rng.integers(3))]
        for i in range(int(rng.integers(1, images + 1))):
            scores = -0.7 * (np.arange(len(buckets)) - age - rng.normal()) ** 2 + rng.normal(size=len(buckets))
            p = np.exp(scores) / np.exp(scores).sum()
            rows.append(
                {
                    "id": f"{s}-{i}",
                    "subject": f"pairs:{s}",
                    "target": sex,
                    "race": race,
                    "age": buckets[age],
                    "p": [round(float(v), 5) for v in p],
                }
            )
    return rows


def figures(errors, passes, minors, subjects):
    under = np.array([m is True for m in minors])
    return {
        "images": len(errors),
        "subjects": len(set(subjects)),
        "error": float(errors.mean()),
        "minors": int(under.sum()),
        "minorSubjects": len({s for s, m in zip(subjects, under) if m}),
        "challenge": float(passes[under].mean()) if under.any() else None,
        "errorInterval": interval(errors, subjects),
        "challengeInterval": interval(passes[under].astype(float), [s for s, m in zip(subjects, under) if m]),
    }


def interval(values, subjects):
    names = sorted(set(subjects))
    if len(names) < 20 or values.min() == values.max():
        return None
    sums = np.array([values[[s == name for s in subjects]].sum() for name in names])
    counts = np.array([sum(s == name for s in subjects) for name in names])
    chosen = rng.integers(len(names), size=(DRAWS, len(names)))
    means = sums[chosen].sum(axis=1) / counts[chosen].sum(axis=1)
    return np.percentile(means, [2.5, 97.5]).tolist()


def case(name, buckets, subjects, images):
    rows = draw_rows(buckets, subjects, images)
    middles = np.array([middle(b, buckets) for b in buckets])
    p = np.array([row["p"] for row in rows])
    estimate = p @ middles / p.sum(axis=1)
    errors = np.abs(estimate - np.array([middle(row["age"], buckets) for row in rows]))
    minors = [minor(row["age"], buckets) for row in rows]
    passes = estimate >= 25
    who = [row["subject"] for row in rows]
    of = {
        "gender": [["female", "male"][row["target"]] for row in rows],
        "age": [row["age"] for row in rows],
        "race": [row["race"] for row in rows],
    }
    groups = {}
    for key, values in of.items():
        groups[key] = {}
        for value in sorted(set(values)):
            at = np.array([v == value for v in values])
            groups[key][value] = figures(
                errors[at],
                passes[at],
                [m for m, a in zip(minors, at) if a],
                [w for w, a in zip(who, at) if a],
            )
    return {
        "name": name,
        "buckets": buckets,
        "middles": middles.tolist(),
        "rows": rows,
        "all": figures(errors, passes, minors, who),
        "undecided": sum(m is None for m in minors),
        "groups": groups,
    }


FAIRFACE = ["0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70+"]
LEGAL = ["0-12", "13-17", "18-24", "25-39", "40+"]

out = {
    "versions": {"python": platform.python_version(), "numpy": np.__version__},
    "draws": DRAWS,
    "cases": [case("FairFace's buckets", FAIRFACE, 150, 3), case("edges at 18 and 25", LEGAL, 120, 4)],
}
path = Path(__file__).parent / "goldens" / "ages.json"
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
