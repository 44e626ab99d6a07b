"""PyTorch's side of train-step and forward (protocol: bench/side.ts).

The same work as ours: u8 pixels [N, S, S, 3] normalised, timm's backbone with dropout .2 and one logit,
then binary cross-entropy, backward and AdamW (train-step), or the logits in evaluation mode (forward).
Usage: step.py WORK_JSON train-step|forward [--timm DIR] [--layout contiguous|channels_last]
"""
import argparse
import json
import platform
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("work")
parser.add_argument("mode", choices=["train-step", "forward"])
parser.add_argument("--timm")
parser.add_argument("--layout", choices=["contiguous", "channels_last"], default="contiguous")
args = parser.parse_args()
if args.timm:
    sys.path.insert(0, args.timm)

import timm
import torch
import torch.nn.functional as F

work = json.loads(args.work)
torch.manual_seed(0)
torch.set_num_threads(work["threads"])
layout = getattr(torch, "contiguous_format" if args.layout == "contiguous" else "channels_last")

model = timm.create_model(work["model"], pretrained=False, num_classes=1, drop_rate=0.2).to(memory_format=layout)
pixels = torch.randint(0, 256, (work["batch"], work["sizePx"], work["sizePx"], 3), dtype=torch.uint8)
labels = torch.tensor([[i % 2.0] for i in range(work["batch"])])
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01)


def images():
    x = pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=layout)
    return x.div_(127.5).sub_(1)


def train_step():
    loss = F.binary_cross_entropy_with_logits(model(images()), labels)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.item()


def forward():
    with torch.inference_mode():
        return model(images()).sum().item()


def peak_mb():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    except FileNotFoundError:
        import resource
        scale = 2**20 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def say(message):
    print(json.dumps(message), flush=True)


step = train_step if args.mode == "train-step" else forward
model.train(args.mode == "train-step")
say({"ready": True, "versions": {"python": platform.python_version(), "torch": torch.__version__, "timm": timm.__version__,
                                 "layout": args.layout}})
for _ in sys.stdin:
    start = time.perf_counter()
    result = step()
    say({"ms": (time.perf_counter() - start) * 1000, "peakMb": peak_mb(), "result": result})
