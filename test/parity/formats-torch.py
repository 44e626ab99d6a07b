"""Writes goldens/formats/torch-*.pt and their expected tensors (torch-expected.json), with torch.

Run with a Python that has torch and numpy. Everything in the files is made up here.
"""
import argparse
import collections
import hashlib
import json
import pathlib
import pickle

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent / "goldens" / "formats"
HERE.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)

base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
state = collections.OrderedDict(
    [
        ("module.weight", torch.randn(3, 2)),
        ("module.transposed", base.t()),
        ("module.slice", base[1:3, ::2]),
        ("module.expanded", base[:, :1].expand(4, 3)),
        ("module.steps", torch.tensor(7)),
        ("module.empty", torch.empty(0, 3)),
    ]
)
state._metadata = {"": {"version": 1}}
dtypes = {
    name: torch.tensor([0, 1, 2.5, -3]).to(getattr(torch, name))
    for name in ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "bool"]
}
dtypes["uint8"] = torch.tensor([0, 255], dtype=torch.uint8)
checkpoint = {
    "epoch": 3,
    "big": 2**80,
    "lr": np.float64(1.5),
    "count": np.int64(-5),
    "flag": np.bool_(True),
    "table": np.arange(4, dtype=np.int32).reshape(2, 2),
    "args": argparse.Namespace(lr=0.1, out=pathlib.PosixPath("/runs/a"), tags=["a", "b"]),
    "model": state,
    "extra": dtypes,
    "size": torch.Size([2, 3]),
    "device": torch.device("cpu"),
    "dtype": torch.float16,
    "names": {"x"},
    "bytes": b"\x00\xff",
    "complex": 1 + 2j,
    "parameter": torch.nn.Parameter(torch.ones(2)),
    "optimizer": {"state": {0: {"exp_avg": torch.full((3, 2), 0.25)}}, "param_groups": [{"params": [0], "betas": (0.9, 0.999)}]},
}
files = {f"torch-zip-{p}.pt": dict(pickle_protocol=p) for p in (2, 3, 4, 5)}
files["torch-legacy.pt"] = dict(_use_new_zipfile_serialization=False)


def walk(value, path=()):
    if isinstance(value, torch.Tensor):
        yield ".".join(path), value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from walk(inner, (*path, str(index)))


def raw(tensor):
    tensor = tensor.detach().contiguous()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.view(torch.int16)
    return tensor.numpy().tobytes()


for name, options in files.items():
    torch.save(checkpoint, HERE / name, **options)


class Evil:
    def __reduce__(self):
        return (print, ("this must never be printed by a reader",))


torch.save({"weight": torch.ones(2), "x": Evil()}, HERE / "torch-foreign.pt")
(HERE / "torch-foreign.pkl").write_bytes(pickle.dumps(Evil(), protocol=4))
expected = {
    "generator": "test/parity/formats-torch.py",
    "versions": {"torch": torch.__version__, "numpy": np.__version__},
    "files": sorted(files),
    "tensors": {
        path: {
            "shape": list(tensor.shape),
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "sha256": hashlib.sha256(raw(tensor)).hexdigest(),
        }
        for path, tensor in walk(checkpoint)
    },
}
(HERE / "torch-expected.json").write_text(json.dumps(expected, indent=1) + "\n")
