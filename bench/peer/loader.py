"""torchvision's side of loader (protocol: bench/side.ts): the same files, augmentation and batches by a DataLoader.

As it is by default, on Pillow's pictures, or on those of Pillow-SIMD, which takes Pillow's name and lies in a folder of its own; on
tensors: decode_jpeg and transforms v2; or by libvips, one thread a worker. All draw the same numbers for a seed, and their pixels differ
a little (test/bench-loader.test.ts). libvips with colours and rotation behind the resize would take .7 of its processor time.
Usage: loader.py WORK_JSON [default|simd|tensors|pyvips]; simd: PILLOW_SIMD is the folder, of `pip install --no-deps --target`
"""
import functools
import glob
import importlib.metadata
import json
import math
import os
import platform
import sys
import tempfile
import time

work = json.loads(sys.argv[1])
setup = sys.argv[2] if len(sys.argv) > 2 else "default"
if setup == "simd":
    sys.path.insert(0, os.environ["PILLOW_SIMD"])

import torch
import torchvision
import torchvision.transforms as T
from PIL import Image, __version__ as pillow

assert setup in ("default", "simd", "tensors", "pyvips"), setup
assert ("post" in pillow) == (setup == "simd"), f"Pillow {pillow}"
torch.set_num_threads(1)
files = sorted(glob.glob(os.path.join(tempfile.gettempdir(), "facehand-bench-images-1", "*.jpg")))
sides = (work["sizePx"], work["sizePx"])
JITTER = {"brightness": 0.1, "contrast": 0.1, "saturation": 0.05}
DEGREES = 10


def by_pillow():
    transform = T.Compose([
        T.RandomHorizontalFlip(), T.ColorJitter(**JITTER), T.RandomRotation(DEGREES), T.Resize(sides), T.PILToTensor(),
    ])
    return lambda path: transform(Image.open(path).convert("RGB"))


def on_tensors():
    import torchvision.transforms.v2 as V
    transform = V.Compose([
        V.RandomHorizontalFlip(), V.ColorJitter(**JITTER), V.RandomRotation(DEGREES), V.Resize(sides, antialias=True),
    ])
    read, rgb = torchvision.io.read_file, torchvision.io.ImageReadMode.RGB
    return lambda path: transform(torchvision.io.decode_image(read(path), rgb))


def by_vips():
    # Imported in the worker, as threads do not survive a fork; one thread, as workers are as many as cores.
    os.environ["VIPS_CONCURRENCY"] = "1"
    import pyvips
    pyvips.cache_set_max(0)  # no picture comes twice in an epoch
    nearest = pyvips.Interpolate.new("nearest")
    grey = [0.299, 0.587, 0.114]
    widths = T.ColorJitter(**JITTER)

    def colours(mean):
        """Brightness, contrast and saturation, one after the other, as one affine map of colours."""
        order, *factors = T.ColorJitter.get_params(widths.brightness, widths.contrast, widths.saturation, widths.hue)
        gain, share, offset = 1.0, 0.0, 0.0  # of the colour, of its grey value, and of 1
        for step in order.tolist():
            if step == 3:  # hue
                continue
            factor = factors[step]
            if step == 2:
                share, gain = share + (1 - factor) * gain, factor * gain
                continue
            level = 0.0 if step == 0 else (gain + share) * mean + offset
            gain, share, offset = gain * factor, share * factor, offset * factor + (1 - factor) * level
        rows = [[share * g + (gain if i == j else 0) for j, g in enumerate(grey)] for i in range(3)]
        return pyvips.Image.new_from_array(rows), [offset] * 3

    def opened(path):
        image = pyvips.Image.new_from_file(path, access="sequential").copy_memory()
        if torch.rand(1) < 0.5:
            image = image.fliphor()
        rows, offset = colours(image.recomb([grey]).avg())
        angle = math.radians(T.RandomRotation.get_params([-DEGREES, DEGREES]))
        image = image.recomb(rows).linear([1] * 3, offset, uchar=True).copy_memory()
        width, height, cos, sin = image.width, image.height, math.cos(angle), math.sin(angle)
        # About the middle, from the middle of each pixel: `nearest` rounds down.
        x, y = width / 2, height / 2
        image = image.affine([cos, sin, -sin, cos], interpolate=nearest, oarea=[0, 0, width, height],
                             idx=-x, idy=-y, odx=x - 0.5, ody=y - 0.5)
        image = image.resize(sides[1] / width, vscale=sides[0] / height, kernel="linear")
        return torch.from_numpy(image.numpy()).permute(2, 0, 1)

    return opened


OPENERS = {"default": by_pillow, "simd": by_pillow, "tensors": on_tensors, "pyvips": by_vips}
# Of this process, when its first picture is asked for.
opener = functools.cache(lambda: OPENERS[setup]())


class Images(torch.utils.data.Dataset):
    def __len__(self):
        return len(files)

    def __getitem__(self, i):
        return opener()(files[i])


loader = torch.utils.data.DataLoader(
    Images(), batch_size=work["batch"], shuffle=True, drop_last=True,
    num_workers=work["threads"], persistent_workers=True,
)


def processes():
    """This one and its workers, as ours are threads of one process."""
    return [os.getpid(), *(w.pid for w in getattr(loader._iterator, "_workers", []))]


def cpu_ms():
    total = 0
    for pid in processes():
        with open(f"/proc/{pid}/stat") as stat:
            total += sum(map(int, stat.read().rpartition(")")[2].split()[11:13]))
    return total * 1000 / os.sysconf("SC_CLK_TCK")


def peak_mb():
    total = 0
    for pid in processes():
        with open(f"/proc/{pid}/status") as status:
            total += next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return total / 1024


def say(message):
    print(json.dumps(message), flush=True)


assert files, "our side makes the images"
used = {"default": {"decoder": "pillow", "pillow": pillow}, "simd": {"decoder": "pillow-simd", "pillow": pillow},
        "tensors": {"decoder": "decode_jpeg"}}
if setup == "pyvips":
    used["pyvips"] = {"decoder": "pyvips", "pyvips": importlib.metadata.version("pyvips")}
say({"ready": True, "versions": {"python": platform.python_version(), "torch": torch.__version__,
                                 "torchvision": torchvision.__version__, **used[setup]}})
for _ in sys.stdin:
    start, cpu = time.perf_counter(), cpu_ms()
    result = sum(float(x[0, 0, sides[0] // 2, sides[1] // 2]) for x in loader)
    elapsed = (time.perf_counter() - start) * 1000
    say({"ms": elapsed, "cpuMs": cpu_ms() - cpu, "peakMb": peak_mb(), "result": result})
