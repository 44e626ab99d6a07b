"""What others make of a bundle: mlcroissant reads its tables, and upstream's example reads it unpacked (load.py: its Parquet shards).

Run by hand, after `release bundle DIR --out BUNDLE`:
    python3 test/parity/bundle.py BUNDLE [UPSTREAM]
UPSTREAM is a checkout of github PatternBiometrics/UnifiedGenderNet (tried: 8ad61c5). Its unpacking function, the
example of its README and its Dataset class are run as they are there; nothing of them is in this repository.
Last run with mlcroissant 1.1.1, pandas 3.1.1, torch 2.15.0, torchvision 0.29.2, Python 3.11.
"""

import csv
import hashlib
import itertools
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

CACHE = tempfile.TemporaryDirectory()
os.environ["CROISSANT_CACHE"] = CACHE.name  # mlcroissant unpacks an archive once for all of its name

try:
    import mlcroissant
    import pandas
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(77)

SPLITS = ("train", "val", "test")
NAME = "Shared_Derived_HaGRID_unified_Model_For_Sex_Prediction"


def sums(bundle):
    for line in (bundle / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ", 1)
        assert hashlib.sha256((bundle / name).read_bytes()).hexdigest() == digest, name
    print("SHA256SUMS: all files")


def croissant(bundle):
    dataset = mlcroissant.Dataset(jsonld=bundle / "croissant.json")
    for split in SPLITS:
        with open(bundle / f"{split}.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        found = [] if not rows else list(dataset.records(split))
        text = [{k.split("/", 1)[1]: (v or b"").decode() if v == v else "" for k, v in one.items()} for one in found]
        assert text == rows, split
        print(f"mlcroissant {split}: {len(rows)} rows are equal")
    for name in ("hands", "faces"):
        first = next(itertools.islice(dataset.records(name), 1))
        assert first[f"{name}/image"].size[0] > 0
    print("mlcroissant: images open")


def upstream(bundle, code):
    import torch  # noqa: F401  (upstream's data module needs it)

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "data" / NAME
        root.mkdir(parents=True)
        for name in (*(f"{split}.csv" for split in SPLITS), "aligned_dataset.zip"):
            shutil.copy(bundle / name, root / name)
        sys.path[:0] = [str(code / "scripts"), str(code / "src")]
        from download_derived_hagrid import unzip

        images = root / "images" / "content" / "aligned_dataset"
        unzip(root / "aligned_dataset.zip", images)
        readme = (code / "README.md").read_text(encoding="utf-8")
        example = re.search(r"### Minimal usage example\s+```python\n(.*?)```", readme, re.S).group(1)
        scope = {}
        exec(example.replace('"data/', f'"{folder}/data/'), scope)  # the folder apart, as it is
        assert scope["hand_path"].is_file() and scope["face_path"].is_file()
        from ugnet.data.datasets import FaceHandCSV

        for split, modality in itertools.product(SPLITS, ("hand", "face")):
            rows = len(pandas.read_csv(root / f"{split}.csv"))
            data = FaceHandCSV(root / f"{split}.csv", images, modality=modality)
            assert len(data) == rows
            for n in range(rows):
                image, label, _ = data[n]
                assert image.shape == (3, 224, 224) and int(label) in (0, 1)
        print("upstream: its unpacking, its example and its Dataset read every pair")


sums(Path(sys.argv[1]))
croissant(Path(sys.argv[1]))
if len(sys.argv) > 2:
    upstream(Path(sys.argv[1]), Path(sys.argv[2]))
