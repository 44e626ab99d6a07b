"""Goldens of the models room, from timm and torch in float64 (the float32 errors of torch beside them).

Run from the repository root, with a checkout of huggingface/pytorch-image-models importable:
    PYTHONPATH=<checkout> python3 test/parity/models.py [cases, or `names`] [ImageNet weights of mobilenetv2_100, .pth]
All cases and the names are written if none is given; `odd-<timm's name>` is a case of any network.
Weights, pixels and noise come from an integer hash that test/parity/hash.ts repeats, so no weights are stored.
UMCC and MAG are written here again on timm's backbones.
"""
import hashlib, json, math, os, re, sys, types
from fnmatch import fnmatchcase
import numpy as np
import torch, timm
import timm.models.efficientnet, timm.models.mobilenetv3, timm.models.resnet
from timm.layers import DropPath
from timm.models._registry import _model_pretrained_cfgs
from torch import nn
from torch.nn import functional as F

OUT = os.path.join(os.path.dirname(__file__), "goldens", "models")
VERSIONS = {"torch": torch.__version__, "timm": timm.__version__, "numpy": np.__version__}


def fnv1a(text):
    h = 0x811C9DC5
    for byte in text.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return h


def symmetric(name, count):
    """`count` numbers in [-1, 1) that depend on the name only (murmur3's finaliser over a Weyl sequence)."""
    x = (np.uint64(fnv1a(name)) + np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B9)) & np.uint64(0xFFFFFFFF)
    mask = np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(16)
    x = (x * np.uint64(0x85EBCA6B)) & mask
    x ^= x >> np.uint64(13)
    x = (x * np.uint64(0xC2B2AE35)) & mask
    x ^= x >> np.uint64(16)
    return 2 * (x.astype(np.float64) / 4294967296.0) - 1


def weight(name, shape):
    r = symmetric(name, int(np.prod(shape)))
    if name.endswith("running_var"):
        v = 1 + 0.5 * r
    elif name.endswith("running_mean"):
        v = 0.2 * r
    elif name.endswith("bias"):
        v = 0.1 * r
    elif len(shape) == 1:
        v = 1 + 0.2 * r
    else:
        v = math.sqrt(6 / np.prod(shape[1:])) * r
    return v.astype(np.float32).reshape(shape)


def pixels(name, n, size):
    blocks = (size + 7) // 8
    coarse = symmetric(name + "/coarse", n * 3 * blocks * blocks).reshape(n, 3, blocks, blocks)
    coarse = coarse.repeat(8, axis=2).repeat(8, axis=3)[:, :, :size, :size]
    fine = symmetric(name + "/fine", n * 3 * size * size).reshape(n, 3, size, size)
    return (0.75 * coarse + 0.25 * fine).astype(np.float32)


def noise(name, shape, keep):
    mask = (symmetric("noise/" + name, int(np.prod(shape))) + 1) / 2 < keep
    return np.where(mask,  1 / keep, 0).astype(np.float32).reshape(shape)


class Umcc(nn.Module):
    def __init__(self, backbone, flag):
        super().__init__()
        self.backbone, self.flag = backbone, flag
        self.classifier = nn.Linear(backbone.head_hidden_size + (2 if flag else 0), 1)

    def forward(self, x, flag):
        features = self.backbone(x)
        if self.flag:
            features = torch.cat([features, flag], 1)
        return self.classifier(features)[:, 0], None


class Mag(nn.Module):
    def __init__(self, backbone, gating):
        super().__init__()
        d = backbone.head_hidden_size
        self.backbone, self.gating = backbone, gating
        self.gate = nn.Sequential(nn.Linear(d, 64), nn.ReLU(), nn.Linear(64, 2))
        self.hand_head, self.face_head = nn.Linear(d, 1), nn.Linear(d, 1)

    def forward(self, x, flag):
        features = self.backbone(x)
        scores = self.gate(features)
        heads = torch.cat([self.hand_head(features), self.face_head(features)], 1)
        gate = scores.softmax(1) if self.gating == "soft" else F.one_hot(scores.argmax(1), 2).to(heads)
        return (gate * heads).sum(1), scores


