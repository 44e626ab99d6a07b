"""Uses what examples/walk.mts leaves in a folder: pairs, predictions, an ONNX model and weights for PyTorch.

    npx tsx examples/walk.mts walk
    npx --no facehand model convert walk/umcc --out walk/umcc.pt
    pip install datasets pandas pyarrow onnxruntime torch timm
    python examples/from_python.py walk

Exits with 77 where a package is missing. The label is an apparent one, recorded by machines or annotators; it is never identity.
"""

import sys
from pathlib import Path

try:
    import datasets
    import numpy as np
    import onnxruntime
    import pandas as pd
    import timm
    import torch
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(77)

walk = Path(sys.argv[1])

# %% Pairs: one record has both pictures of one person, and the columns of the tables
pairs = datasets.load_dataset(str(walk / "parquet"), split="test")
first = pairs[0]
print(f"{len(pairs)} test pairs; the first: {first['labels']}, face {first['face_image'].size}, hand {first['hand_image'].size}")

# %% Predictions: one row an image, as `facehand evaluate` reads them
stored = pd.read_parquet(walk / "umcc/predictions/test.parquet")
agrees = (stored.probability >= 0.5) == (stored.target == 1)
print(f"accuracy by modality: {agrees.groupby(stored.modality).mean().round(3).to_dict()}")

# %% The model: pixels are resized as in training (PIL's bilinear); normalisation is part of the graph
session = onnxruntime.InferenceSession(str(walk / "umcc.onnx"), providers=["CPUExecutionProvider"])
side = {each.name: each for each in session.get_inputs()}["images"].shape[1]


def ask(picture, modality):
    """p(male) of a crop, by a model whose input says which modality it sees."""
    pixels = np.asarray(picture.convert("RGB").resize((side, side), 2), np.uint8)[None]  # [1, side, side, 3]
    flag = np.array([[modality == "hand", modality == "face"]], np.float32)
    return session.run(["probability"], {"images": pixels, "flag": flag})[0].item()


known = stored.set_index("id").probability
differences = [
    abs(ask(pair[f"{modality}_image"], modality) - known[f"{pair['id']}/{modality}"])
    for pair in pairs
    for modality in ("hand", "face")
]
print(f"{len(differences)} images again: p(male) differs by at most {max(differences):.0e}")

# %% The weights: names are timm's, behind "backbone."
state = torch.load(walk / "umcc.pt", weights_only=True)
own = {name.removeprefix("backbone."): tensor for name, tensor in state.items() if name.startswith("backbone.")}
backbone = timm.create_model("test_efficientnet", num_classes=0)
backbone.load_state_dict(own)  # all of them, and no other
print(f"{len(own)} tensors are timm's; beside them {sorted(set(state) - {f'backbone.{name}' for name in own})}")
