"""Rows by split of a folder that a card says how to load, as JSON: twice with one cache, for two folders of one name.

    python3 test/parity/same-name.py FOLDER CACHE
Exits with 77 where datasets is missing. Last run with datasets 5.2.0, Python 3.11.
"""

import json
import os
import sys

name, cache = sys.argv[1:]
os.environ.update(HF_HOME=cache, HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")
try:
    import datasets
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(77)

print(json.dumps({split: rows.num_rows for split, rows in datasets.load_dataset(name).items()}))