def build(case, dtype):
    options = {
        k: v
        for k, v in [
            ("pad_type", {"same": "same", "symmetric": ""}.get(case.get("padding"))),
            ("drop_rate", case.get("dropRate", 0.0)),
            ("drop_path_rate", case.get("dropPathRate", 0.0)),
            ("global_pool", case.get("globalPool")),
            # Transformers take other sizes than 224 px only if asked to.
            ("dynamic_img_size", True if "_patch16_" in case["backbone"] and case["size"] != 224 else None),
        ]
        if v is not None
    }
    backbone = timm.create_model(case["backbone"], num_classes=0, **options)
    model = Umcc(backbone, case["flag"]) if case["arch"] == "umcc" else Mag(backbone, case["gating"])
    state = {
        k: torch.zeros((), dtype=torch.int64) if k.endswith("num_batches_tracked") else torch.tensor(weight(k, tuple(v.shape)))
        for k, v in model.state_dict().items()
    }
    for k, digits in case.get("shifts", {}).items():
        steps = np.array([int(d, 16) for d in digits]) * STEP
        state[k] = torch.tensor((0.1 * symmetric(k, len(digits)) + steps).astype(np.float32))
    model.load_state_dict(state)
    model.to(dtype)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = case.get("bnMomentum", module.momentum)
    # Noise of dropout and stochastic depth from the hash in place of torch's generator.
    n = case["n"]
    for name, module in model.named_modules():
        if isinstance(module, DropPath):
            factor = torch.tensor(noise(name, (n,), 1 - module.drop_prob)).to(dtype)
            module.forward = lambda x, m=module, f=factor: (
                x * f.reshape([n] + [1] * (x.dim() - 1)) if m.training else x
            )
        elif isinstance(module, nn.Dropout) and module.p > 0:
            module.forward = lambda x, m=module: dropout(x, m.p, m.training)

    def dropout(x, p, training):
        return x * torch.tensor(noise("backbone.drop", tuple(x.shape), 1 - p)).to(dtype) if training else x

    for module in (timm.models.efficientnet, timm.models.mobilenetv3, timm.models.resnet):
        module.F = types.SimpleNamespace(dropout=dropout)
    return model


def frozen(case, name):
    return any((name + ".").startswith("backbone." + p + ".") for p in case.get("frozen", []))


def evaluate(case, dtype):
    """One training pass: logits, loss, gradients, running statistics after it; then logits in evaluation."""
    model = build(case, dtype)
    x = torch.tensor(pixels("pixels", case["n"], case["size"])).to(dtype)
    flag = torch.tensor(case["flags"]).to(dtype)
    labels = torch.tensor(case["labels"]).to(dtype)
    model.train()
    for name, module in model.named_modules():
        if isinstance(module, nn.BatchNorm2d) and frozen(case, name):
            module.eval()
    for name, p in model.named_parameters():
        p.requires_grad_(not frozen(case, name))
    logits, scores = model(x, flag)
    out = {"logits": logits}
    grads = {}
    if not case.get("forwardOnly"):
        loss = loss_of(case, logits, scores, labels, flag)
        loss.backward()
        out["loss"] = loss.reshape(1)
        grads = {k: p.grad for k, p in model.named_parameters() if p.requires_grad}
    if scores is not None:
        out["gateLogits"] = scores.flatten()
    stats = {} if case.get("forwardOnly") else {k: v for k, v in model.state_dict().items() if "running" in k}
    model.eval()
    with torch.no_grad():
        out["evalLogits"] = model(x, flag)[0]
    return out, grads, stats


def steer(case):
    """Shifts biases of norms before activations with kinks so that no value of the training pass lies on a kink.

    Otherwise a value that rounds to the other side of one changes gradients by up to 30 % in any float32
    implementation, torch's too. Returns one hex digit a channel and layer: the bias grows by digit times STEP.
    """
    model = build(case, torch.float64)
    shifts = {}

    def choose(norm, act, values):
        candidates = torch.arange(16, dtype=torch.float64) * STEP
        margins = []
        for shift in candidates:
            v = values + shift
            margins.append(torch.stack([(v - kink).abs() for kink in KINKS[type(act)]]).amin((0, 1, 3, 4)))
        best = torch.stack(margins).argmax(0)
        shifts[norm + ".bias"] = "".join("%x" % k for k in best.tolist())
        return values + candidates[best].reshape(1, -1, 1, 1)

    def normed(name, m, x):
        values = F.batch_norm(x[0], None, None, m.weight, m.bias, True, 0, m.eps)
        return m.act(choose(name, m.act, values))

    modules = dict(model.named_modules())
    for name, module in modules.items():
        norm = re.sub(r"act(\d)$", r"bn\1", name)
        if type(getattr(module, "act", None)) in KINKS:
            module.register_forward_hook(lambda m, x, y, n=name: normed(n, m, x))
        elif type(module) in KINKS and norm != name and norm in modules:
            # A shortcut may have been added to the norm's output: a shift of the norm shifts the sum alike.
            module.register_forward_pre_hook(lambda m, x, n=norm: choose(n, m, x[0]))
    model.train()
    with torch.no_grad():
        model(torch.tensor(pixels("pixels", case["n"], case["size"])).double(), torch.tensor(case["flags"]).double())
    return shifts


