"""The peer of `npm run bench -- trajectory`: trains UMCC with PyTorch on given batches from given weights.

Reads a folder (job.json, batches.u8, first.pt, last.pt) and writes peer.json: losses in float32 and float64, and the
log-odds of the first batch by last.pt in evaluation. Nothing of this runs in the product.
"""
import json
import os
import sys

folder = sys.argv[1]
job = json.load(open(os.path.join(folder, "job.json")))
if job.get("timm"):
    sys.path.insert(0, job["timm"])

import numpy as np
import timm
import torch
import torch.nn as nn
import torch.nn.functional as F


class Umcc(nn.Module):
    def __init__(self):
        super().__init__()
        padding = {"same": "same", "symmetric": ""}.get(job["padding"])
        more = {} if padding is None else {"pad_type": padding}
        self.backbone = timm.create_model(job["backbone"], pretrained=False, num_classes=0, drop_rate=0.0, **more)
        self.classifier = nn.Linear(self.backbone.num_features + (2 if job["flag"] else 0), 1)

    def forward(self, x, flag):
        features = self.backbone(x)
        return self.classifier(torch.cat([features, flag], 1) if job["flag"] else features).squeeze(1)


def load(name, dtype):
    model = Umcc()
    model.load_state_dict(torch.load(os.path.join(folder, name), map_location="cpu"))
    return model.to(dtype)


side, n = job["sizePx"], job["batchSize"]
pixels = np.fromfile(os.path.join(folder, "batches.u8"), np.uint8).reshape(-1, n, side, side, 3)


def inputs(k, dtype):
    x = torch.from_numpy(pixels[k].copy()).permute(0, 3, 1, 2).to(dtype) / 255
    mean, std = (torch.tensor(job[name], dtype=dtype).reshape(1, 3, 1, 1) for name in ("mean", "std"))
    return (x - mean) / std, F.one_hot(torch.tensor(job["batches"][k]["modality"]), 2).to(dtype)


def train(dtype):
    model = load("first.pt", dtype).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=job["lr"], weight_decay=job["weightDecay"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(pixels))
    losses = []
    for k, batch in enumerate(job["batches"]):
        targets = torch.tensor(batch["targets"]).to(dtype)
        loss = F.binary_cross_entropy_with_logits(model(*inputs(k, dtype)), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


with torch.no_grad():
    logits = load("last.pt", torch.float32).eval()(*inputs(0, torch.float32)).tolist()
versions = {"torch": torch.__version__, "timm": timm.__version__}
result = {"versions": versions, "float32": train(torch.float32), "float64": train(torch.float64), "logits": logits}
json.dump(result, open(os.path.join(folder, "peer.json"), "w"))
