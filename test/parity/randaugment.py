"""Goldens of RandAugment: what timm gives each operation at a level, and the pictures that Pillow makes of it.

Run: python3 test/parity/randaugment.py   (writes test/parity/goldens/randaugment.json)
Pictures are recorded by the SHA-256 of their bytes, RGB. Signs are timm's draws, recorded, as ours are drawn otherwise.
"""
import hashlib
import json
import pathlib
import random

import numpy as np
import PIL
import timm
from PIL import Image
from timm.data import auto_augment as aa

SIDE, FILL = 24, (124, 116, 104)
rng = np.random.default_rng(7)
y, x = np.mgrid[0:SIDE, 0:SIDE]
smooth = np.stack([40 + 5 * x, 200 - 6 * y, 90 + 2 * x + 3 * y], -1)
picture = np.clip(smooth + rng.integers(-20, 21, smooth.shape), 0, 255).astype(np.uint8)
image = Image.fromarray(picture)
resample = Image.Resampling.BILINEAR

random.seed(4)
cases = []
for increasing, names in ((False, aa._RAND_TRANSFORMS), (True, aa._RAND_INCREASING_TRANSFORMS)):
    for name in names:
        level_to_value = aa.LEVEL_TO_ARG[name]
        for level in (0.0, 2.5, 6.0, 9.0, 10.0) if level_to_value else (9.0,):
            for _ in range(2):
                values = level_to_value(level, {}) if level_to_value else ()
                if name.startswith("Posterize") and values[0] == 0:
                    continue  # earlier versions of Pillow made it black, 13.0 refuses it
                made = aa.NAME_TO_OP[name](image, *values, fillcolor=FILL, resample=resample)
                case = {
                    "name": name.removesuffix("Increasing"),
                    "increasing": increasing,
                    "level": level,
                    "value": values[0] if values else 0,
                    "sha256": hashlib.sha256(made.tobytes()).hexdigest(),
                }
                if case not in cases:
                    cases.append(case)
out = {
    "versions": {"timm": timm.__version__, "Pillow": PIL.__version__, "numpy": np.__version__},
    "side": SIDE,
    "fill": FILL,
    "picture": picture.flatten().tolist(),
    "cases": cases,
}
path = pathlib.Path(__file__).parent / "goldens" / "randaugment.json"
path.write_text(json.dumps(out) + "\n")
