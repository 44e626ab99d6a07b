"""Goldens for derivation: hand squares and their crops, sharpness, skin tone.

Run with dlib-bin, numpy, opencv-python-headless, scikit-image: python test/parity/derive.py
The squares are computed here in complex numbers, from MediaPipe's description of the rule, not from facehand's code:
with the photo's pixels as numbers x + iy, turning by an angle is a product with exp(i angle).
"""
import base64
import json
import pathlib
import zlib

import cv2
import dlib
import numpy as np
import skimage
from skimage.color import rgb2lab

OUT = pathlib.Path(__file__).parent / "goldens" / "derive.json"
STABLE = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]


def picture(width, height):
    """As in face_chip.py: noise, a gradient and stripes; the same integers in the tests."""
    y, x, k = np.mgrid[0:height, 0:width, 0:3].astype(np.int64)
    noise = ((x * 7919 + y * 104729 + k * 1299709) * 40503 >> 7) & 63
    stripes = ((x * (k + 1) + y * 2) >> 3) & 127
    return (noise + stripes + ((x + y) * 64) // (width + height)).astype(np.uint8)


def up_angle(start, end):
    """How far the direction is turned clockwise from up, -pi to pi."""
    angle = np.pi / 2 - np.arctan2(-(end - start).imag, (end - start).real)
    return (angle + np.pi) % (2 * np.pi) - np.pi


def from_landmarks(points):
    knuckles = ((points[5] + points[13]) / 2 + points[9]) / 2
    angle = up_angle(points[0], knuckles)
    turned = points[STABLE] * np.exp(-1j * angle)  # about the origin: bounds move, their size does not
    low = turned.real.min() + 1j * turned.imag.min()
    high = turned.real.max() + 1j * turned.imag.max()
    width, height = (high - low).real, (high - low).imag
    centre = ((low + high) / 2 - 0.1j * height) * np.exp(1j * angle)
    return centre, 2 * max(width, height), angle


def from_palm(x, y, width, height, wrist, knuckle):
    angle = up_angle(wrist, knuckle)
    centre = x + width / 2 + 1j * (y + height / 2) - 0.5j * height * np.exp(1j * angle)
    return centre, 2.6 * max(width, height), angle


def square(centre, side, angle):
    return [float(centre.real), float(centre.imag), float(side), float(angle)]


def chip(image, centre, side, angle, size):
    """dlib's own; it counts from pixel centres."""
    half = (side - 1) / 2
    x, y = centre.real - 0.5, centre.imag - 0.5
    rect = dlib.drectangle(x - half, y - half, x + half, y + half)
    return np.asarray(dlib.extract_image_chip(image, dlib.chip_details(rect, dlib.chip_dims(size, size), angle)))


def crcs(pixels):
    values = np.array([zlib.crc32(row.tobytes()) for row in pixels], dtype="<u4")
    return base64.b64encode(values.tobytes()).decode()


def complex_list(points):
    return [[round(float(p.real), 6), round(float(p.imag), 6)] for p in points]


rng = np.random.default_rng(11)
landmarks, palms, crops = [], [], []
for i in range(24):
    size = rng.uniform(20, 400)
    where = rng.uniform(0, 900) + 1j * rng.uniform(0, 700)
    points = where + size * (rng.uniform(-1, 1, 21) + 1j * rng.uniform(-1, 1, 21))
    points = np.array([complex(*p) for p in complex_list(points)])
    landmarks.append({"points": complex_list(points), "square": square(*from_landmarks(points))})
    box = [round(float(v), 3) for v in (*rng.uniform(0, 500, 2), *rng.uniform(20, 200, 2))]
    wrist, knuckle = (complex(*p) for p in complex_list(rng.uniform(0, 500, 2) + 1j * rng.uniform(0, 500, 2)))
    palms.append({"box": box, "points": complex_list([wrist, knuckle]), "square": square(*from_palm(*box, wrist, knuckle))})
# Straight up, down and sideways: where an angle jumps.
for end in (-100j, 100j, 100, -100):
    points = 300 + 300j + np.array([end * t * np.exp(0.3j * s) for t, s in zip(np.linspace(0, 1, 21), [0, 1, -1] * 7)])
    points = np.array([complex(*p) for p in complex_list(points)])
    landmarks.append({"points": complex_list(points), "square": square(*from_landmarks(points))})

for width, height, centre, side, degrees, out in [
    (640, 480, 300 + 200j, 180.5, 12.5, 224),
    (640, 480, 600.25 + 30.75j, 333.3, -118, 300),
    (900, 1200, 420 + 700j, 1100, 91, 160),
    (300, 400, 150.3 + 200.8j, 61.7, 0, 300),
    (1920, 1080, 1700 + 900j, 900, 175, 100),
]:
    angle = float(np.radians(degrees))
    pixels = chip(picture(width, height), centre, side, angle, out)
    crops.append({"width": width, "height": height, "square": square(centre, side, angle), "sizePx": out, "rows": crcs(pixels)})

sharp = []
for width, height in [(128, 128), (7, 5), (60, 90)]:
    gray = picture(width, height).astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    sharp.append({"width": width, "height": height, "variance": float(cv2.Laplacian(gray, cv2.CV_64F, ksize=1).var())})

colours = [[255, 255, 255], [0, 0, 0], [128, 128, 128], *rng.integers(0, 256, (60, 3)).tolist()]
lab = rgb2lab(np.array(colours, dtype=np.uint8)[None])[0]
doc = {
    "versions": {"dlib": dlib.__version__, "numpy": np.__version__, "opencv": cv2.__version__, "skimage": skimage.__version__},
    "landmarks": landmarks,
    "palms": palms,
    "crops": crops,
    "sharpness": sharp,
    "lab": [{"rgb": c, "lab": [round(float(v), 6) for v in l]} for c, l in zip(colours, lab)],
}
OUT.write_text(json.dumps(doc, separators=(",", ":")) + "\n")
print(OUT.stat().st_size)
