"""Reads exports of a dataset with the libraries they are made for and compares them with the dataset itself.

Run by hand, after `data export DIR --parquet|--webdataset|--imagefolder --out OUT/<kind>` for all three:
    python3 test/parity/exports.py DIR OUT
Last run with datasets 5.2.0, webdataset 1.0.2, pyarrow 26.0.1, pandas 3.1.1, Python 3.11.
"""

import csv
import io
import json
import sys
from pathlib import Path

try:
    import datasets
    import pyarrow.parquet as pq
    import webdataset as wds
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(77)

SPLITS = {"train": "train", "val": "validation", "test": "test"}


def expected(root, split):
    folder = root / "images/content/aligned_dataset"
    with open(root / f"{split}.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            hand = (folder / "hands" / row["hand_image_name"]).read_bytes()
            face = (folder / "faces" / row["face_image_name"]).read_bytes()
            yield row, hand, face


def same(name, found, root, split):
    count = 0
    for (row, hand, face), (row2, hand2, face2) in zip(found, expected(root, split), strict=True):
        assert row == row2, (name, split, row, row2)
        assert hand == hand2 and face == face2, (name, split, row["id"])
        count += 1
    print(f"{name} {split}: {count} pairs are equal")


def hub(dataset, columns, decoded):
    """Rows of a `datasets` dataset, pictures undecoded; the first one is decoded once to see that it can be."""
    assert isinstance(dataset.features["hand_image"], datasets.Image), dataset.features
    first = decoded[0]["hand_image"]
    assert first.mode == "RGB" and first.size[0] > 0
    for record in dataset:
        pictures = []
        for name in ("hand_image", "face_image"):
            value = record[name]
            pictures.append(value["bytes"] or Path(value["path"]).read_bytes())
        yield {column: record[column] for column in columns}, *pictures


def undecoded(dataset):
    for name in ("hand_image", "face_image"):
        dataset = dataset.cast_column(name, datasets.Image(decode=False))
    return dataset


def main(root, out):
    with open(root / "train.csv", newline="", encoding="utf-8") as file:
        columns = next(csv.reader(file))
    for ours, theirs in SPLITS.items():
        if not any(expected(root, ours)):
            continue
        whole = datasets.load_dataset(str(out / "parquet"), split=theirs)
        same("parquet", hub(undecoded(whole), columns, whole), root, ours)
        folder = datasets.load_dataset("imagefolder", data_dir=str(out / "imagefolder"), split=theirs)
        same("imagefolder", hub(undecoded(folder), columns, folder), root, ours)
        plain = pq.read_table(sorted(map(str, (out / "parquet/data").glob(f"{theirs}-*.parquet")))).to_pylist()
        rows = (({c: r[c] for c in columns}, r["hand_image"]["bytes"], r["face_image"]["bytes"]) for r in plain)
        same("pyarrow", rows, root, ours)
        shards = sorted(map(str, (out / "webdataset").glob(f"{theirs}-*.tar")))
        samples = wds.WebDataset(shards, shardshuffle=False)
        rows = ((json.load(io.BytesIO(s["json"])), s["hand.jpg"], s["face.jpg"]) for s in samples)
        same("webdataset", rows, root, ours)


main(Path(sys.argv[1]), Path(sys.argv[2]))
