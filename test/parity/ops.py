"""Goldens of src/engine: forward and backward values of every semantic operation from PyTorch.

Everything is computed in float64 from inputs that are exact in float32, and printed with nine digits.
Inputs come from the formula `wave`, which test/parity/op-cases.ts repeats, so only results are stored.
Gradients are those of sum(output * projection), the projection being the input `p`.
Run: python3 test/parity/ops.py   (writes test/parity/goldens/ops.json)
"""
import json
import pathlib
import platform

import numpy as np
import torch
import torch.nn.functional as F

CASES = []


def wave(size, seed):
    """256 evenly spread values in (-1, 1), odd multiples of 1/256, by an integer hash of the index."""
    h = (np.arange(size, dtype=np.uint64) * 0x9E3779B1 + seed * 0x85EBCA6B) & 0xFFFFFFFF
    h ^= h >> np.uint64(15)
    h = (h * np.uint64(0x2C1B3C6D)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(12)
    return ((h >> np.uint64(24)).astype(np.float64) + 0.5) / 128 - 1


def spec(shape, seed, scale=1.0, offset=0.0):
    return {"shape": list(shape), "seed": seed, "scale": scale, "offset": offset}


def values(shape, data):
    return {"shape": list(shape), "values": data}


def make(s):
    size = int(np.prod(s["shape"])) if s["shape"] else 1
    data = np.asarray(s["values"], np.float64) if "values" in s else wave(size, s["seed"]) * s["scale"] + s["offset"]
    exact = data.astype(np.float32).astype(np.float64)
    return torch.tensor(exact.reshape(s["shape"]), dtype=torch.float64)


def numbers(t):
    return [float(f"{v:.9g}") for v in t.detach().reshape(-1).tolist()]


def tensor(t):
    return {"shape": list(t.shape), "data": numbers(t)}


def case(op, name, inputs, f, attrs=None, grad=(), tolerance=None, smooth=True):
    """`f` maps the named inputs to one tensor or a tuple; gradients of the first towards the inputs in `grad`."""
    tensors = {k: make(s) for k, s in inputs.items()}
    for k in grad:
        tensors[k].requires_grad_(True)
    out = f(*tensors.values())
    outputs = out if isinstance(out, tuple) else (out,)
    record = {"op": op, "name": name, "inputs": inputs, "attrs": attrs or {}, "smooth": smooth,
              "outputs": [tensor(t) for t in outputs], "grads": {}}
    if tolerance is not None:
        record["tolerance"] = tolerance
    if grad:
        p = make(spec(outputs[0].shape, 99))
        record["projection"] = spec(outputs[0].shape, 99)
        if outputs[0].requires_grad:
            (outputs[0] * p).sum().backward()
        for k in grad:
            g = tensors[k].grad
            record["grads"][k] = numbers(torch.zeros_like(tensors[k]) if g is None else g)
    CASES.append(record)


def padded(x, padding):
    top, left, bottom, right = padding
    return F.pad(x, (left, right, top, bottom))


def same(length, kernel, stride):
    """TensorFlow's SAME: the odd pixel of padding goes after."""
    total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
    return total // 2, total - total // 2


def conv_cases():
    def conv(name, x, w, stride, padding, groups=1):
        attrs = {"stride": list(stride), "padding": list(padding), "groups": groups}
        f = lambda x, w: F.conv2d(padded(x, padding), w, None, tuple(stride), 0, 1, groups)
        inputs = {"x": spec(x, 1), "w": spec(w, 2)}
        case("conv2d", name, inputs, f, attrs, ("x", "w"))

        # The two backward operations alone, on a gradient that is no projection of the forward pass.
        tx, tw = make(inputs["x"]).requires_grad_(), make(inputs["w"]).requires_grad_()
        out = f(tx, tw)
        dy = spec(out.shape, 7)
        gx, gw = torch.autograd.grad(out, (tx, tw), make(dy))
        case("convInputGrad", name, {"dy": dy, "w": inputs["w"]}, lambda *_: gx,
             {**attrs, "inputSize": list(x[2:])})
        case("convWeightGrad", name, {"x": inputs["x"], "dy": dy}, lambda *_: gw,
             {**attrs, "kernel": list(w[2:])})

    conv("1x1", (2, 3, 4, 5), (4, 3, 1, 1), (1, 1), (0, 0, 0, 0))
    conv("1x1 stride 2, even", (2, 3, 4, 6), (4, 3, 1, 1), (2, 2), (0, 0, 0, 0))
    conv("1x1 stride 2, odd", (2, 3, 5, 7), (4, 3, 1, 1), (2, 2), (0, 0, 0, 0))
    conv("1x1 on a 1x1 map", (3, 5, 1, 1), (2, 5, 1, 1), (1, 1), (0, 0, 0, 0))
    conv("3x3", (2, 3, 5, 4), (4, 3, 3, 3), (1, 1), (1, 1, 1, 1))
    conv("3x3 valid", (1, 2, 5, 6), (3, 2, 3, 3), (1, 1), (0, 0, 0, 0))
    conv("3x3 stride 2, torch padding, even", (2, 3, 6, 4), (4, 3, 3, 3), (2, 2), (1, 1, 1, 1))
    conv("3x3 stride 2, torch padding, odd", (2, 3, 5, 7), (4, 3, 3, 3), (2, 2), (1, 1, 1, 1))
    for name, h, w in (("even", 6, 4), ("odd", 5, 7), ("mixed", 6, 5)):
        for k in (3, 5):
            (t, b), (l, r) = same(h, k, 2), same(w, k, 2)
            conv(f"{k}x{k} stride 2, TF same, {name}", (1, 2, h, w), (3, 2, k, k), (2, 2), (t, l, b, r))
            conv(f"depthwise {k}x{k} stride 2, TF same, {name}", (2, 3, h, w), (3, 1, k, k), (2, 2), (t, l, b, r), 3)
    conv("5x5", (1, 2, 6, 7), (3, 2, 5, 5), (1, 1), (2, 2, 2, 2))
    conv("unequal kernel, stride and padding", (1, 2, 7, 6), (3, 2, 3, 2), (2, 1), (0, 1, 2, 0))
    conv("kernel larger than the map", (1, 2, 2, 3), (2, 2, 5, 5), (1, 1), (2, 2, 2, 2))
    conv("rows never read", (1, 2, 6, 6), (3, 2, 3, 3), (2, 2), (0, 0, 0, 0))
    conv("stride larger than the kernel", (1, 2, 7, 8), (2, 2, 2, 2), (3, 3), (0, 0, 0, 0))
    for stride in (1, 2):
        for name, h, w in (("even", 6, 4), ("odd", 5, 7)):
            for k in (3, 5):
                conv(f"depthwise {k}x{k} stride {stride}, torch padding, {name}", (2, 3, h, w), (3, 1, k, k),
                     (stride, stride), (k // 2,) * 4, 3)
    conv("depthwise rows never read", (1, 2, 6, 6), (2, 1, 3, 3), (2, 2), (0, 0, 0, 0), 2)
    conv("depthwise with one channel", (2, 1, 5, 5), (1, 1, 3, 3), (1, 1), (1, 1, 1, 1), 1)


def norm_cases():
    def train(x, w, b, eps):
        y = F.batch_norm(x, None, None, w, b, True, 0.0, eps)
        axes = [a for a in range(x.dim()) if a != 1]
        return y, x.mean(axes), x.var(axes, unbiased=False)

    def bn(name, x, eps=1e-3, c=3, tolerance=None):
        inputs = {"x": x, "w": spec((c,), 3, 0.5, 1.0), "b": spec((c,), 4)}
        case("batchNorm", name, inputs, lambda x, w, b: train(x, w, b, eps), {"eps": eps}, ("x", "w", "b"), tolerance)
        tx, tw, tb = (make(inputs[k]).requires_grad_() for k in ("x", "w", "b"))
        y, mean, var = train(tx, tw, tb, eps)
        dy = spec(x["shape"], 7)
        grads = torch.autograd.grad(y, (tx, tw, tb), make(dy))
        stats = {"mean": values((c,), mean.tolist()), "variance": values((c,), var.tolist())}
        case("batchNormGrad", name, {"x": x, "dy": dy, "w": inputs["w"], **stats},
             lambda *_: grads, {"eps": eps}, (), tolerance)

    bn("plain", spec((4, 3, 3, 2), 1))
    bn("torch's eps", spec((4, 3, 3, 2), 1, 3.0, -0.5), 1e-5)
    bn("mean far from zero", spec((4, 3, 3, 2), 1, 0.125, 100.0), 1e-3, tolerance=2e-3)
    bn("variance near eps", spec((4, 3, 3, 2), 1, 0.03125), 1e-3)
    bn("1x1 map", spec((5, 3, 1, 1), 1))
    bn("on rows", spec((6, 3), 1))
    constant = values((2, 3, 2, 2), [0.75] * 24)
    bn("constant channel", constant)

    def evaluated(x, w, b, mean, variance):
        return F.batch_norm(x, mean, variance, w, b, False, 0.0, 1e-3)

    for name, shape in (("maps", (2, 3, 3, 2)), ("rows", (5, 3))):
        inputs = {"x": spec(shape, 1), "w": spec((3,), 3, 0.5, 1.0), "b": spec((3,), 4),
                  "mean": spec((3,), 5), "variance": spec((3,), 6, 0.5, 1.0)}
        case("batchNormEval", name, inputs, evaluated, {"eps": 1e-3}, ("x", "w", "b"))


def layer_cases():
    """Layer normalisation over axis 1, and max-pool."""
    def over_channels(x, w, b, eps):
        return F.layer_norm(x.movedim(1, -1), w.shape, w, b, eps).movedim(-1, 1)

    def ln(name, x, eps=1e-6, tolerance=None, smooth=True):
        c = x["shape"][1]
        inputs = {"x": x, "w": spec((c,), 3, 0.5, 1.0), "b": spec((c,), 4)}
        case("layerNorm", name, inputs, lambda x, w, b: over_channels(x, w, b, eps), {"eps": eps}, ("x", "w", "b"),
             tolerance, smooth)
        leaves = [make(inputs[k]).requires_grad_() for k in ("x", "w", "b")]
        dy = spec(x["shape"], 7)
        grads = torch.autograd.grad(over_channels(*leaves, eps), leaves, make(dy))
        case("layerNormGrad", name, {"x": x, "dy": dy, "w": inputs["w"]}, lambda *_: grads, {"eps": eps}, (), tolerance)

    ln("rows", spec((3, 8), 1))
    ln("maps", spec((2, 8, 2, 3), 1))
    ln("torch's eps", spec((4, 5), 1, 3.0, -0.5), 1e-5)
    ln("mean far from zero, rows", spec((4, 8), 1, 0.5, 100.0), tolerance=1e-3)
    ln("mean far from zero, maps", spec((2, 8, 2, 1), 1, 0.5, 100.0), tolerance=1e-3)
    ln("variance near eps", spec((4, 8), 1, 0.03125), 1e-3)
    ln("equal channels", values((2, 4, 1, 2), [0.75] * 16), smooth=False)

    def pool(name, shape, kernel, stride, padding, x=None):
        attrs = {"kernel": list(kernel), "stride": list(stride), "padding": list(padding)}
        top, left, bottom, right = padding
        f = lambda x: F.max_pool2d(F.pad(x, (left, right, top, bottom), value=-float("inf")), kernel, stride)
        # All different, so that finite differences cross no kink.
        order = np.argsort(wave(4096, 11)[: int(np.prod(shape))], kind="stable")
        given = x or values(shape, ((order - len(order) // 2) / 8).tolist())
        case("maxPool", name, {"x": given}, f, attrs, ("x",), smooth=x is None)
        t = make(given).requires_grad_()
        y = f(t)
        dy = spec(y.shape, 7)
        (g,) = torch.autograd.grad(y, t, make(dy))
        case("maxPoolGrad", name, {"x": given, "y": values(y.shape, y.reshape(-1).tolist()), "dy": dy}, lambda *_: g, attrs)

    pool("3x3 stride 2, even", (1, 2, 6, 4), (3, 3), (2, 2), (1, 1, 1, 1))
    pool("3x3 stride 2, odd", (2, 1, 5, 7), (3, 3), (2, 2), (1, 1, 1, 1))
    pool("2x2 stride 2", (1, 2, 4, 6), (2, 2), (2, 2), (0, 0, 0, 0))
    pool("3x3 stride 1", (1, 1, 4, 5), (3, 3), (1, 1), (1, 1, 1, 1))
    pool("rows never read", (1, 1, 6, 8), (3, 3), (2, 2), (0, 0, 0, 0))
    pool("stride larger than the kernel", (1, 1, 7, 8), (2, 2), (3, 3), (0, 0, 0, 0))
    pool("unequal kernel, stride and padding", (1, 2, 7, 6), (3, 2), (2, 1), (0, 1, 1, 0))
    ties = [0, 1, 1, 0, 2, 2, 2, 1, 0, 0, 0, 0, 3, 0, 0, 3, 0, 3, 1, 1, 1, 1, 1, 1, 1]
    pool("ties go to the first", (1, 1, 5, 5), (3, 3), (2, 2), (1, 1, 1, 1), values((1, 1, 5, 5), ties))


def channel_cases():
    for name, shape in (("maps", (2, 3, 4, 5)), ("rows", (4, 3))):
        column = lambda v, x: v.reshape([1, -1] + [1] * (x.dim() - 2))
        axes = tuple(a for a in range(len(shape)) if a != 1)
        x, v = spec(shape, 1), spec((3,), 2)
        case("channelScale", name, {"x": x, "v": v}, lambda x, v: x * column(v, x), grad=("x", "v"))
        case("channelBias", name, {"x": x, "v": v}, lambda x, v: x + column(v, x), grad=("x", "v"))
        case("channelSum", name, {"x": x}, lambda x: x.sum(axes))
        case("channelDot", name, {"x": x, "y": spec(shape, 2)}, lambda x, y: (x * y).sum(axes))
    maps = (2, 3, 4, 5)
    case("globalAveragePool", "maps", {"x": spec(maps, 1)}, lambda x: x.mean((2, 3)), grad=("x",))
    case("globalAveragePool", "1x1 map", {"x": spec((2, 3, 1, 1), 1)}, lambda x: x.mean((2, 3)), grad=("x",))
    case("spatialBroadcast", "maps", {"x": spec((2, 3), 1)},
         lambda x: x[:, :, None, None].expand(2, 3, 4, 5), {"size": [4, 5]}, ("x",))
    case("gateChannels", "maps", {"x": spec(maps, 1), "gate": spec((2, 3), 2)},
         lambda x, gate: x * gate[:, :, None, None], grad=("x", "gate"))
    case("spatialDot", "maps", {"x": spec(maps, 1), "y": spec(maps, 2)}, lambda x, y: (x * y).sum((2, 3)))
    for name, shape in (("maps", maps), ("rows", (4, 3)), ("vector", (4,))):
        case("scaleSamples", name, {"x": spec(shape, 1), "factors": spec(shape[:1], 2)},
             lambda x, factors: x * factors.reshape([-1] + [1] * (x.dim() - 1)), grad=("x",))


ACTIVATIONS = {
    "relu": F.relu, "relu6": F.relu6, "silu": F.silu, "sigmoid": torch.sigmoid, "hardSwish": F.hardswish,
    "hardSigmoid": F.hardsigmoid, "softplus": lambda x: F.softplus(x, threshold=1e9), "tanh": torch.tanh, "gelu": F.gelu,
}


def elementwise_cases():
    extreme = [-1e4, -200.0, -90.0, -20.0, 0.0, 20.0, 90.0, 200.0, 1e4]
    for kind, f in ACTIVATIONS.items():
        if kind == "softplus":  # torch's own overflows in its derivative at 1e4
            f = lambda x: torch.logaddexp(x, torch.zeros_like(x))
        # torch 1.13 takes the inner slope of hardswish at its kinks, later ones the outer, as we do.
        kinks = [0.0] if kind == "hardSwish" else [-3.0, 0.0, 3.0, 6.0]
        for name, x, smooth in ((kind, spec((2, 3, 4, 5), 1, 8.0), True), (f"{kind}, rows", spec((5, 3), 2, 8.0), True),
                                (f"{kind}, extreme", values((9,), extreme), False),
                                (f"{kind}, kinks", values((len(kinks),), kinks), False)):
            case("activation", name, {"x": x}, f, {"kind": kind}, ("x",), smooth=smooth)
            t = make(x).requires_grad_()
            dy = spec(x["shape"], 7)
            (g,) = torch.autograd.grad(f(t), t, make(dy))
            case("activationGrad", name, {"x": x, "dy": dy}, lambda *_: g, {"kind": kind})
    case("exp", "exp", {"x": spec((3, 4), 1, 4.0)}, torch.exp, grad=("x",), tolerance=1e-5)
    case("sqrt", "sqrt", {"x": spec((3, 4), 1, 2.0, 2.5)}, torch.sqrt, grad=("x",))
    binary = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div}
    for op, f in binary.items():
        shape, far = (2, 3, 4), (0.5, 1.5)
        for name, a, b in (("equal shapes", shape, shape), ("scalar on the left", (), shape),
                           ("scalar on the right", shape, ()), ("two scalars", (), ()), ("vectors", (7,), (7,))):
            case(op, name, {"a": spec(a, 1), "b": spec(b, 2, *far)}, f, grad=("a", "b"))
    for name, a, b in (("equal shapes", (2, 3), (2, 3)), ("scalar", (2, 3), ())):
        case("minimum", name, {"a": spec(a, 1), "b": spec(b, 2)}, torch.minimum)


def matrix_cases():
    for ta in (False, True):
        for tb in (False, True):
            a, b = ((4, 3) if ta else (3, 4)), ((5, 4) if tb else (4, 5))
            f = lambda a, b: (a.T if ta else a) @ (b.T if tb else b)
            name = f"{'A transposed' if ta else 'A'}, {'B transposed' if tb else 'B'}"
            case("matmul", name, {"a": spec(a, 1), "b": spec(b, 2)}, f, {"transA": ta, "transB": tb}, ("a", "b"))
            batched = {"a": spec((2, 1, *a), 1), "b": spec((2, 1, *b), 2)}
            f = lambda a, b: (a.mT if ta else a) @ (b.mT if tb else b)
            case("matmul", f"batched, {name}", batched, f, {"transA": ta, "transB": tb}, ("a", "b"))
    case("matmul", "one row, one column", {"a": spec((1, 6), 1), "b": spec((6, 1), 2)}, torch.matmul,
         {"transA": False, "transB": False}, ("a", "b"))
    for name, x, smooth in (("rows", spec((4, 5), 1, 3.0), True), ("vector", spec((5,), 1), True),
                            ("three axes", spec((2, 3, 4), 1), True),
                            ("extreme", values((2, 3), [1e4, 0.0, -1e4, 500.0, 501.0, 499.0]), False)):
        case("softmax", name, {"x": x}, lambda x: torch.softmax(x, -1), grad=("x",), smooth=smooth)
        case("logSoftmax", name, {"x": x}, lambda x: torch.log_softmax(x, -1), grad=("x",), smooth=smooth)
    first = lambda x: F.one_hot(torch.tensor(np.argmax(x.detach().numpy(), -1)), x.shape[-1]).double()
    case("oneHotMax", "rows", {"x": spec((4, 5), 1)}, first, grad=("x",), smooth=False)
    case("oneHotMax", "ties go to the first", {"x": values((2, 3), [1, 1, 0, 0, 2, 2])}, first, smooth=False)
    case("sumLast", "rows", {"x": spec((4, 5), 1)}, lambda x: x.sum(-1), grad=("x",))
    case("sumLast", "vector", {"x": spec((5,), 1)}, lambda x: x.sum(-1), grad=("x",))
    case("expandLast", "vector", {"x": spec((4,), 1)}, lambda x: x[..., None].expand(4, 5), {"size": 5}, ("x",))
    case("expandLast", "rows", {"x": spec((2, 3), 1)}, lambda x: x[..., None].expand(2, 3, 4), {"size": 4}, ("x",))
    for name, shape in (("maps", (2, 3, 2, 2)), ("vector", (7,)), ("scalar", ())):
        case("sumAll", name, {"x": spec(shape, 1)}, torch.sum, grad=("x",))
    case("broadcastScalar", "maps", {"x": spec((), 1)}, lambda x: x.expand(2, 3, 2, 2), {"shape": [2, 3, 2, 2]}, ("x",))
    case("broadcastScalar", "scalar", {"x": spec((), 1)}, lambda x: x * 1, {"shape": []}, ("x",))


def shape_cases():
    x = spec((2, 3, 4), 1)
    for shape in ((6, 4), (24,), (2, 1, 12)):
        case("reshape", f"to {len(shape)} axes", {"x": x}, lambda x: x.reshape(shape), {"shape": list(shape)}, ("x",))
    case("reshape", "one element to a scalar", {"x": spec((1, 1), 1)}, lambda x: x.reshape(()), {"shape": []}, ("x",))
    for perm in ((1, 0, 2), (2, 0, 1), (1, 2, 0)):
        case("transpose", str(perm), {"x": x}, lambda x: x.permute(perm), {"perm": list(perm)}, ("x",))
    for axis in (0, 1, 2):
        b = [2, 3, 4]
        b[axis] = 5
        case("concat", f"axis {axis}", {"a": x, "b": spec(b, 2), "c": spec((2, 3, 4), 3)},
             lambda a, b, c: torch.cat((a, b, c), axis), {"axis": axis}, ("a", "b", "c"))
        case("slice", f"axis {axis}", {"x": x}, lambda x: x.narrow(axis, 1, 1), {"axis": axis, "start": 1, "end": 2}, ("x",))
        widths = [0] * 6
        widths[2 * (2 - axis):2 * (2 - axis) + 2] = (1, 2)
        case("pad", f"axis {axis}", {"x": x}, lambda x: F.pad(x, widths), {"axis": axis, "before": 1, "after": 2}, ("x",))
    case("slice", "to the end", {"x": spec((7,), 1)}, lambda x: x[3:], {"axis": 0, "start": 3, "end": 7}, ("x",))
    case("slice", "from the start", {"x": spec((7,), 1)}, lambda x: x[:3], {"axis": 0, "start": 0, "end": 3}, ("x",))
    case("pad", "before only", {"x": spec((3,), 1)}, lambda x: F.pad(x, (2, 0)), {"axis": 0, "before": 2, "after": 0}, ("x",))


def source_cases():
    case("input", "passed through", {"x": spec((2, 3), 1)}, lambda x: x * 1, grad=("x",))
    data = [0.5, -2.0, 3.25, 1e-8, -1e8, 0.0]
    case("constant", "vector", {}, lambda: torch.tensor(data, dtype=torch.float64), {"data": data, "shape": [6]})
    case("constant", "scalar", {}, lambda: torch.tensor(0.1, dtype=torch.float64), {"data": [0.1], "shape": []})
    pixels = [(37 * i) % 256 for i in range(2 * 3 * 2 * 3)]
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    column = lambda v: torch.tensor(v, dtype=torch.float64).reshape(1, 3, 1, 1)
    image = {"shape": [2, 3, 2, 3], "values": pixels, "dtype": "uint8"}
    case("imageToTensor", "ImageNet's", {"image": image},
         lambda image: (image.permute(0, 3, 1, 2) / 255 - column(mean)) / column(std), {"mean": mean, "std": std})


def loss_cases():
    """Losses as the models compose them; `op` is a name of COMPOSED in op-cases.ts."""
    z, y = spec((6,), 1, 4.0), values((6,), [0, 1, 1, 0, 1, 0])
    case("bce", "mean", {"z": z, "y": y}, F.binary_cross_entropy_with_logits, grad=("z",))
    sample = spec((6,), 3, 0.5, 1.0)
    case("bceWeighted", "by sample", {"z": z, "y": y, "weight": sample},
         lambda z, y, weight: F.binary_cross_entropy_with_logits(z, y, weight), grad=("z",))

    def focal(z, y):
        ce = F.binary_cross_entropy_with_logits(z, y, reduction="none")
        return ((1 - torch.exp(-ce)) ** 2 * ce).mean()

    case("focal", "gamma 2", {"z": z, "y": y}, focal, grad=("z",))
    rows, classes = spec((4, 3), 1, 3.0), torch.tensor([2, 0, 1, 1])
    hot = values((4, 3), F.one_hot(classes, 3).reshape(-1).tolist())
    case("crossEntropy", "rows", {"z": rows, "hot": hot}, lambda z, hot: F.cross_entropy(z, classes), grad=("z",))
    se = {"x": spec((2, 4, 3, 5), 1), "reduce": spec((2, 4), 2), "reduceBias": spec((2,), 3),
          "expand": spec((4, 2), 4), "expandBias": spec((4,), 5)}
    case("squeezeExcite", "as timm's", se,
         lambda x, reduce, reduceBias, expand, expandBias: x * torch.sigmoid(
             F.linear(F.silu(F.linear(x.mean((2, 3)), reduce, reduceBias)), expand, expandBias))[:, :, None, None],
         grad=tuple(se))

    def residual(x, w1, g1, b1, w2):
        y = F.silu(F.batch_norm(F.conv2d(x, w1), None, None, g1, b1, True, 0.0, 1e-3))
        return x + F.conv2d(y, w2)

    inputs = {"x": spec((3, 2, 4, 3), 1), "w1": spec((5, 2, 1, 1), 2), "g1": spec((5,), 3, 0.5, 1.0), "b1": spec((5,), 4),
              "w2": spec((2, 5, 1, 1), 5)}
    case("residual", "a value used twice", inputs, residual, grad=tuple(inputs), tolerance=1e-4)


def optimizer_cases():
    """One step of torch's own optimizers from a given state."""
    n, lr, decay, scale = 7, 0.01, 0.1, 0.5
    state = {"param": spec((n,), 1), "grad": spec((n,), 2)}
    scalars = {"gradScale": values((), [scale]), "lr": values((), [lr]), "decay": values((), [decay])}

    def stepped(optimizer, param, grad, gradScale, before):
        leaf = param.clone().requires_grad_()
        leaf.grad = grad * gradScale
        o = optimizer(leaf)
        o.state[leaf] = before
        o.step()
        return leaf.detach(), o.state[leaf]

    b1, b2, eps, t = 0.9, 0.999, 1e-8, 4
    moments = {"m": spec((n,), 3, 0.1), "v": spec((n,), 4, 0.01, 0.02)}
    corrections = {"correction1": values((), [1 - b1**t]), "correction2": values((), [(1 - b2**t) ** 0.5])}

    def adamw(param, grad, m, v, gradScale, lr, decay, *_):
        make = lambda p: torch.optim.AdamW([p], lr.item(), (b1, b2), eps, decay.item())
        before = {"step": torch.tensor(t - 1.0), "exp_avg": m.clone(), "exp_avg_sq": v.clone()}
        p, s = stepped(make, param, grad, gradScale, before)
        return p, s["exp_avg"], s["exp_avg_sq"]

    case("adamw", "fourth step", {**state, **moments, **scalars, **corrections}, adamw,
         {"beta1": b1, "beta2": b2, "eps": eps})
    for nesterov in (False, True):
        def sgd(param, grad, momentum, gradScale, lr, decay):
            make = lambda p: torch.optim.SGD([p], lr.item(), 0.9, 0, decay.item(), nesterov)
            p, s = stepped(make, param, grad, gradScale, {"momentum_buffer": momentum.clone()})
            return p, s["momentum_buffer"]
        case("sgd", "nesterov" if nesterov else "momentum", {**state, "momentum": spec((n,), 3), **scalars}, sgd,
             {"momentum": 0.9, "nesterov": nesterov})


def main():
    for cases in (source_cases, conv_cases, norm_cases, layer_cases, channel_cases, elementwise_cases, matrix_cases, shape_cases,
                  optimizer_cases, loss_cases):
        cases()
    versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
    path = pathlib.Path(__file__).parent / "goldens" / "ops.json"
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in CASES)
    path.write_text(f'{{"versions":{json.dumps(versions)},\n"cases":[\n{lines}\n]}}\n')
    print(len(CASES), "cases,", path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
