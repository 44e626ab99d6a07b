"""Python's side of derive (protocol: bench/side.ts): Pillow, the same models in onnxruntime, dlib's chips, numpy.

Usage: derive.py WORK_JSON [lean | floor | keep DIR]

Of each frame: SHA-256, decode, best face, the hand's annotated landmarks checked against the picture by one reading of the
landmark model, hand by its landmarks and face cut as dlib's chips of 300 px, both written as JPEG of quality 95; then all
that our ledger has of it (sharpness, exposure, skin, what is hidden or outside, perceptual hash), as a line of JSON.
`lean` leaves out the check, these measures, the hashes and the journal; `floor` does nothing but read, decode and find
faces. `keep` works once and leaves crops and journal in DIR, for bench/derive-agree.ts to compare with ours.
"""
import hashlib
import io
import json
import math
import os
import platform
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import dlib
import numpy as np
import onnxruntime as ort
from PIL import Image, ImageOps, __version__ as pillow

work = json.loads(sys.argv[1])
mode = sys.argv[2] if len(sys.argv) > 2 else "all"
keep = sys.argv[3] if mode == "keep" else None
cores = os.cpu_count()
os.sched_setaffinity(0, range(max(0, cores - work["threads"]), cores))
folder = os.path.join(tempfile.gettempdir(), f"facehand-bench-frames-{work['sizePx']}-{work['batch']}")
with open(os.path.join(folder, "annotations", "train", "palm.json")) as file:
    records = json.load(file)

SIDE, HAND_SIDE, SIZE, PADDING = 192, 224, 300, 0.25
options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
face_model, hand_model = (ort.InferenceSession(os.path.join(folder, f"{name}.onnx"), options,
                                               providers=["CPUExecutionProvider"]) for name in ("face", "hand"))
face_feed, hand_feed = face_model.get_inputs()[0].name, hand_model.get_inputs()[0].name
hand_fetches = [output.name for output in hand_model.get_outputs()[:2]]
cells = SIDE // 4
grid = (np.arange(cells, dtype=np.float32) + 0.5) / cells
centres = np.stack([np.tile(grid, cells), np.repeat(grid, cells)], axis=1) * SIDE


def fitted(image):
    """Shrunk to fit the detector, and px of the image to each of its own; halved first while the resample has a factor of
    2.5 left to shrink."""
    scale = min(SIDE / image.width, SIDE / image.height)
    width, height = round(image.width * scale), round(image.height * scale)
    halvings = int(math.log2(max(1, min(image.width / width, image.height / height) / 2.5)))
    for _ in range(halvings):
        image = image.crop((0, 0, image.width & ~1, image.height & ~1)).reduce(2)
    scale = np.array([image.width / width, image.height / height]) * 2 ** halvings
    return image.resize((width, height), Image.BILINEAR), scale


