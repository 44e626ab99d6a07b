"""Goldens of src/engine/optim.ts and src/train/step/step.ts: five training steps of a small network in PyTorch, float64.

Network: 3x3 convolution (stride 2), BatchNorm, SiLU, 1x1 convolution, BatchNorm, pool, two linear layers; BCE.
Optimizers: AdamW (no decay on biases and norms), SGD with momentum, the same with Nesterov's; clipping by global
norm in each step, learning rates by torch's own LinearLR + CosineAnnealingLR.
One more run has what training offers beside: smoothed labels, a moving average of weights and statistics (torch's
own get_ema_avg_fn, begun at the first weights as timm's ModelEmaV3 does), learning rates by layer.
Run: python3 test/parity/optim.py [options]   (writes test/parity/goldens/optim.json, or its part of that name alone)
"""
import json
import pathlib
import platform
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from ops import numbers, wave

SHAPES = {
    "conv.weight": (8, 3, 3, 3), "bn1.weight": (8,), "bn1.bias": (8,), "expand.weight": (128, 8, 1, 1),
    "bn2.weight": (128,), "bn2.bias": (128,), "hidden.weight": (128, 128), "hidden.bias": (128,),
    "head.weight": (1, 128), "head.bias": (1,),
}
BATCH, SIDE, STEPS, EPS, MOMENTUM = 6, 9, 5, 1e-3, 0.1
DECAY, CLIP = 0.1, 0.13
SCHEDULE = {"lr": 0.01, "warmupSteps": 2, "totalSteps": 6, "minLr": 0.001}


def weights():
    """wave, times 1 / sqrt(fan-in) for matrices and kernels; norms around 1."""
    out = {}
    for i, (name, shape) in enumerate(SHAPES.items()):
        fan = np.prod(shape[1:]) if len(shape) > 1 else 16
        data = wave(int(np.prod(shape)), i + 1) / np.sqrt(fan)
        if name.startswith("bn") and name.endswith("weight"):
            data = data + 1
        exact = data.astype(np.float32).astype(np.float64)
        out[name] = torch.tensor(exact.reshape(shape), requires_grad=True)
    return out


def batch(step):
    size = BATCH * SIDE * SIDE * 3
    pixels = np.floor((wave(size, 50 + step) + 1) * 128)
    labels = (wave(BATCH, 70 + step) > 0).astype(np.float64)
    return torch.tensor(pixels.reshape(BATCH, SIDE, SIDE, 3)), torch.tensor(labels)


def forward(p, stats, pixels):
    x = pixels.permute(0, 3, 1, 2) / 127.5 - 1
    norm = lambda x, n: F.batch_norm(x, stats[f"{n}.running_mean"], stats[f"{n}.running_var"], p[f"{n}.weight"],
                                     p[f"{n}.bias"], True, MOMENTUM, EPS)
    x = F.silu(norm(F.conv2d(x, p["conv.weight"], None, 2, 1), "bn1"))
    x = norm(F.conv2d(x, p["expand.weight"]), "bn2").relu().mean((2, 3))
    x = F.silu(F.linear(x, p["hidden.weight"], p["hidden.bias"]))
    return F.linear(x, p["head.weight"], p["head.bias"]).squeeze(1)


def sampled(t):
    """At most 128 values, evenly strided, so that the file stays small."""
    flat = t.detach().reshape(-1)
    return numbers(flat[:: max(1, flat.numel() // 128)])


OPTIONS = {"smoothing": 0.2, "ema": 0.75, "rates": {"conv": 0.25, "bn1": 0.25, "expand": 0.5, "bn2": 0.5}}


def train(make, options={}):
    p = weights()
    stats = {}
    for n, c in (("bn1", 8), ("bn2", 128)):
        stats[f"{n}.running_mean"], stats[f"{n}.running_var"] = torch.zeros(c).double(), torch.ones(c).double()
    rates = options.get("rates", {})
    rate = lambda name: rates.get(name.split(".")[0], 1.0)
    groups = [
        {"params": [t for n, t in p.items() if (t.dim() > 1) == decayed and rate(n) == r], "weight_decay": DECAY * decayed, "lr_scale": r}
        for decayed in (True, False)
        for r in sorted({rate(n) for n in p}, reverse=True)
    ]
    groups = [g for g in groups if g["params"]]
    average = torch.optim.swa_utils.get_ema_avg_fn(options["ema"]) if options else None
    ema = {k: t.detach().clone() for k, t in {**p, **stats}.items()}
    optimizer = make(groups)
    warm, total = SCHEDULE["warmupSteps"], SCHEDULE["totalSteps"]
    schedule = SequentialLR(optimizer, [
        LinearLR(optimizer, start_factor=1 / warm, total_iters=warm - 1),
        CosineAnnealingLR(optimizer, total - warm, SCHEDULE["minLr"]),
    ], [warm])
    steps = []
    for step in range(STEPS):
        pixels, labels = batch(step)
        logits = forward(p, stats, pixels)
        soft = options.get("smoothing", 0.0)
        loss = F.binary_cross_entropy_with_logits(logits, labels * (1 - soft) + soft / 2)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(list(p.values()), CLIP)
        steps.append({"lr": optimizer.param_groups[0]["lr"], "loss": loss.item(), "gradNorm": norm.item(),
                      "logits": numbers(logits)})
        for group in optimizer.param_groups:
            group["lr"] = optimizer.param_groups[0]["lr"] * group["lr_scale"]  # as timm's schedulers do
        optimizer.step()
        schedule.step()
        if average:
            ema = {k: average(ema[k], t.detach(), step) for k, t in {**p, **stats}.items()}
        if step in (0, STEPS - 1):
            steps[-1]["weights"] = {k: sampled(t) for k, t in {**p, **stats}.items()}
    slots = {}
    for name, t in p.items():
        for slot, value in optimizer.state[t].items():
            if slot != "step":
                slots.setdefault(slot, {})[name] = sampled(value)
    if average:
        slots["ema"] = {k: sampled(t) for k, t in ema.items()}
    return {"steps": steps, "slots": slots}


def main():
    import warnings
    warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*|.*epoch parameter.*")
    lr = SCHEDULE["lr"]
    path = pathlib.Path(__file__).parent / "goldens" / "optim.json"
    versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
    options = {"versions": versions, **OPTIONS, "run": train(lambda g: torch.optim.AdamW(g, lr), OPTIONS)}
    if "options" in sys.argv:
        path.write_text(json.dumps({**json.loads(path.read_text()), "options": options}, separators=(",", ":")) + "\n")
        return
    runs = {
        "adamw": train(lambda g: torch.optim.AdamW(g, lr)),
        "adamw, other betas": train(lambda g: torch.optim.AdamW(g, lr, (0.8, 0.95), 1e-6)),
        "sgd": train(lambda g: torch.optim.SGD(g, lr, 0.9)),
        "sgd, nesterov": train(lambda g: torch.optim.SGD(g, lr, 0.9, nesterov=True)),
    }
    settings = {"batch": BATCH, "side": SIDE, "eps": EPS, "momentum": MOMENTUM, "decay": DECAY, "clip": CLIP,
                "schedule": SCHEDULE, "shapes": SHAPES}
    golden = {"versions": versions, "settings": settings, "runs": runs, "options": options}
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(path.stat().st_size, "bytes;", [s["lr"] for s in runs["sgd"]["steps"]],
          [round(s["gradNorm"], 3) for s in runs["adamw"]["steps"]])


if __name__ == "__main__":
    main()
