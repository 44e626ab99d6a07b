"""The peer of `npm run bench -- learning`: trains upstream's UMCC (F1) or MAG (soft) with PyTorch and timm.

Reads one JSON job (samples by split, weights, settings, one seed) and prints one JSON line an epoch.
Nothing of this runs in the product.
"""
import json
import random
import sys
import time

job = json.load(open(sys.argv[1]))
if job.get("timm"):
    sys.path.insert(0, job["timm"])

import numpy as np
import timm
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
import torchvision.transforms as T
from PIL import Image


class Images(torch.utils.data.Dataset):
    def __init__(self, samples, size, train):
        augment = [T.RandomHorizontalFlip(), T.ColorJitter(0.1, 0.1, 0.05), T.RandomRotation(10)] if train else []
        self.samples = samples
        self.transform = T.Compose(
            augment + [T.Resize((size, size)), T.ToTensor(), T.Normalize(job["mean"], job["std"])]
        )

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        s = self.samples[i]
        flag = [1.0, 0.0] if s["modality"] == "hand" else [0.0, 1.0]
        image = self.transform(Image.open(s["path"]).convert("RGB"))
        return image, torch.tensor(float(s["male"])), torch.tensor(flag)


def backbone(drop_rate):
    net = timm.create_model(
        job["backbone"], pretrained=False, num_classes=0, global_pool="avg", drop_rate=drop_rate, pad_type=job["padding"]
    )
    state = torch.load(job["weights"], map_location="cpu")
    state = {k: v.float() for k, v in state.items() if not k.startswith("classifier.")}
    missing, unexpected = net.load_state_dict(state, strict=False)
    assert not unexpected and all(k.endswith("num_batches_tracked") for k in missing), (missing, unexpected)
    return net


class Umcc(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = backbone(0.2)
        self.classifier = nn.Linear(self.backbone.num_features + 2, 1)

    def forward(self, x, flag):
        return self.classifier(torch.cat([self.backbone(x), flag], 1)).squeeze(1), None


class Mag(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = backbone(0.0)
        d = self.backbone.num_features
        self.gate = nn.Sequential(nn.Linear(d, 64), nn.ReLU(), nn.Linear(64, 2))
        self.hand_head, self.face_head = nn.Linear(d, 1), nn.Linear(d, 1)

    def forward(self, x, flag):
        f = self.backbone(x)
        scores = self.gate(f)
        mix = scores.softmax(1)
        return mix[:, 0] * self.hand_head(f).squeeze(1) + mix[:, 1] * self.face_head(f).squeeze(1), scores


def balanced(logits, male):
    rates = [(logits[male == c] >= 0).eq(bool(c)).float().mean() for c in (0, 1) if (male == c).any()]
    return float(sum(rates) / len(rates))


@torch.no_grad()
def validate(model, loader):
    model.eval()
    outputs = [(model(x, flag)[0], y, flag[:, 0] == 1) for x, y, flag in loader]
    logits, y, hand = (torch.cat(part) for part in zip(*outputs))
    parts = {"all": torch.ones_like(hand), "hand": hand, "face": ~hand}
    figures = {name: balanced(logits[m], y[m]) for name, m in parts.items() if m.any()}
    return figures, float(F.binary_cross_entropy_with_logits(logits, y))


def groups(model):
    """All parameters, or as timm's param_groups_weight_decay: no decay of biases and norms."""
    if job["decayAll"]:
        return model.parameters()
    decayed, others = [], []
    for p in model.parameters():
        (decayed if p.ndim > 1 else others).append(p)
    return [{"params": decayed}, {"params": others, "weight_decay": 0.0}]


def run(seed):
    random.seed(seed), np.random.seed(seed), torch.manual_seed(seed)
    model = {"umcc": Umcc, "mag": Mag}[job["arch"]]()
    loader = lambda split, train: torch.utils.data.DataLoader(
        Images(job["samples"][split], job["sizePx"], train),
        batch_size=job["batch"], shuffle=train, drop_last=train, num_workers=2, persistent_workers=True,
    )
    train, val = loader("train", True), loader("val", False)
    steps = job["epochs"] * len(train)
    optimizer = torch.optim.AdamW(groups(model), lr=job["lr"], weight_decay=job["weightDecay"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for epoch in range(job["epochs"]):
        model.train()
        start, total = time.time(), 0.0
        for x, y, flag in train:
            logits, scores = model(x, flag)
            loss = F.binary_cross_entropy_with_logits(logits, y)
            if scores is not None:
                loss = loss + 0.3 * F.cross_entropy(scores, flag.argmax(1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        figures, val_loss = validate(model, val)
        row = {"seed": seed, "epoch": epoch + 1, "trainLoss": total / len(train), "valLoss": val_loss, **figures}
        print(json.dumps({**row, "seconds": time.time() - start, "versions": VERSIONS}), flush=True)


torch.set_num_threads(job["threads"])
VERSIONS = {"torch": torch.__version__, "torchvision": torchvision.__version__, "timm": timm.__version__}
run(job["seed"])