def find(small, scale):
    """Score, box and points (eyes, nose, mouth, ears) of every face, in pixels of the image, best first."""
    left, top = (SIDE - small.width) // 2, (SIDE - small.height) // 2
    canvas = np.full((SIDE, SIDE, 3), -1, dtype=np.float32)
    canvas[top:top + small.height, left:left + small.width] = np.asarray(small, dtype=np.float32) * (2 / 255) - 1
    raw, logits = face_model.run(None, {face_feed: np.ascontiguousarray(canvas.transpose(2, 0, 1))[None]})
    scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0], -100, 100)))
    good = np.flatnonzero(scores >= 0.6)
    good = good[np.argsort(-scores[good], kind="stable")]
    scores, boxes = scores[good], raw[0, good].astype(np.float64)
    mids, sizes = boxes[:, :2] + centres[good], boxes[:, 2:4]
    points = boxes[:, 4:].reshape(len(good), boxes[:, 4:].shape[1] // 2, 2) + centres[good][:, None]
    faces, rest = [], np.arange(len(good))
    while len(rest) > 0:  # MediaPipe's weighted suppression: the mean of what overlaps with the best one
        best = rest[0]
        low = np.maximum(mids[rest] - sizes[rest] / 2, mids[best] - sizes[best] / 2)
        high = np.minimum(mids[rest] + sizes[rest] / 2, mids[best] + sizes[best] / 2)
        both = np.clip(high - low, 0, None).prod(axis=1)
        near = both / (sizes[rest].prod(axis=1) + sizes[best].prod() - both) > 0.3
        near[0] = True
        one, weights = rest[near], scores[rest[near]]
        mid = (np.average(mids[one], axis=0, weights=weights) - (left, top)) * scale
        width, height = np.average(sizes[one], axis=0, weights=weights) * scale
        mean = (np.average(points[one], axis=0, weights=weights) - (left, top)) * scale
        tall = 1.21 * height  # forehead to chin, as YuNet draws it
        box = (mid[0] - 0.45 * width, mid[1] - 0.054 * height - tall / 2, 0.9 * width, tall)
        faces.append((float(scores[best]), box, mean @ (1, 1j)))
        rest = rest[~near]
    return faces


def owner(faces, hand):
    """The face that makes the most usual pair with the hand: face, fit and lead."""
    usable = [face for face in faces if face[0] >= 0.6 and min(face[1][2:]) >= 28] or faces
    def unusual(face):
        x, y, w, h = face[1]
        reach = math.hypot(x + w / 2 - hand[0] - hand[2] / 2, y + h / 2 - hand[1] - hand[3] / 2) / h
        return math.hypot(max(0, reach - 1.16) / 0.34, math.log(max(hand[2:]) / h / 1.04) / 0.19)
    ranked = sorted(((unusual(face), k) for k, face in enumerate(usable)))
    if not ranked:
        return None
    lead = ranked[1][0] - ranked[0][0] if len(ranked) > 1 else None
    return usable[ranked[0][1]], ranked[0][0], lead


def similarity(source, target):
    """a and d of target = a source + d, points as complex numbers."""
    s, t = source - source.mean(), target - target.mean()
    a = (s.conj() * t).sum() / (abs(s) ** 2).sum()
    return a, target.mean() - a * source.mean()


RIGHT = complex(0.1205750620789 + 0.3340850613712, 0.2137274526848 + 0.2290642403242) / 2
LEFT = complex(0.8595674595992 + 0.6460604764104, 0.2134981538014 + 0.2289674387677) / 2
turn, shift = similarity(np.array([38.2946 + 51.6963j, 73.5318 + 51.5014j]), np.array([RIGHT, LEFT]))
TEMPLATE = (np.array([RIGHT, LEFT, turn * (56.0252 + 71.7366j) + shift]) + PADDING * (1 + 1j)) / (2 * PADDING + 1) * SIZE


def face_square(points):
    a, d = similarity(TEMPLATE, points)
    return a * complex(SIZE / 2, SIZE / 2) + d, SIZE * abs(a), math.atan2(a.imag, a.real)


STABLE = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]


def middle(points):
    return complex((points.real.min() + points.real.max()) / 2, (points.imag.min() + points.imag.max()) / 2)


def hand_square(points):
    """MediaPipe's rule: along the fingers, about the joints that do not bend, moved by a tenth, twice as large."""
    way = ((points[5] + points[13]) / 2 + points[9]) / 2 - points[0]
    angle = math.remainder(math.pi / 2 - math.atan2(-way.imag, way.real), 2 * math.pi)
    stable, unit = points[STABLE], complex(math.cos(angle), math.sin(angle))
    about = middle(stable)
    own = (stable - about) * unit.conjugate()
    height = np.ptp(own.imag)
    return about + (middle(own) - 0.1j * height) * unit, 2 * max(np.ptp(own.real), height), angle


def chip(pixels, square, size=SIZE):
    centre, side, angle = square
    x, y, half = centre.real - 0.5, centre.imag - 0.5, (side - 1) / 2
    rect = dlib.drectangle(x - half, y - half, x + half, y + half)
    return dlib.extract_image_chip(pixels, dlib.chip_details(rect, dlib.chip_dims(size, size), angle))


def seen(pixels, square, points, box):
    """Presence of a hand where the landmarks are, and their mean distance from those read there, long sides of the box."""
    centre, side, angle = square
    planes = chip(pixels, square, HAND_SIDE).transpose(2, 0, 1) * np.float32(1 / 255)
    xyz, presence = hand_model.run(hand_fetches, {hand_feed: np.ascontiguousarray(planes)[None]})
    own = (xyz.reshape(21, 3)[:, :2] / HAND_SIDE - 0.5) @ (1, 1j)
    read = centre + own * side * complex(math.cos(angle), math.sin(angle))
    return float(presence[0, 0]), abs(points - read).mean() / max(box[2:])


