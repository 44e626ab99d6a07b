"""Goldens of src/pixels/image.ts: small JPEG files and the SHA-256 of Pillow's decoding of them.

The pictures are gradients and waves from a formula. Run: python3 test/parity/jpeg.py
"""
import base64
import io
import json
import pathlib

import numpy as np
import PIL
from PIL import Image, features

from pixels import case


def waves(width, height):
    y, x = np.mgrid[0:height, 0:width]
    rgb = [x * 255 / width, y * 255 / height, 128 + 100 * np.sin(x / 5.0) * np.cos(y / 3.0)]
    rgb[0] = rgb[0] + 30 * ((x * 7 + y * 13) % 5 > 2)
    return Image.fromarray(np.clip(np.stack(rgb, -1), 0, 255).astype(np.uint8), "RGB")


KINDS = {
    "4:4:4": dict(subsampling=0, quality=95), "4:2:2": dict(subsampling=1, quality=80),
    "4:2:0": dict(subsampling=2, quality=75), "4:2:0 low": dict(subsampling=2, quality=20),
    "progressive": dict(subsampling=2, quality=80, progressive=True),
}


def main():
    files = []
    for name, options in KINDS.items():
        for width, height in ((96, 64), (61, 47)):
            buffer = io.BytesIO()
            waves(width, height).save(buffer, "JPEG", **options)
            decoded = Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")
            files.append(case(decoded, name=f"{name} {width}x{height}", size=[width, height],
                              base64=base64.b64encode(buffer.getvalue()).decode()))
    versions = {"pillow": PIL.__version__, "libjpeg_turbo": features.version("libjpeg_turbo")}
    path = pathlib.Path(__file__).parent / "goldens" / "pixels" / "jpeg.json"
    path.write_text(json.dumps({"versions": versions, "files": files}, indent=1) + "\n")


if __name__ == "__main__":
    main()
