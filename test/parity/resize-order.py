"""Golden of the order of a resize's passes: SHA-256 of what Pillow makes of pictures, by version of Pillow.

Pillow 13 runs the vertical pass first where more than twice as many rows as columns go (Resample.c,
`horizontal_first`); Pillow 11 and 12 run the horizontal one first. Inputs are the noise of pixels.py.
Run once with a Pillow of each side, e.g. 11.3.0 and 13.0.0: python3 test/parity/resize-order.py
"""
import hashlib
import json
import pathlib

import numpy as np
import PIL
from PIL import Image


def picture(width, height):
    i = np.arange(width * height * 3, dtype=np.uint64)
    data = ((i * np.uint64(2654435761)) % np.uint64(2**32)) >> np.uint64(24)
    return Image.fromarray(data.astype(np.uint8).reshape(height, width, 3), "RGB")


def digest(image):
    return hashlib.sha256(np.asarray(image).tobytes()).hexdigest()



SIZES = [
    (300, 300, 224, 224), (480, 640, 224, 224), (640, 480, 224, 224), (300, 400, 224, 224), (100, 400, 224, 224),
    (224, 300, 224, 224), (200, 260, 224, 224), (768, 1600, 224, 224), (31, 47, 224, 30), (300, 376, 224, 224),
    (300, 377, 224, 224), (64, 900, 128, 128), (900, 64, 128, 128), (50, 60, 224, 224),
]
path = pathlib.Path(__file__).parent / "goldens" / "pixels" / "resize-order.json"
golden = json.loads(path.read_text()) if path.exists() else {"generator": "test/parity/resize-order.py", "pillow": {}}
golden["pillow"][PIL.__version__] = [
    {"from": [w, h], "to": [ow, oh], "sha256": digest(picture(w, h).resize((ow, oh), Image.BILINEAR))}
    for w, h, ow, oh in SIZES
]
path.write_text(json.dumps(golden, indent=1) + "\n")