LUMA = np.array([0.299, 0.587, 0.114])
STEPS = (np.arange(32) + 0.5) / 32
GRID = (STEPS[None, :] - 0.5) + 1j * (STEPS[:, None] - 0.5)


def sharpness(crop):
    luma = np.pad(np.asarray(Image.fromarray(crop).resize((128, 128), Image.BILINEAR)) @ LUMA, 1, mode="reflect")
    return (luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * luma[1:-1, 1:-1]).var()


def highlight(pixels):
    height, width = pixels.shape[:2]
    rows, columns = ((np.arange(64) + 0.5) * height / 64).astype(int), ((np.arange(64) + 0.5) * width / 64).astype(int)
    return np.partition((pixels[rows[:, None], columns] @ LUMA).ravel(), 3891)[3891]


def clipped(crop):
    return (crop[75:225, 75:225] >= 250).all(axis=2).mean()


LINEAR = np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.arange(256) / 255])
PATCHES = [[round((PADDING + t) / (2 * PADDING + 1) * SIZE) for t in patch] for patch in
           [(0.16, 0.34, 0.42, 0.62), (0.66, 0.84, 0.42, 0.62), (0.43, 0.57, 0.3, 0.5)]]


def response(t):
    return np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)


def skin_angle(crop):
    """Individual typology angle of cheeks and bridge of the nose, of the middle half of skin-coloured pixels."""
    colours = np.concatenate([crop[y0:y1, x0:x1].reshape(-1, 3) for x0, x1, y0, y1 in PATCHES])
    r, g, b = colours.astype(np.float64).T
    cb, cr = 128 - 0.168736 * r - 0.331264 * g + 0.5 * b, 128 + 0.5 * r - 0.418688 * g - 0.081312 * b
    skin = colours[(cb >= 77) & (cb <= 135) & (cr >= 131) & (cr <= 185)]
    if len(skin) < 0.3 * len(colours):
        return None
    linear = LINEAR[skin]
    y = response(linear @ (0.212671, 0.71516, 0.072169))
    z = response(linear @ (0.019334, 0.119193, 0.950227) / 1.08883)
    order = np.argsort(y, kind="stable")[math.floor(0.25 * len(y)):math.ceil(0.75 * len(y))]
    light, blue = 116 * y[order].mean() - 16, 200 * (y[order] - z[order]).mean()
    return None if light < 5 or blue <= 0 else math.degrees(math.atan((light - 50) / blue))


def inside(square, width, height):
    centre, side, angle = square
    points = centre + GRID * side * complex(math.cos(angle), math.sin(angle))
    return ((points.real >= 0) & (points.imag >= 0) & (points.real <= width) & (points.imag <= height)).mean()


def cross(a, b, p):
    return (b.real - a.real) * (p.imag - a.imag) - (b.imag - a.imag) * (p.real - a.real)


def hidden(box, points):
    """Share of the middle of the face inside the convex hull of the hand's landmarks."""
    x, y, w, h = box
    if points.real.max() <= x or points.real.min() >= x + w or points.imag.max() <= y or points.imag.min() >= y + h:
        return 0.0
    chain, listed = [], sorted(points.tolist(), key=lambda p: (p.real, p.imag))
    for along in (listed, listed[::-1]):
        half = []
        for p in along:
            while len(half) >= 2 and cross(half[-2], half[-1], p) <= 0:
                half.pop()
            half.append(p)
        chain += half[:-1]
    at = complex(x + w / 2, y + h / 2) + 0.7 * (GRID.real * w + 1j * GRID.imag * h)
    return np.logical_and.reduce([cross(a, b, at) >= 0 for a, b in zip(chain, chain[1:] + chain[:1])]).mean()


COSINES = np.cos(np.pi * (2 * np.arange(64) + 1)[None, :] * np.arange(16)[:, None] / 128)


def look(small):
    luma = np.asarray(small.resize((64, 64), Image.BILINEAR)) @ LUMA
    low = (COSINES @ luma @ COSINES.T).ravel()
    bits = low > np.median(low[1:])
    bits[0] = False
    return np.packbits(bits, bitorder="little").view("<u2").astype(">u2").tobytes().hex()


