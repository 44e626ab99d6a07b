"""PyTorch's side of inference (protocol: bench/side.ts): the same crops by the same weights, from files to probabilities.

As an expert sets it up: a DataLoader of torchvision's decode_jpeg and transforms v2 on tensors in two workers, channels_last, there
compiled by inductor with its weights frozen, there with autocast to bfloat16, or quantised to int8 for x86 (torch.ao), with timm's norms as
PyTorch's, which it folds into convolutions. Probabilities of the float32 setups are compared with ours.
Usage: inference.py WORK_JSON default|compile|bf16|int8
"""
import glob
import json
import os
import platform
import sys
import tempfile
import time

import timm
import torch
import torchvision
import torchvision.transforms.v2 as V
from torch import nn

BATCH = 32
WORKERS = 2
# Resizes differ by a level or two: torchvision's on tensors is not Pillow's.
APART = 0.05
work = json.loads(sys.argv[1])
setup = sys.argv[2]
torch.set_num_threads(work["threads"])
size = work["sizePx"]
folder = os.path.join(tempfile.gettempdir(), f"facehand-bench-crops-{work['model']}-{work['batch']}-{size}")


class Umcc(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = timm.create_model(work["model"], pretrained=False, num_classes=0)
        self.classifier = nn.Linear(self.backbone(torch.zeros(1, 3, size, size)).shape[1], 1)

    def forward(self, x):
        return self.classifier(self.backbone(x)).squeeze(1)


def files(chunk):
    return sorted(glob.glob(os.path.join(folder, f"chunk-{chunk}", "*.jpg")))


resize = V.Resize((size, size), antialias=True)


class Sequence(torch.utils.data.Sampler):
    """The files of the chunk that is to be predicted: workers stay from chunk to chunk."""

    items = []

    def __iter__(self):
        return iter(self.items)

    def __len__(self):
        return len(self.items)


class Images(torch.utils.data.Dataset):
    """Named by their paths."""

    def __getitem__(self, path):
        data = torchvision.io.read_file(path)
        return resize(torchvision.io.decode_jpeg(data, torchvision.io.ImageReadMode.RGB))


sequence = Sequence()
loader = torch.utils.data.DataLoader(
    Images(), sampler=sequence, batch_size=BATCH, num_workers=WORKERS, persistent_workers=True,
)
model = Umcc().eval()
model.load_state_dict(torch.load(os.path.join(folder, "weights.pt"), weights_only=True))


def normalised(batch):
    return batch.to(torch.float32, memory_format=torch.channels_last).div_(127.5).sub_(1)


def with_torch_norms(module):
    """timm's norms have their activation inside, and are not known to torch.ao: it would compute them in float32, between two conversions each."""
    for name, child in module.named_children():
        if isinstance(child, timm.layers.BatchNormAct2d):
            norm = nn.BatchNorm2d(child.num_features, eps=child.eps)
            norm.load_state_dict(child.state_dict())
            setattr(module, name, nn.Sequential(norm, child.act).eval())
        else:
            with_torch_norms(child)


if setup == "int8":
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    torch.backends.quantized.engine = "x86"
    sequence.items = files(0)[:BATCH]
    seen = normalised(next(iter(loader)))
    with_torch_norms(model)
    prepared = prepare_fx(model, get_default_qconfig_mapping("x86"), (seen,))
    with torch.inference_mode():
        prepared(seen)
    model = convert_fx(prepared)
else:
    model = model.to(memory_format=torch.channels_last)
    if setup == "compile":
        import torch._inductor.config

        torch._inductor.config.freezing = True
        model.compile(dynamic=False)


def predict(paths):
    sequence.items = paths
    out = []
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=setup == "bf16"):
        for batch in loader:
            n = len(batch)
            if n < BATCH:  # one shape, as a compiled graph has
                batch = torch.cat([batch, batch.new_zeros(BATCH - n, *batch.shape[1:])])
            out.append(model(normalised(batch)).float().sigmoid()[:n])
    return torch.cat(out).tolist()


def compare(chunk, own):
    """Where ours has predicted the chunk by now."""
    path = os.path.join(folder, f"ours-{chunk}.json")
    if setup in ("bf16", "int8") or not os.path.exists(path):
        return
    with open(path) as file:
        ours = json.load(file)
    apart = max(abs(a - b) for a, b in zip(ours, own, strict=True))
    assert apart < APART, f"probabilities of chunk {chunk} are {apart} apart"


def peak_mb():
    """Of this process and its workers together, as ours are threads of one process."""
    total = 0
    for pid in [os.getpid(), *(w.pid for w in getattr(loader._iterator, "_workers", []))]:
        with open(f"/proc/{pid}/status") as status:
            total += next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return total / 1024


def say(message):
    print(json.dumps(message), flush=True)


say({"ready": True, "versions": {"python": platform.python_version(), "torch": torch.__version__, "timm": timm.__version__,
                                 "torchvision": torchvision.__version__, "layout": "channels_last",
                                 "compiler": "inductor" if setup == "compile" else None,
                                 "precision": setup if setup in ("bf16", "int8") else "float32"}})
done = {}
chunk = 0
for _ in sys.stdin:
    paths = files(chunk)
    assert paths, f"our side makes the images of chunk {chunk}"
    start = time.perf_counter()
    done[chunk] = predict(paths)
    ms = (time.perf_counter() - start) * 1000
    for k, own in done.items():
        compare(k, own)
    say({"ms": ms, "peakMb": peak_mb(), "result": sum(done[chunk])})
    chunk += 1
