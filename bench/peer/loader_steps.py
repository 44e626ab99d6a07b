"""PyTorch's side of `npm run bench -- loader-steps`: loader.py's default transforms, whose functions tell their processor time.
Usage: loader_steps.py, after ours, which makes the images
"""
import io
import json
import pathlib
import runpy
import sys
import time

PICTURES, ROUNDS = 128, 20
sys.argv[1:], sys.stdin = [json.dumps({"batch": 32, "sizePx": 224, "threads": 1})], io.StringIO()
made = runpy.run_path(str(pathlib.Path(__file__).with_name("loader.py")))
from torchvision.transforms import functional
Image, images = made["Image"], made["Images"]()
laps, depth, least = {}, 0, {}


def timed(where, name, step):
    own = getattr(where, name)

    def wrapper(*args, **kwargs):
        global depth
        depth += 1
        start = time.process_time_ns()
        result = own(*args, **kwargs)
        depth -= 1
        if depth == 0:  # not one that another step calls
            laps[step] = laps.get(step, 0) + time.process_time_ns() - start
        return result
    setattr(where, name, wrapper)


for place, name, step in [
    (Image, "open", "open, read headers"), (Image.Image, "convert", "JPEG to colours"), (functional, "hflip", "mirror"),
    *((functional, f"adjust_{name}", "colour jitter") for name in ("brightness", "contrast", "saturation")),
    (functional, "rotate", "rotate"), (functional, "resize", "resize"), (functional, "pil_to_tensor", "copy to a tensor"),
]:
    timed(place, name, step)
for i in range(ROUNDS * PICTURES):
    laps.clear()
    made["torch"].manual_seed(i % PICTURES)
    start = time.process_time_ns()
    images[i % PICTURES]
    laps["calls, drawing of numbers"] = time.process_time_ns() - start - sum(laps.values())
    for step, ns in laps.items():
        least[step, i % PICTURES] = min(least.get((step, i % PICTURES), ns), ns)
for step in dict.fromkeys(step for step, _ in least):
    print(f"{step:26} {sum(ns for (of, _), ns in least.items() if of == step) / 1e6 / PICTURES:.2f}")
print(f"{'all':26} {sum(least.values()) / 1e6 / PICTURES:.2f}")
