"""Goldens of random augmentation: how features of augmented pictures are distributed with torchvision on PIL images.

Run: python3 test/parity/augment.py   (writes test/parity/goldens/augment.json: mean and std of each feature)
Draws differ from ours, so that distributions are compared: of level, contrast, colour, mirror, rotation.
"""
import json
import pathlib

import numpy as np
import PIL
import torch
import torchvision
import torchvision.transforms as T
from PIL import Image

SIDE, DRAWS = 32, 20000


def picture():
    """Brighter to the right and, less, to the bottom; its colours differ. test/parity/augment.test.ts has the same."""
    y, x, c = np.meshgrid(np.arange(SIDE), np.arange(SIDE), np.arange(3), indexing="ij")
    return (60 + 3 * x + y + 20 * c + (x * 7 + y * 5) % 11).astype(np.uint8)


def features(a):
    grey = a.astype(float).mean(2)
    centre = grey[8:24, 8:24]
    tilt = (grey[:8].mean() - grey[24:].mean()) * np.sign(grey[:, :16].mean() - grey[:, 16:].mean())
    return {
        "level": centre.mean(),
        "contrast": centre.std(),
        "colour": float(a[8:24, 8:24, 2].mean()) - float(a[8:24, 8:24, 0].mean()),
        "mirror": grey[:, :16].mean() - grey[:, 16:].mean(),
        "corners": (grey[:4, :4] < 20).mean(),
        "tilt": tilt,
    }


torch.manual_seed(0)
augment = T.Compose([T.RandomHorizontalFlip(), T.ColorJitter(0.1, 0.1, 0.05), T.RandomRotation(10)])
image = Image.fromarray(picture())
rows = [features(np.asarray(augment(image))) for _ in range(DRAWS)]
golden = {
    "versions": {"torchvision": torchvision.__version__, "torch": torch.__version__, "pillow": PIL.__version__},
    "draws": DRAWS,
    "features": {k: {"mean": float(np.mean([r[k] for r in rows])), "std": float(np.std([r[k] for r in rows]))} for k in rows[0]},
}
path = pathlib.Path(__file__).parent / "goldens" / "augment.json"
path.write_text(json.dumps(golden, indent=1) + "\n")
