"""PyTorch's side of read-pt (protocol: bench/side.ts): torch.load of the file that our side made, weights only.

Usage: read_pt.py WORK_JSON
"""
import json
import os
import platform
import sys
import tempfile
import time

import torch

work = json.loads(sys.argv[1])
torch.set_num_threads(work["threads"])
path = os.path.join(tempfile.gettempdir(), f"facehand-bench-{work['model']}.pt")


def status_mb(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field)) / 1024


def say(message):
    print(json.dumps(message), flush=True)


assert os.path.exists(path), "our side makes the file"
base = status_mb("VmRSS")
say({"ready": True, "versions": {"python": platform.python_version(), "torch": torch.__version__}})
for _ in sys.stdin:
    start = time.perf_counter()
    state = torch.load(path, map_location="cpu", weights_only=True)
    result = sum(t.numel() * 4 + float(t.reshape(-1)[0]) for t in state.values())
    ms = (time.perf_counter() - start) * 1000
    del state
    say({"ms": ms, "peakMb": status_mb("VmHWM") - base, "result": result})
