"""Goldens of src/data/{pixels,rotate,jitter}.ts: SHA-256 of whole outputs of Pillow and torchvision.

Inputs come from a formula that pixels.test.ts repeats, so that no picture is stored.
Run: python3 test/parity/pixels.py   (writes test/parity/goldens/pixels/pixels.json)
"""
import hashlib
import json
import pathlib
import platform

import numpy as np
import PIL
import torchvision
import torchvision.transforms.functional as F
from PIL import Image


def picture(width, height, kind="noise"):
    """noise: multiplicative hash of the index; smooth: a gradient; both u8 [H, W, 3]."""
    i = np.arange(width * height * 3, dtype=np.uint64)
    if kind == "noise":
        data = ((i * np.uint64(2654435761)) % np.uint64(2**32)) >> np.uint64(24)
    else:
        x = (i // np.uint64(3)) % np.uint64(width)
        y = i // np.uint64(3 * width)
        data = (x * np.uint64(2) + y * np.uint64(3) + (i % np.uint64(3)) * np.uint64(40)) % np.uint64(256)
    return Image.fromarray(data.astype(np.uint8).reshape(height, width, 3), "RGB")


def digest(image):
    return hashlib.sha256(np.asarray(image).tobytes()).hexdigest()


def samples(image):
    """A few readable values beside the digest, so that a failure shows how far off it is."""
    flat = np.asarray(image).reshape(-1)
    return [int(flat[k]) for k in np.linspace(0, flat.size - 1, 12).astype(int)]


def case(image, **labels):
    return {**labels, "sha256": digest(image), "samples": samples(image)}


SIZES = [
    (300, 300, 224, 224), (300, 300, 128, 128), (200, 180, 224, 224), (31, 47, 224, 96), (97, 53, 13, 7),
    (640, 480, 224, 224), (5, 3, 64, 64), (224, 224, 224, 100), (224, 224, 100, 224), (1, 1, 9, 5),
    (513, 767, 1, 1), (1023, 2, 255, 3), (7, 400, 7, 399), (64, 64, 64, 64),
]
ANGLES = [0, 3.7, -9.99, 10, -0.01, 45, 90, 180, 270, -123.456, 7.123456789]
FACTORS = [0, 0.9, 0.95, 1, 1.0499, 1.1, 0.3333333, 1.7, 2.5]
ORDERS = [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]]
ADJUST = {"brightness": F.adjust_brightness, "contrast": F.adjust_contrast, "saturation": F.adjust_saturation}


def jitter(image, order, factors):
    steps = list(ADJUST.values())
    for k in order:
        image = steps[k](image, factors[k])
    return image


def main():
    out = {
        "versions": {"python": platform.python_version(), "pillow": PIL.__version__,
                     "torchvision": torchvision.__version__, "numpy": np.__version__},
        "resize": [case(F.resize(picture(w, h, kind), [oh, ow]), from_=[w, h], to=[ow, oh], kind=kind)
                   for (w, h, ow, oh) in SIZES for kind in ("noise", "smooth")],
        "flip": [case(F.hflip(picture(w, h)), size=[w, h]) for w, h in ((31, 47), (64, 5), (1, 3))],
        "rotate": [case(F.rotate(picture(w, h), a), size=[w, h], degrees=a)
                   for w, h in ((64, 64), (31, 47), (300, 300)) for a in ANGLES],
        "rotate_long": case(F.rotate(picture(70000, 2), 0.0001), size=[70000, 2], degrees=0.0001),
        "adjust": [case(fn(picture(61, 43, kind), f), name=name, factor=f, kind=kind)
                   for name, fn in ADJUST.items() for f in FACTORS for kind in ("noise", "smooth")],
        "jitter": [case(jitter(picture(61, 43, "smooth"), o, (1.07, 0.93, 1.04)), order=o) for o in ORDERS],
    }
    path = pathlib.Path(__file__).parent / "goldens" / "pixels" / "pixels.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