STEP = 0.02
KINKS = {nn.ReLU: [0], nn.ReLU6: [0, 6], nn.Hardswish: [-3, 3]}


def loss_of(case, logits, scores, labels, flag):
    if case["loss"] == "f":
        bce = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
        loss = ((1 - torch.exp(-bce)) ** 2 * bce).mean()
    else:
        pos = torch.tensor(case.get("posWeight", 1.0)).to(logits)
        loss = F.binary_cross_entropy_with_logits(logits, labels, pos_weight=pos)
    return loss if scores is None else loss + 0.3 * F.cross_entropy(scores, flag.argmax(1))


def number(v, digits=8):
    return float(f"%.{digits}g" % v)


def summary(name, tensor, samples):
    """[largest magnitude, sum of squares, product with the hash of the name, then index and value in turn]."""
    v = tensor.detach().double().numpy().ravel()
    if samples == 0:  # short, for the many: enough for gradients within 1e-3
        return [number(x, 6) for x in (np.abs(v).max(), (v * v).sum(), (v * symmetric("probe/" + name, v.size)).sum())]
    at = sorted({int(np.abs(v).argmax()), *(int((s + 1) / 2 * v.size) for s in symmetric("at/" + name, samples - 1))})
    probe = symmetric("probe/" + name, v.size)
    return [number(np.abs(v).max()), number((v * v).sum()), number((v * probe).sum())] + [
        y for i in at for y in (i, number(v[i]))
    ]


def worst(a, b):
    """Largest difference relative to each tensor's maximum; tensors that are zero but for noise are left out."""
    top = max((v.abs().max().item() for v in a.values()), default=0)
    pairs = [(((a[k] - b[k].double()).abs().max() / a[k].abs().max()).item(), k) for k in a if a[k].abs().max() > 1e-9 * top]
    return max(pairs, default=(0, ""))


def golden(case):
    if case.pop("steer", False):
        case = {**case, "shifts": steer(case)}
    out, grads, stats = evaluate(case, torch.float64)
    out32, grads32, stats32 = evaluate(case, torch.float32)
    k = case.get("samples", 4)
    return {
        "case": case,
        "outputs": {name: [number(v) for v in t.detach().tolist()] for name, t in out.items()},
        "grads": {name: summary(name, t, k) for name, t in grads.items()},
        "stats": {name: summary(name, t, k) for name, t in stats.items()},
        "torchFloat32": {
            "outputs": worst({k: v.detach() for k, v in out.items()}, out32),
            "grads": worst(grads, grads32),
            "stats": worst(stats, stats32),
        },
    }


