"""The peer of `npm run bench -- learning`: trains upstream's UMCC or MAG with PyTorch and timm, as a run here was trained.

Reads one JSON job (bench/peer-job.ts: samples by split, first weights, every setting, one seed) and prints one JSON line
an epoch. `setup` is step.py's: how an expert may set PyTorch up. `pictures` is where they come from: opened anew in every epoch
("files"), decoded once ("kept"), or kept at the network's size and augmented there ("small", which is not quite the same
augmentation). Nothing of this runs in the product.
"""
import contextlib
import copy
import json
import math
import random
import sys
import time

job = json.load(open(sys.argv[1]))
if job.get("timm"):
    sys.path.insert(0, job["timm"])

import numpy as np
import PIL
import timm
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
import torchvision.transforms as T
from PIL import Image, ImageOps
from timm.data.auto_augment import rand_augment_transform

SETUP, PICTURES = job.get("setup", "default"), job.get("pictures", "files")
LAYOUT = torch.contiguous_format if SETUP == "default" else torch.channels_last
MEAN, STD = (torch.tensor(job[key]).view(3, 1, 1) for key in ("mean", "std"))

RAND = None if job["aa"] is None else {
    "translate_const": int(job["sizePx"] * 0.45),
    "img_mean": tuple(job["aa"]["fill"]),
    "interpolation": Image.Resampling.BILINEAR,
}


def opened(path):
    return ImageOps.exif_transpose(Image.open(path)).convert("RGB")


class Images(torch.utils.data.Dataset):
    """Pixels from 0 to 255, the recorded sex, and the modality."""

    def __init__(self, samples, size, train):
        a = job["augment"] if train else None
        augment = [] if a is None else [
            T.RandomHorizontalFlip(a["flip"]),
            T.ColorJitter(a["brightness"], a["contrast"], a["saturation"]),
            T.RandomRotation(a["degrees"]),
        ]
        resize = T.Resize((size, size))
        # As in timm, at the network's size and in the place of colours and rotation.
        rand = [] if a is None or job["aa"] is None else [rand_augment_transform(job["aa"]["words"], RAND)]
        augment = augment[:1] if rand else augment
        self.samples = samples
        self.transform = T.Compose(augment + ([] if PICTURES == "small" else [resize]) + rand + [T.PILToTensor()])
        take = {"kept": opened, "small": lambda path: resize(opened(path))}.get(PICTURES)
        # Before workers are forked, which then share them.
        self.kept = None if take is None else [take(s["path"]) for s in samples]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        s = self.samples[i]
        flag = [float(s["modality"] == m) for m in job["modalities"]]
        image = self.transform(opened(s["path"]) if self.kept is None else self.kept[i])
        return image, torch.tensor(float(s["male"])), torch.tensor(flag)


def pixels(x):
    """What the network gets: ToTensor and Normalize of a whole batch, in the memory format of the setup."""
    return x.to(torch.float32, memory_format=LAYOUT).div_(255).sub_(MEAN).div_(STD)


def precision():
    return torch.autocast("cpu", dtype=torch.bfloat16) if SETUP == "bf16" else contextlib.nullcontext()


def backbone(drop_rate):
    name = job["backbone"]
    options = {"drop_rate": drop_rate if job["dropRate"] is None else job["dropRate"], "global_pool": job["globalPool"]}
    if job["dropPathRate"] > 0:
        options["drop_path_rate"] = job["dropPathRate"]
    if job["padding"] is not None:  # else the network's own: "same" for timm's tf_ ones
        options["pad_type"] = {"same": "same", "symmetric": ""}[job["padding"]]
    if "_patch16_" in name and job["sizePx"] != 224:
        options["dynamic_img_size"] = True
    net = timm.create_model(name, pretrained=False, num_classes=0, **options)
    if job["bnEps"] is not None:
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = job["bnEps"]
    net.load_state_dict(torch.load(job["weights"], map_location="cpu"), strict=True)
    return net


def width(net):
    return getattr(net, "head_hidden_size", None) or net.num_features


