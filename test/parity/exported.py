"""Runs an exported model in Python's ONNX Runtime: exported.py MODEL IMAGES FLAG, prints its outputs as JSON.

IMAGES is a file of u8 [n, S, S, 3], FLAG a JSON list of 2 n numbers. Exits with 77 where onnxruntime is missing.
"""

import json
import sys

try:
    import numpy as np
    import onnxruntime
except ImportError:
    sys.exit(77)

path, images, flag = sys.argv[1:]
session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
inputs = {i.name: i for i in session.get_inputs()}
flag = np.array(json.loads(flag), np.float32).reshape(-1, 2)
side = inputs["images"].shape[1]
pixels = np.fromfile(images, np.uint8).reshape(len(flag), side, side, 3)
names = [o.name for o in session.get_outputs()]
outputs = session.run(names, {"images": pixels, "flag": flag})
print(json.dumps({name: value.ravel().tolist() for name, value in zip(names, outputs)}))
