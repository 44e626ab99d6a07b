"""PyTorch's side of `npm run bench -- gpu` (protocol: bench/side.ts): the training step of step.py on a graphics card.

float32 as it is; TF32 in convolutions and products; or bfloat16 by autocast in channels_last, compiled by inductor.
Usage: gpu.py WORK_JSON fp32|tf32|bf16 cuda|cpu   (cpu: to rehearse without a card, where TF32 is float32)
"""
import json
import platform
import sys
import time

import timm
import torch
import torch.nn.functional as F

work = json.loads(sys.argv[1])
setup, device = sys.argv[2:]
assert setup in ("fp32", "tf32", "bf16"), setup
torch.manual_seed(0)
torch.backends.cudnn.benchmark = True
torch.backends.cudnn.allow_tf32 = setup != "fp32"
torch.backends.cuda.matmul.allow_tf32 = setup != "fp32"
reduced = setup == "bf16"
layout = torch.channels_last if reduced else torch.contiguous_format

model = timm.create_model(work["model"], pretrained=False, num_classes=1, drop_rate=0.2)
model = model.to(device, memory_format=layout).train()
if reduced:
    model.compile()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01, fused=device == "cuda")
shape = (work["batch"], work["sizePx"], work["sizePx"], 3)
host = torch.randint(0, 256, shape, dtype=torch.uint8)
host = host.pin_memory() if device == "cuda" else host
labels = torch.tensor([[i % 2.0] for i in range(work["batch"])], device=device)


def step():
    # Images come from this process's memory, as ours do.
    x = host.to(device, non_blocking=True).permute(0, 3, 1, 2).to(torch.float32, memory_format=layout)
    with torch.autocast(device, dtype=torch.bfloat16, enabled=reduced):
        logits = model(x.div_(127.5).sub_(1))
    loss = F.binary_cross_entropy_with_logits(logits.float(), labels)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.item()  # waits for the card


def say(message):
    print(json.dumps(message), flush=True)


say({"ready": True, "versions": {"python": platform.python_version(), "torch": torch.__version__, "timm": timm.__version__,
                                 "precision": setup, "compiler": "inductor" if reduced else None}})
for _ in sys.stdin:
    start = time.perf_counter()
    result = step()
    say({"ms": (time.perf_counter() - start) * 1000, "peakMb": 0, "result": result})