NORMED = {"bnMomentum": 1.0}
KINKED = {**NORMED, "steer": True}
# Of every other network all gradients are taken at an odd size (transformers: at one that is not theirs): the size and
# what else the pass needs, by the first pattern that fits timm's name.
ODD = [
    # At 65 px the largest network's logits nearly cancel: torch's own float32 is off by 1e-4 there.
    ("tf_efficientnet_lite4", 81, KINKED),
    ("*efficientnet_lite*", 65, KINKED),
    ("*efficientnet*", 65, NORMED),
    ("mobilenet*", 65, KINKED),
    ("resnet*", 65, KINKED),
    ("convnext_*", 65, {}),
    ("*_patch16_224", 80, {}),
]
FLAGS = [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]
LABELS = [1.0, 0.0, 1.0, 0.0]
COMMON = {"n": 4, "flags": FLAGS, "labels": LABELS}
UMCC1 = {**COMMON, "arch": "umcc", "flag": True}
CASES = {
    "tiny-umcc": {**UMCC1, "backbone": "test_efficientnet", "size": 65, "loss": "w", "posWeight": 1.75, "dropRate": 0.2, "samples": 16},
    "tiny-umcc-same": {**UMCC1, "backbone": "test_efficientnet", "size": 70, "loss": "b", "flag": False, "padding": "same"},
    "tiny-mag-soft": {**COMMON, "arch": "mag", "gating": "soft", "backbone": "test_efficientnet", "size": 64, "loss": "b"},
    "tiny-mag-hard": {**COMMON, "arch": "mag", "gating": "hard", "backbone": "test_efficientnet", "size": 64, "loss": "f"},
    "tiny-frozen": {**UMCC1, "backbone": "test_efficientnet", "size": 64, "loss": "b", "frozen": ["conv_stem", "bn1", "blocks.0", "blocks.1", "blocks.2"]},
    "mobilenetv2_100": {**UMCC1, "backbone": "mobilenetv2_100", "size": 96, "loss": "f", "flag": False, "dropPathRate": 0.2, "bnMomentum": 1.0, "steer": True},
    "tf_efficientnetv2_s": {**UMCC1, "backbone": "tf_efficientnetv2_s", "size": 72, "loss": "b", "bnMomentum": 1.0, "samples": 3},
    **{
        f"forward-{name}": {**UMCC1, "backbone": name, "size": 128, "loss": "b", "forwardOnly": True, "bnMomentum": 1.0}
        for name in ["tf_efficientnet_b0", "efficientnet_b2", "tf_efficientnet_lite0", "tf_efficientnetv2_b1", "mobilenetv2_140"]
    },
    "resnet18": {**UMCC1, "backbone": "resnet18", "size": 65, "loss": "b", "bnMomentum": 1.0, "dropRate": 0.2, "samples": 3, "steer": True},
    "mobilenetv3_small_050": {**UMCC1, "backbone": "mobilenetv3_small_050", "size": 81, "loss": "b", "bnMomentum": 1.0, "dropRate": 0.2, "dropPathRate": 0.2, "samples": 3, "steer": True},
    "forward-mobilenetv3_small_100": {**UMCC1, "backbone": "mobilenetv3_small_100", "size": 128, "loss": "b", "forwardOnly": True, "bnMomentum": 1.0},
    "forward-mobilenetv3_large_100": {**UMCC1, "backbone": "mobilenetv3_large_100", "size": 128, "loss": "b", "forwardOnly": True, "bnMomentum": 1.0},
    "convnext_atto": {**UMCC1, "backbone": "convnext_atto", "size": 71, "loss": "b", "dropRate": 0.2, "dropPathRate": 0.2, "samples": 3},
    "forward-convnext_nano": {**UMCC1, "backbone": "convnext_nano", "size": 64, "loss": "b", "forwardOnly": True},
    "forward-convnext_tiny": {**UMCC1, "backbone": "convnext_tiny", "size": 64, "loss": "b", "forwardOnly": True},
    "vit_tiny_patch16_224": {**UMCC1, "backbone": "vit_tiny_patch16_224", "size": 80, "loss": "b", "dropRate": 0.2, "dropPathRate": 0.2, "samples": 3},
    # Pooled as upstream's create_model(name, num_classes=0, global_pool="avg").
    "avg-vit_tiny_patch16_224": {**UMCC1, "backbone": "vit_tiny_patch16_224", "size": 80, "loss": "b", "dropRate": 0.2, "dropPathRate": 0.2, "samples": 3, "globalPool": "avg"},
    **{
        f"avg-{name}": {**UMCC1, "n": 2, "flags": FLAGS[:2], "labels": LABELS[:2], "backbone": name, "size": 80, "loss": "b", "samples": 0, "globalPool": "avg"}
        for name in ["vit_small_patch16_224", "deit_small_patch16_224"]
    },
    "forward-vit_small_patch16_224": {**UMCC1, "backbone": "vit_small_patch16_224", "size": 224, "loss": "b", "forwardOnly": True},
    "forward-deit_small_patch16_224": {**UMCC1, "backbone": "deit_small_patch16_224", "size": 240, "loss": "b", "forwardOnly": True},
    "forward-resnet34": {**UMCC1, "backbone": "resnet34", "size": 64, "loss": "b", "forwardOnly": True, "bnMomentum": 1.0, "dropPathRate": 0.2},
    "forward-resnet50": {**UMCC1, "backbone": "resnet50", "size": 128, "loss": "b", "forwardOnly": True, "bnMomentum": 1.0},
    # One network of each family at the size that most weights are made for: two images, as float64 takes its time.
    **{
        f"224-{name}": {**UMCC1, "n": 2, "flags": FLAGS[:2], "labels": LABELS[:2], "backbone": name, "size": 224, "loss": "b", "samples": 3, **more}
        for name, more in [
            ("tf_efficientnetv2_b0", {"bnMomentum": 1.0}),
            *((name, {"bnMomentum": 1.0, "steer": True}) for name in ["mobilenetv2_050", "resnet18", "mobilenetv3_small_050"]),
            ("convnext_atto", {}),
            ("vit_tiny_patch16_224", {}),
        ]
    },
}
# Networks whose gradients are a case of its own above; the others' facts stand in their odd goldens.
OWN = sorted({case["backbone"] for name, case in CASES.items() if name == case["backbone"]} | {"test_efficientnet"})


