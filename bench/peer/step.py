"""PyTorch's side of train-step and forward (protocol: bench/side.ts).

The same work as ours: u8 pixels [N, S, S, 3] normalised, timm's backbone with dropout .2 and one logit,
then binary cross-entropy, backward and AdamW (train-step), or the logits in evaluation mode (forward).
As an expert may set it up: in the default memory format, in channels_last, there compiled by inductor, or there with autocast to
bfloat16, whose precision is reduced.
Usage: step.py WORK_JSON train-step|forward [--timm DIR] [--setup default|channels_last|compile|bf16]
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
parser.add_argument("--setup", choices=["default", "channels_last", "compile", "bf16"], default="default")
args = parser.parse_args()
if args.timm:
    sys.path.insert(0, args.timm)

import timm
import torch
import torch.nn.functional as F

work = json.loads(args.work)
torch.manual_seed(0)
torch.set_num_threads(work["threads"])
layout = torch.contiguous_format if args.setup == "default" else torch.channels_last
precision = torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.setup == "bf16")

model = timm.create_model(work["model"], pretrained=False, num_classes=1, drop_rate=0.2).to(memory_format=layout)
pixels = torch.randint(0, 256, (work["batch"], work["sizePx"], work["sizePx"], 3), dtype=torch.uint8)
labels = torch.tensor([[i % 2.0] for i in range(work["batch"])])
if args.setup == "compile":
    model.compile()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01)


def images():
    x = pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=layout)
    return x.div_(127.5).sub_(1)


def train_step():
    with precision:
        logits = model(images())
    loss = F.binary_cross_entropy_with_logits(logits.float(), labels)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.item()


def forward():
    with torch.inference_mode(), precision:
        return model(images()).float().sum().item()


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
                                 "layout": "contiguous" if args.setup == "default" else "channels_last",
                                 "compiler": "inductor" if args.setup == "compile" else None,
                                 "precision": "bf16" if args.setup == "bf16" else "float32"}})
for _ in sys.stdin:
    start = time.perf_counter()
    result = step()
    say({"ms": (time.perf_counter() - start) * 1000, "peakMb": peak_mb(), "result": result})
