"""Goldens of converted checkpoints: what upstream's own modules say of a JPEG; and a check of what we write for them.

With checkouts of huggingface/pytorch-image-models and of PatternBiometrics/UnifiedGenderNet:
    export PYTHONPATH=<timm checkout>:<upstream checkout>/src
    python3 test/parity/checkpoints.py                   # writes goldens/models/checkpoints.json
    python3 test/parity/checkpoints.py FILE.pt CASE      # loads FILE strictly and prints its probabilities
Weights come from an integer hash that test/parity/hash.ts repeats. Exit code 77: a module is not installed.
"""
import base64, io, json, os, sys

try:
    import numpy as np
    import torch, timm, PIL
    from PIL import Image
    make = timm.create_model
    # Upstream asks for pretrained weights, which the state dict then replaces: nothing is fetched here.
    timm.create_model = lambda *args, pretrained=False, **options: make(*args, **options)
    from ugnet.models.mag import MAG
    from ugnet.models.umcc import UMCC
except ImportError as missing:
    print(missing, file=sys.stderr)
    sys.exit(77)

BACKBONE, SIZE = "test_efficientnet", 64
CASES = {
    "umcc-F1": lambda: UMCC(BACKBONE, flag_on=True),
    "umcc-F0": lambda: UMCC(BACKBONE, flag_on=False),
    "mag-soft": lambda: MAG(BACKBONE, gating="soft"),
    "mag-hard": lambda: MAG(BACKBONE, gating="hard"),
}
OUT = os.path.join(os.path.dirname(__file__), "goldens", "models", "checkpoints.json")


def picture():
    """Waves of colour, no face and no hand; 97 x 80 px, subsampled chroma."""
    y, x = np.mgrid[0:80, 0:97]
    rgb = [x * 255 / 97, y * 255 / 80, 128 + 100 * np.sin(x / 5.0) * np.cos(y / 3.0)]
    image = Image.fromarray(np.clip(np.stack(rgb, -1), 0, 255).astype(np.uint8), "RGB")
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", subsampling=2, quality=85)
    return buffer.getvalue()


def probabilities(model, jpeg):
    """Upstream's preprocessing: bilinear resize to a square, pixels from 0 to 1."""
    image = Image.open(io.BytesIO(jpeg)).convert("RGB").resize((SIZE, SIZE), Image.BILINEAR)
    x = torch.tensor(np.asarray(image).transpose(2, 0, 1)[None].astype(np.float32) / 255)
    say = (lambda m: model.infer(x, m)) if isinstance(model, UMCC) else (lambda m: model.infer(x))
    model.eval()
    return {m: say(m).item() for m in ("hand", "face")}


def main():
    torch.set_num_threads(1)
    if len(sys.argv) == 3:
        model = CASES[sys.argv[2]]()
        model.load_state_dict(torch.load(sys.argv[1], map_location="cpu"), strict=True)
        print(json.dumps(probabilities(model, picture())))
        return
    from models import weight
    jpeg, cases = picture(), {}
    for name, build in CASES.items():
        model = build()
        state = {
            k: torch.zeros((), dtype=torch.int64) if k.endswith("tracked") else torch.tensor(weight(k, tuple(v.shape)))
            for k, v in model.state_dict().items()
        }
        model.load_state_dict(state, strict=True)
        cases[name] = probabilities(model, jpeg)
    versions = {"torch": torch.__version__, "timm": timm.__version__, "pillow": PIL.__version__, "upstream": "8ad61c5"}
    with open(OUT, "w") as f:
        json.dump({"versions": versions, "size": SIZE, "jpeg": base64.b64encode(jpeg).decode(), "cases": cases}, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
