"""Python's side of derive (protocol: bench/side.ts): Pillow, the same detector in onnxruntime, dlib's chips.

Usage: derive.py WORK_JSON

Decodes each frame, finds its best face, cuts dlib's chip and the square about the hand's box at 300 px, and writes
both as JPEG of quality 95. dlib takes five corner points, which are put about the detector's eye centres.
"""
import hashlib
import json
import math
import os
import platform
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime as ort
from PIL import Image, ImageOps, __version__ as pillow

try:
    import dlib
except ImportError:  # then the chip is cut by Pillow: halved while too large, and turned with bilinear samples
    dlib = None

work = json.loads(sys.argv[1])
cores = os.cpu_count()
os.sched_setaffinity(0, range(max(0, cores - work["threads"]), cores))
folder = os.path.join(tempfile.gettempdir(), f"facehand-bench-frames-{work['sizePx']}-{work['batch']}")
with open(os.path.join(folder, "annotations", "train", "palm.json")) as file:
    records = json.load(file)

SIDE, SIZE, PADDING, MARGIN = 192, 300, 0.25, 0.1
options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = ort.InferenceSession(os.path.join(folder, "face.onnx"), options, providers=["CPUExecutionProvider"])
feed = session.get_inputs()[0].name
cells = SIDE // 4
grid = (np.arange(cells, dtype=np.float32) + 0.5) / cells
centres = np.stack([np.tile(grid, cells), np.repeat(grid, cells)], axis=1) * SIDE


def find(image):
    """Eyes and nose of the best face in pixels of the image, or None."""
    scale = min(SIDE / image.width, SIDE / image.height)
    width, height = round(image.width * scale), round(image.height * scale)
    left, top = (SIDE - width) // 2, (SIDE - height) // 2
    canvas = Image.new("RGB", (SIDE, SIDE))
    canvas.paste(image.resize((width, height), Image.BILINEAR), (left, top))
    values = np.asarray(canvas, dtype=np.float32).transpose(2, 0, 1)[None] * (2 / 255) - 1
    raw, logits = session.run(None, {feed: values})
    scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0], -100, 100)))
    good = np.flatnonzero(scores >= 0.6)
    if len(good) == 0:
        return None
    best = good[np.argmax(scores[good])]
    boxes = raw[0, good]
    # MediaPipe's weighted suppression: the mean of what overlaps with the best one.
    mids, sizes = boxes[:, :2] + centres[good], boxes[:, 2:4]
    one = np.flatnonzero(good == best)[0]
    low = np.maximum(mids - sizes / 2, mids[one] - sizes[one] / 2)
    high = np.minimum(mids + sizes / 2, mids[one] + sizes[one] / 2)
    both = np.clip(high - low, 0, None).prod(axis=1)
    overlap = both / (sizes.prod(axis=1) + sizes[one].prod() - both)
    near = overlap > 0.3
    points = boxes[near, 4:10].reshape(-1, 3, 2) + centres[good][near][:, None]
    mean = np.average(points, axis=0, weights=scores[good][near])
    return (mean - (left, top)) / (width / image.width, height / image.height)


def chip(image, points):
    right, left, nose = points
    across = (left - right) / 4
    if dlib is None:
        return chip_by_pillow(image, right, left)
    corners = [left + across / 2, left - across / 2, right - across / 2, right + across / 2, nose]
    parts = dlib.points([dlib.point(round(x), round(y)) for x, y in corners])
    box = dlib.rectangle(0, 0, image.width, image.height)
    shape = dlib.full_object_detection(box, parts)
    return Image.fromarray(dlib.get_face_chip(np.asarray(image), shape, SIZE, PADDING))


def chip_by_pillow(image, right, left):
    mid, across = (right + left) / 2, left - right
    side = 2.6 * math.hypot(*across)
    reduce = max(1, 2 ** int(math.log2(max(1, side / SIZE))))
    small = image.reduce(reduce) if reduce > 1 else image
    unit = across / math.hypot(*across) * side / SIZE / reduce
    centre = mid / reduce + np.array([-unit[1], unit[0]]) * SIZE * 0.1
    origin = centre - unit * SIZE / 2 - np.array([-unit[1], unit[0]]) * SIZE / 2
    matrix = (unit[0], -unit[1], origin[0], unit[1], unit[0], origin[1])
    return small.transform((SIZE, SIZE), Image.AFFINE, matrix, Image.BILINEAR)


def derive(item):
    name, record = item
    with open(os.path.join(folder, "palm", f"{name}.jpg"), "rb") as file:
        data = file.read()
    hashlib.sha256(data).hexdigest()
    with open(os.path.join(folder, "palm", f"{name}.jpg"), "rb") as file:
        image = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
    index = record["labels"].index("palm") if "palm" in record["labels"] else 0
    x, y, w, h = (v * s for v, s in zip(record["bboxes"][index], [image.width, image.height] * 2))
    side = max(w, h) * (1 + 2 * MARGIN)
    square = [round(x + w / 2 - side / 2), round(y + h / 2 - side / 2)]
    hand = image.crop((*square, square[0] + round(side), square[1] + round(side)))
    hand.resize((SIZE, SIZE), Image.BILINEAR).save(os.path.join(out, f"H_{name}.jpg"), quality=95, subsampling=2)
    points = find(image)
    if points is None:
        return 0
    chip(image, points).save(os.path.join(out, f"F_{name}.jpg"), quality=95, subsampling=2)
    return 1


def peak_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def say(message):
    print(json.dumps(message), flush=True)


with tempfile.TemporaryDirectory() as out:
    versions = {"python": platform.python_version(), "onnxruntime": ort.__version__, "pillow": pillow,
                "dlib": "none" if dlib is None else dlib.__version__}
    say({"ready": True, "versions": versions})
    with ThreadPoolExecutor(work["threads"]) as pool:  # Pillow, onnxruntime and dlib release the interpreter's lock
        for _ in sys.stdin:
            start = time.perf_counter()
            faces = sum(pool.map(derive, records.items()))
            say({"ms": (time.perf_counter() - start) * 1000, "peakMb": peak_mb(), "result": faces})
