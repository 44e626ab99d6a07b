"""Goldens for derive/crops faceChip: dlib's own chips of a generated picture.

Run with the wheel `dlib-bin` and numpy: python test/parity/face_chip.py
Landmarks are whole pixels, counted from pixel centres as dlib does (facehand's are 0.5 more).
"""
import base64
import json
import math
import pathlib
import zlib

import dlib
import numpy as np

OUT = pathlib.Path(__file__).parent / "goldens" / "face-chip" / "face-chip.json"
TEMPLATE = [
    (0.8595674595992, 0.2134981538014),
    (0.6460604764104, 0.2289674387677),
    (0.1205750620789, 0.2137274526848),
    (0.3340850613712, 0.2290642403242),
    (0.4901123135679, 0.6277975316475),
]
# name, image width, height, chip size, padding, face side px, turn degrees, centre, shift of the nose px
CASES = [
    ("enlarged", 320, 240, 300, 0.25, 90, 0, (160, 120), 0),
    ("turned", 640, 480, 300, 0.25, 150, 24, (300, 250), 4),
    ("one level", 900, 700, 150, 0.2, 220, -17, (420, 330), -6),
    ("two levels, over the edge", 1100, 900, 100, 0.25, 420, 101, (980, 190), 9),
    ("upside down", 640, 480, 64, 0.0, 180, 178, (330, 240), 3),
    ("exactly to size", 500, 500, 300, 0.25, 200, 0, (250, 250), 0),
    ("three levels, corner", 1600, 1200, 64, 0.25, 520, -33, (1350, 1050), -12),
    ("mostly outside", 400, 300, 150, 0.25, 240, 60, (20, 20), 5),
]
# And many at random. All pixels count: of each row of a chip there is a CRC.
RANDOM = 40


def random_cases(rng):
    for i in range(RANDOM):
        width, height = (int(v) for v in rng.integers(120, 1300, 2))
        size, padding = int(rng.integers(32, 320)), float(rng.choice([0.0, 0.2, 0.25, 0.4]))
        side = int(rng.integers(12, min(width, height)))
        centre = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        yield f"random {i}", width, height, size, padding, side, int(rng.integers(-180, 181)), centre, int(rng.integers(-5, 6))


def picture(width, height):
    """Noise, a gradient and stripes; the same integers in crops.test.ts."""
    y, x, k = np.mgrid[0:height, 0:width, 0:3].astype(np.int64)
    noise = ((x * 7919 + y * 104729 + k * 1299709) * 40503 >> 7) & 63
    stripes = ((x * (k + 1) + y * 2) >> 3) & 127
    return (noise + stripes + ((x + y) * 64) // (width + height)).astype(np.uint8)


def landmarks(side, degrees, centre, nose):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    points = []
    for i, (tx, ty) in enumerate(TEMPLATE):
        dx, dy = (tx - 0.5) * side, (ty - 0.5) * side
        x, y = centre[0] + c * dx - s * dy, centre[1] + s * dx + c * dy
        points.append([round(x) + (nose if i == 4 else 0), round(y)])
    return points


def crcs(chip):
    values = np.array([zlib.crc32(row.tobytes()) for row in chip], dtype="<u4")
    return base64.b64encode(values.tobytes()).decode()


cases = []
rng = np.random.default_rng(5)
for name, width, height, size, padding, side, degrees, centre, nose in [*CASES, *random_cases(np.random.default_rng(7))]:
    image = picture(width, height)
    points = landmarks(side, degrees, centre, nose)
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, 9, 9), dlib.points([dlib.point(*p) for p in points]))
    faces = dlib.full_object_detections()
    faces.append(shape)
    chip = dlib.get_face_chips(image, faces, size=size, padding=padding)[0]
    at = rng.integers(0, size, (0 if name.startswith("random") else 250, 2))
    samples = [[int(r), int(c), *map(int, chip[r, c])] for r, c in at]
    black = int((chip.sum(axis=2) == 0).sum())
    cases.append(dict(name=name, width=width, height=height, sizePx=size, padding=padding, landmarks=points,
                      blackPixels=black, rows=crcs(chip), samples=samples))

OUT.parent.mkdir(parents=True, exist_ok=True)
doc = {"versions": {"dlib": dlib.__version__, "numpy": np.__version__}, "cases": cases}
OUT.write_text(json.dumps(doc, separators=(",", ":")) + "\n")
print(OUT.stat().st_size, [(c["name"], c["blackPixels"]) for c in cases])