def odd(name):
    """The case `odd-<network>`; it is there once its golden is."""
    backbone = name.removeprefix("odd-")
    size, more = next((size, more) for pattern, size, more in ODD if fnmatchcase(backbone, pattern))
    return {**UMCC1, "backbone": backbone, "size": size, "loss": "b", "samples": 0, **more}


def network(name):
    """timm's account of a network: its features, its parameters' names and shapes as one hash, its weights' pixel recipes."""
    listed = {"test_efficientnet", "mobilenetv2_100", "tf_efficientnetv2_s"}
    model = timm.create_model(name, num_classes=0)
    rows = [[k, list(v.shape)] for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")]
    text = "".join(f"{k} {'x'.join(map(str, s))}\n" for k, s in rows)
    cfgs = {k.split(".")[1]: c for k, c in _model_pretrained_cfgs.items() if k.startswith(name + ".")}
    return {
        "timm": timm.__version__,
        "features": model.head_hidden_size,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "tensors": len(rows),
        **({"bn": [model.bn1.eps, model.bn1.momentum]} if hasattr(model, "bn1") else {}),
        "pretrained": {
            t: {"mean": c.mean, "std": c.std, "interpolation": c.interpolation, "sizePx": c.input_size[1]}
            for t, c in cfgs.items()
            if t != "untrained"
        },
        **({"names": rows} if name in listed else {}),
    }


def write(name, value):
    with open(os.path.join(OUT, name + ".json"), "w") as f:
        json.dump({"generator": "test/parity/models.py", "versions": VERSIONS, **value}, f, separators=(",", ":"))
        f.write("\n")


def imagenet(path):
    """Features of real weights on the hash's pixels; 'same' padding, as those weights were trained with."""
    model = timm.create_model("mobilenetv2_100", num_classes=0, pad_type="same").double().eval()
    state = {k: v for k, v in torch.load(path).items() if not k.startswith("classifier.")}
    model.load_state_dict({k: v.double() if v.is_floating_point() else v for k, v in state.items()})
    with torch.no_grad():
        features = model(torch.tensor(pixels("pixels", 2, 96)).double())
    with open(path, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    return {"weights": digest, "n": 2, "size": 96, "features": summary("features", features, 24)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    os.makedirs(OUT, exist_ok=True)
    there = {name.removesuffix(".json") for name in os.listdir(OUT) if name.startswith("odd-")}
    asked = {name for name in sys.argv[1:] if name in CASES or name == "names" or name.startswith("odd-")}
    for name in sorted(there | {name for name in asked if name.startswith("odd-")}):
        CASES[name] = odd(name)
    if not asked or "names" in asked:
        write("names", {"backbones": {name: network(name) for name in OWN}})
    for name, case in CASES.items():
        if asked and name not in asked:
            continue
        result = golden(case)
        if name.startswith("odd-"):
            result["network"] = network(case["backbone"])
        write(name, result)
        print(name, result["torchFloat32"])
    for path in set(sys.argv[1:]) - asked:
        write("imagenet", imagenet(path))
