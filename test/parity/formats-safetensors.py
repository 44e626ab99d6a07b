"""Writes goldens/formats/peer.safetensors with the reference library, one tensor a dtype, and its values beside.

Needs: pip install safetensors numpy ml_dtypes. Also checks files given as arguments: prints name, dtype, shape and
sha256 of each tensor, as `npx vitest run src/formats` expects them of a file written by facehand.
"""
import hashlib
import json
import pathlib
import sys

import ml_dtypes
import numpy as np
import safetensors
from safetensors.numpy import load_file, save_file

HERE = pathlib.Path(__file__).parent / "goldens" / "formats"

for path in sys.argv[1:]:
    for name, array in load_file(path).items():
        print(name, array.dtype, list(array.shape), hashlib.sha256(array.tobytes()).hexdigest())
if len(sys.argv) > 1:
    sys.exit()

values = [0.0, -0.0, 1.0, -2.5, 65504.0, 6e-8, 1 / 3, float("inf"), float("-inf"), 1e-40, 3.14159265358979, 1e5]
tensors = {
    "F64": np.array(values, np.float64).reshape(3, 4),
    "F32": np.array(values, np.float32).reshape(4, 3),
    "F16": np.array(values, np.float32).astype(np.float16),
    "BF16": np.array(values, np.float32).astype(ml_dtypes.bfloat16),
    "I64": np.array([-(2**40), 3, 2**31], np.int64),
    "I32": np.array([[-(2**31), 2**31 - 1]], np.int32),
    "I16": np.array([-32768, 32767], np.int16),
    "I8": np.array([-128, 127], np.int8),
    "U8": np.array([0, 255, 7], np.uint8),
    "BOOL": np.array([True, False, True]),
    "scalar": np.array(2.25, np.float32),
    "empty": np.zeros((0, 5), np.float32),
}
HERE.mkdir(parents=True, exist_ok=True)
save_file(tensors, HERE / "peer.safetensors", metadata={"format": "np", "note": 'é "quoted"'})
floats = {
    name: [repr(float(v)) for v in array.astype(np.float32).ravel()] for name, array in tensors.items()
}
golden = {
    "generator": "test/parity/formats-safetensors.py",
    "versions": {"safetensors": safetensors.__version__, "numpy": np.__version__, "ml_dtypes": ml_dtypes.__version__},
    "tensors": {
        name: {
            "shape": list(array.shape),
            "sha256": hashlib.sha256(array.tobytes()).hexdigest(),
            "float32": floats[name],
        }
        for name, array in tensors.items()
    },
}
(HERE / "peer.safetensors.json").write_text(json.dumps(golden, indent=1) + "\n")