def derive(item):
    name, record = item
    with open(os.path.join(folder, "palm", f"{name}.jpg"), "rb") as file:
        data = file.read()
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    (small, scale), size = fitted(image), np.array([image.width, image.height])
    faces = find(small, scale)
    if mode == "floor":
        return None
    pixels = np.asarray(image)
    areas = [w * h if label == "palm" else 0 for (_, _, w, h), label in zip(record["bboxes"], record["labels"])]
    index = int(np.argmax(areas))
    box = np.array(record["bboxes"][index]) * np.tile(size, 2)
    points = (np.array(record["hand_landmarks"][index]) * size) @ (1, 1j)
    square = hand_square(points)
    low, high = complex(points.real.min(), points.imag.min()), complex(points.real.max(), points.imag.max())
    bounds, corner = high - low, complex(min(high.real, box[0] + box[2]), min(high.imag, box[1] + box[3]))
    both = corner - complex(max(low.real, box[0]), max(low.imag, box[1]))
    shared = max(0, both.real) * max(0, both.imag)
    fit = shared / (bounds.real * bounds.imag + box[2] * box[3] - shared)
    if mode != "lean":
        presence, off = seen(pixels, square, points, box)
        if fit < 0.4 or presence < 0.5 or off > 0.15:  # ours would search for the hand; none of these frames needs it
            raise ValueError(f"Expected landmarks that the picture shows, got fit {fit}, presence {presence}, off {off}")
    found = owner(faces, box)
    crops = {"H": chip(pixels, square)}
    if found:
        chip_square = face_square(found[0][2][:3])
        crops["F"] = chip(pixels, chip_square)
    for letter, crop in crops.items():
        Image.fromarray(crop).save(os.path.join(out, f"{letter}_{name}.jpg"), quality=95, subsampling=2)
    if mode == "lean":
        return None
    (score, face, _), unusual, lead = found or ((None, None, None), None, None)
    measures = {
        "landmark_fit": fit, "landmark_off": off, "hand_presence": presence,
        "hand_turn": math.degrees(square[2]), "hand_inside": inside(square, *size),
        "hand_sharpness": sharpness(crops["H"]), "highlight": highlight(np.asarray(small)),
    }
    if found:
        measures |= {
            "face_px": min(face[2:]), "owner_fit": unusual, "owner_lead": lead,
            "face_inside": inside(chip_square, *size), "hidden": hidden(face, points),
            "face_sharpness": sharpness(crops["F"]), "clipped": clipped(crops["F"]), "ita": skin_angle(crops["F"]),
        }
    return {
        "imageId": name, "gesture": "palm", "split": "train", "userId": record["user_id"],
        "sha256": hashlib.sha256(data).hexdigest(), "size": size.tolist(), "look": look(small),
        "handBox": np.round(box, 2).tolist(), "hand": "annotation", "faces": len(faces), "faceScore": score and round(score, 4),
        "faceBox": face and [round(float(v), 2) for v in face],
        "measures": {key: round(float(v), 4) for key, v in measures.items() if v is not None},
        "crops": ["hand", "face"][:len(crops)],
    }


def step():
    """Every frame once; the journal's lines as they come."""
    with ThreadPoolExecutor(work["threads"]) as pool, open(os.path.join(out, "journal.jsonl"), "a") as journal:
        count = 0  # Pillow, onnxruntime and dlib release the interpreter's lock
        for row in pool.map(derive, records.items()):
            count += 1
            if row:
                journal.write(json.dumps(row) + "\n")
        return count


def peak_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def say(message):
    print(json.dumps(message), flush=True)


if keep:
    out = keep
    step()
    sys.exit()
versions = {"python": platform.python_version(), "onnxruntime": ort.__version__, "pillow": pillow,
            "dlib": dlib.__version__, "numpy": np.__version__, "steps": mode}
say({"ready": True, "versions": versions})
with tempfile.TemporaryDirectory() as root:  # as ours does: new files in every step, deleted at the end
    for _ in sys.stdin:
        out = tempfile.mkdtemp(dir=root)
        start, cpu = time.perf_counter(), time.process_time()
        done = step()
        elapsed, cpu = (time.perf_counter() - start) * 1000, (time.process_time() - cpu) * 1000
        say({"ms": elapsed, "cpuMs": cpu, "peakMb": peak_mb(), "result": done})
