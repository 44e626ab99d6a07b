"""torchvision's side of loader (protocol: bench/side.ts): the same files, augmentation and batches by a DataLoader.

Usage: loader.py WORK_JSON
"""
import glob
import json
import os
import platform
import sys
import tempfile
import time

import torch
import torchvision
import torchvision.transforms as T
from PIL import Image, __version__ as pillow

work = json.loads(sys.argv[1])
torch.set_num_threads(1)
files = sorted(glob.glob(os.path.join(tempfile.gettempdir(), "facehand-bench-images-1", "*.jpg")))
transform = T.Compose([
    T.RandomHorizontalFlip(), T.ColorJitter(0.1, 0.1, 0.05), T.RandomRotation(10),
    T.Resize((work["sizePx"], work["sizePx"])), T.PILToTensor(),
])


class Images(torch.utils.data.Dataset):
    def __len__(self):
        return len(files)

    def __getitem__(self, i):
        return transform(Image.open(files[i]).convert("RGB"))


loader = torch.utils.data.DataLoader(
    Images(), batch_size=work["batch"], shuffle=True, drop_last=True,
    num_workers=work["threads"], persistent_workers=True,
)


def peak_mb():
    """Of this process and its workers together, as ours are threads of one process."""
    total = 0
    for pid in [os.getpid(), *(w.pid for w in getattr(loader._iterator, "_workers", []))]:
        with open(f"/proc/{pid}/status") as status:
            total += next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return total / 1024


def say(message):
    print(json.dumps(message), flush=True)


assert files, "our side makes the images"
say({"ready": True, "versions": {"python": platform.python_version(), "torch": torch.__version__,
                                 "torchvision": torchvision.__version__, "pillow": pillow}})
for _ in sys.stdin:
    start = time.perf_counter()
    result = sum(float(x[0, 0, 0, 0]) for x in loader)
    say({"ms": (time.perf_counter() - start) * 1000, "peakMb": peak_mb(), "result": result})