class Umcc(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = backbone(0.2)
        self.classifier = nn.Linear(width(self.backbone) + (2 if job["flag"] else 0), 1)

    def forward(self, x, flag):
        f = self.backbone(x)
        return self.classifier(torch.cat([f, flag], 1) if job["flag"] else f).squeeze(1), None


class Mag(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = backbone(0.0)
        d = width(self.backbone)
        self.gate = nn.Sequential(nn.Linear(d, 64), nn.ReLU(), nn.Linear(64, 2))
        self.hand_head, self.face_head = nn.Linear(d, 1), nn.Linear(d, 1)

    def forward(self, x, flag):
        f = self.backbone(x)
        scores = self.gate(f)
        mix = scores.softmax(1) if job["gating"] == "soft" else F.one_hot(scores.argmax(1), 2).to(f)
        return mix[:, 0] * self.hand_head(f).squeeze(1) + mix[:, 1] * self.face_head(f).squeeze(1), scores


def mixed(x, y, flag, weight, share):
    """Of one step: each image with its mirror in the order of the batch, as timm's collate has mode `batch`, and all that is
    recorded of it; the mean of both labels is by what they weigh."""
    mix = lambda t: share * t + (1 - share) * t.flip(0)
    both = mix(weight)
    return torch.round(mix(x.float())).byte(), mix(weight * y) / both, mix(flag), both


def loss_of(logits, scores, y, flag, weight):
    """Of one batch: binary cross-entropy (b), focal with gamma 2 (f), or with weights of males (w)."""
    t = y * (1 - job["labelSmoothing"]) + job["labelSmoothing"] / 2
    if job["loss"] == "f":
        loss = torchvision.ops.sigmoid_focal_loss(logits, t, alpha=-1, gamma=2, reduction="mean")
    else:
        loss = (F.binary_cross_entropy_with_logits(logits, t, reduction="none") * weight).mean()
    return loss if scores is None else loss + 0.3 * F.cross_entropy(scores, flag)


def balanced(logits, male):
    rates = [(logits[male == c] >= 0).eq(bool(c)).float().mean() for c in (0, 1) if (male == c).any()]
    return float(sum(rates) / len(rates))


@torch.inference_mode()
def validate(model, batches):
    model.eval()
    with precision():
        outputs = [(model(pixels(x), flag)[0].float(), y, flag[:, 0] == 1) for x, y, flag in batches]
    logits, y, hand = (torch.cat(part) for part in zip(*outputs))
    parts = {"all": torch.ones_like(hand), "hand": hand, "face": ~hand}
    figures = {name: balanced(logits[m], y[m]) for name, m in parts.items() if m.any()}
    return figures, float(F.binary_cross_entropy_with_logits(logits, y))


def within(parts, name):
    return any(f"{name}.".startswith(f"backbone.{part}.") for part in parts)


def freeze(model):
    for name, p in model.named_parameters():
        p.requires_grad_(not within(job["frozen"], name))


def learn(model):
    """Training mode, but for norms of frozen parts: their running statistics are used and left alone."""
    model.train()
    for name, module in model.named_modules():
        if isinstance(module, nn.BatchNorm2d) and within(job["frozen"], name):
            module.eval()


def groups(model):
    """By decay (as timm's param_groups_weight_decay: none of biases, norms, tokens and positions) and rate of stage."""
    found = {}
    for name, p in model.named_parameters():
        if not p.requires_grad:
            continue
        undecayed = p.ndim <= 1 or name.split(".")[-1] in ("cls_token", "pos_embed")
        decay = job["weightDecay"] if job["decayAll"] or not undecayed else 0.0
        rate = next((stage["rate"] for stage in job["rates"] if within(stage["parts"], name)), 1.0)
        found.setdefault((decay, rate), []).append(p)
    return [{"params": ps, "weight_decay": decay, "rate": rate} for (decay, rate), ps in found.items()]


def learning_rate(step, total, warmup):
    """Linear warm-up, then half a cosine to minLr."""
    if step < warmup:
        return job["lr"] * (step + 1) / warmup
    progress = min(1, (step - warmup) / (total - warmup))
    return job["minLr"] + 0.5 * (job["lr"] - job["minLr"]) * (1 + math.cos(math.pi * progress))


@torch.no_grad()
def follow(average, model):
    """The moving average of all that training changes, running statistics too."""
    now = model.state_dict()
    for name, value in average.state_dict().items():
        if value.is_floating_point():
            value.lerp_(now[name], 1 - job["ema"])


def update(model, optimizer, parts, lr):
    """One step: gradients of all parts of its images, each with its share, then clipping and AdamW."""
    optimizer.zero_grad()
    images, total = sum(len(y) for _, y, _, _ in parts), 0.0
    for x, y, flag, weight in parts:
        with precision():
            logits, scores = model(pixels(x), flag)
        loss = loss_of(logits.float(), scores if scores is None else scores.float(), y, flag, weight)
        loss = loss * (len(y) / images)
        loss.backward()
        total += loss.item()
    if job["clipNorm"] is not None:
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], job["clipNorm"])
    for group in optimizer.param_groups:
        group["lr"] = lr * group["rate"]
    optimizer.step()
    return total


def run(seed):
    random.seed(seed), np.random.seed(seed), torch.manual_seed(seed)
    model = {"umcc": Umcc, "mag": Mag}[job["arch"]]().to(memory_format=LAYOUT)
    freeze(model)
    average = None if job["ema"] is None else copy.deepcopy(model)
    if SETUP == "compile":
        model.compile()
    loader = lambda split, train, batch: torch.utils.data.DataLoader(
        Images(job["samples"][split], job["sizePx"], train),
        batch_size=batch, shuffle=train, drop_last=train, num_workers=2, persistent_workers=True,
    )
    train, val = loader("train", True, job["batch"] * job["accumulate"]), loader("val", False, job["batch"])
    if PICTURES != "files":
        val = list(val)
    total, warmup = job["epochs"] * len(train), round(job["warmupEpochs"] * len(train))
    optimizer = torch.optim.AdamW(groups(model), lr=job["lr"], fused=SETUP != "default")
    step = 0
    for epoch in range(job["epochs"]):
        learn(model)
        start, losses = time.time(), 0.0
        for x, y, flag in train:
            batch = x, y, flag, 1 + (job["posWeight"] - 1) * y
            if job["mixup"] is not None:
                batch = mixed(*batch, np.random.beta(job["mixup"], job["mixup"]))
            parts = list(zip(*(t.split(job["batch"]) for t in batch)))
            losses += update(model, optimizer, parts, learning_rate(step, total, warmup))
            step += 1
            if average is not None:
                follow(average, model)
        figures, val_loss = validate(model if average is None else average, val)
        row = {"seed": seed, "epoch": epoch + 1, "trainLoss": losses / len(train), "valLoss": val_loss, **figures}
        print(json.dumps({**row, "seconds": time.time() - start, "versions": VERSIONS}), flush=True)


torch.set_num_threads(job["threads"])
VERSIONS = {
    "setup": SETUP,
    "pictures": PICTURES,
    "torch": torch.__version__,
    "torchvision": torchvision.__version__,
    "timm": timm.__version__,
    "pillow": PIL.__version__,
}
if __name__ == "__main__":
    run(job["seed"])
