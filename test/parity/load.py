"""What Python's libraries see in a bundle of a dataset, as JSON: `datasets.load_dataset` of its folder, and mlcroissant.

    python3 test/parity/load.py BUNDLE            # prints it; test/parity/load.test.ts compares it with goldens/load.json
    python3 test/parity/load.py BUNDLE --counts   # without the records, for large ones
The golden is of the bundle that load.test.ts writes (FACEHAND_KEEP=DIR leaves it there). Exits with 77 where a library is missing.
Last run with datasets 5.2.0, mlcroissant 1.1.1, Pillow 13.0.0, pyarrow 26.0.1, Python 3.11.
"""

import hashlib
import importlib.metadata
import json
import logging
import os
import sys
import tempfile
from pathlib import Path

CACHE = tempfile.TemporaryDirectory()
# mlcroissant unpacks an archive once for all of its name: without a cache of its own, another bundle's pictures are seen.
os.environ["CROISSANT_CACHE"] = CACHE.name
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
logging.disable(logging.WARNING)
try:
    import datasets
    import mlcroissant
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(77)

PICTURES = ("hand_image", "face_image")


def picture(image):
    return [image.mode, *image.size]


def split_hash(records):
    """As facehand-export.json has it: over cells and bytes of pictures, in order."""
    digest = hashlib.sha256()
    for cells, *images in records:
        row = [list(cells.values()), *(hashlib.sha256(image).hexdigest() for image in images)]
        text = json.dumps(row, separators=(",", ":"), ensure_ascii=False)
        digest.update(f"{text}\n".encode())
    return digest.hexdigest()


def by_datasets(bundle, counts, cache):
    loaded = datasets.load_dataset(str(bundle), cache_dir=cache)
    plain = loaded
    for name in PICTURES:
        plain = plain.cast_column(name, datasets.Image(decode=False))
    out = {}
    for name, split in loaded.items():
        raw = [
            ({k: v for k, v in row.items() if k not in PICTURES}, *(row[k]["bytes"] for k in PICTURES))
            for row in plain[name]
        ]
        out[name] = {"rows": split.num_rows, "bytes": split.data.nbytes, "content": split_hash(raw)}
        if not counts:
            out[name]["records"] = [
                {k: picture(v) if k in PICTURES else v for k, v in row.items()} for row in split
            ]
    features = {k: repr(v) for k, v in next(iter(loaded.values())).features.items()}
    return {"features": features, "splits": out}


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def by_croissant(bundle, counts):
    dataset = mlcroissant.Dataset(jsonld=bundle / "croissant.json")
    issues = dataset.metadata.issues
    sets = {one.name: one for one in dataset.metadata.record_sets}
    labels = [f.id for f in sets["pairs"].fields if any(str(t).endswith("Label") for t in f.data_types)]
    out = {}
    for record in dataset.records("pairs"):
        one = {k.split("/", 1)[1]: v for k, v in record.items()}
        one = {k: picture(v) if k in PICTURES else text(v) for k, v in one.items()}
        out.setdefault(one.pop("split"), []).append(one)
    found = {name: len(rows) if counts else rows for name, rows in sorted(out.items())}
    tables = {name: sum(1 for _ in dataset.records(name)) for name in ("train", "val", "test", "hands", "faces")}
    m = dataset.metadata
    day = lambda date: None if date is None else date.date().isoformat()  # noqa: E731
    facts = {
        "created": day(m.date_created),
        "modified": day(m.date_modified),
        "publisher": [one.name for one in m.publisher or []],
        "timeFrame": [day(one) for one in m.data_collection_timeframe or []],
        "rawData": m.data_collection_raw_data,
        "platform": m.data_annotation_platform,
        "analysis": m.data_annotation_analysis,
        "perItem": m.annotations_per_item,
        "demographics": m.annotator_demographics,
    }
    return {
        "metadata": facts,
        "errors": sorted(issues.errors),
        "warnings": sorted(issues.warnings),
        "labels": labels,
        "pairs": found,
        "records": tables,
    }


def main(bundle, counts):
    seen = {
        "versions": {
            name: importlib.metadata.version(name) for name in ("datasets", "mlcroissant", "pillow", "pyarrow")
        },
        "datasets": by_datasets(bundle, counts, CACHE.name),
        "croissant": by_croissant(bundle, counts),
    }
    print(json.dumps(seen, indent=1, ensure_ascii=False))


main(Path(sys.argv[1]), "--counts" in sys.argv)
