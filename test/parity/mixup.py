"""Goldens of mixup: pictures and labels as timm mixes them, and its losses of them.

Run: python3 test/parity/mixup.py   (writes test/parity/goldens/mixup.json)
The share is timm's draw, recorded, as ours are drawn otherwise. The loss of two classes with logits 0 and z is the binary one of z.
"""
import json
import pathlib

import numpy as np
import timm
import torch
from timm.data.mixup import FastCollateMixup
from timm.loss import SoftTargetCrossEntropy
from torchvision.ops import sigmoid_focal_loss

N, SIDE, ALPHA, SMOOTHING = 4, 4, 0.4, 0.1
rng = np.random.default_rng(5)
pictures = rng.integers(0, 256, (N, 3, SIDE, SIDE), dtype=np.uint8)
labels = [0, 1, 1, 1]
logits = torch.tensor([-3.0, 0.25, 40.0, -1.5], dtype=torch.float64)
weights = torch.tensor([1.0, 2.5, 2.5, 2.5], dtype=torch.float64)  # of the class, as Lw has them

np.random.seed(3)
cases = []
for smoothing in (0.0, SMOOTHING):
    for _ in range(2):
        state = np.random.get_state()
        collate = FastCollateMixup(mixup_alpha=ALPHA, num_classes=2, label_smoothing=smoothing, mode="batch")
        images, target = collate([(p, l) for p, l in zip(pictures, labels)])
        np.random.set_state(state)
        share = collate._params_per_batch()[0]
        two = torch.stack([torch.zeros_like(logits), logits], 1)
        soft = target[:, 1].double()
        hard = torch.tensor(labels, dtype=torch.float64) * (1 - smoothing) + smoothing / 2
        bce = lambda y: torch.nn.functional.binary_cross_entropy_with_logits(logits, y, reduction="none")
        both = share * weights * bce(hard) + (1 - share) * weights.flip(0) * bce(hard.flip(0))
        cases.append({
            "share": share,
            "smoothing": smoothing,
            "images": images.permute(0, 2, 3, 1).flatten().tolist(),
            "labels": soft.tolist(),
            "loss": SoftTargetCrossEntropy()(two, target.double()).item(),
            "weighted": both.mean().item(),
            "focal": sigmoid_focal_loss(logits, soft, alpha=-1, gamma=2, reduction="mean").item(),
        })
out = {
    "versions": {"timm": timm.__version__, "torch": torch.__version__.split("+")[0], "numpy": np.__version__},
    "side": SIDE,
    "pictures": pictures.transpose(0, 2, 3, 1).flatten().tolist(),
    "labels": labels,
    "weights": weights.tolist(),
    "logits": logits.tolist(),
    "cases": cases,
}
path = pathlib.Path(__file__).parent / "goldens" / "mixup.json"
path.write_text(json.dumps(out) + "\n")
