"""The peer of `npm run bench -- page`: Renumics Spotlight over the same drawn ledger, both crops of each frame as images.

Prints its address and serves until its input ends. Nothing of this runs in the product.
"""
import sys
from pathlib import Path

import pandas as pd
from renumics import spotlight

folder = Path(sys.argv[1])
table = pd.read_parquet(folder / "ledger.parquet")
crops = {path.name: str(path) for path in folder.glob("images/**/*.jpg")}
table["hand"] = [crops.get(f"H_{id}.jpg") for id in table["image_id"]]
table["face"] = [crops.get(f"F_{id}.jpg") for id in table["image_id"]]
viewer = spotlight.show(table, no_browser=True, wait=False, dtype={"hand": "Image", "face": "Image"})
print(f"READY http://{viewer.host}:{viewer.port}/ {spotlight.__version__}", flush=True)
sys.stdin.read()
viewer.close()
