"""Reads a pushed dataset as others do: huggingface_hub's files, and datasets' records by the repository's name.

Arguments: the repository; HF_ENDPOINT and HF_TOKEN say where. Prints JSON: SHA-256 by file, and rows by split.
Exit code 77 without huggingface_hub and datasets. Written for huggingface_hub 2.4 and datasets 5.2.
"""

import hashlib
import json
import pathlib
import sys

try:
    from datasets import load_dataset
    from huggingface_hub import HfApi, snapshot_download
except ImportError:
    sys.exit(77)

NAME = sys.argv[1]
folder = pathlib.Path(snapshot_download(NAME, repo_type="dataset"))
listed = [one.path for one in HfApi().list_repo_tree(NAME, repo_type="dataset", recursive=True) if hasattr(one, "size")]
hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in listed}
sets = load_dataset(NAME)
rows = {name: rows.num_rows for name, rows in sets.items()}
first = sets["train"][0]
print(json.dumps({"hashes": hashes, "rows": rows, "sizes": [first["hand_image"].size, first["face_image"].size]}))
