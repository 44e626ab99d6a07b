"""Writes goldens/formats/odd-*.pt: files that torch.load(weights_only=True) takes, in the forms that other programs
give them, and what it reads (odd-expected.json). All tensors are made up here.

Run with a Python that has torch, timm, torch_ema and lightning.
"""
import collections
import json
import pathlib
import tempfile
import warnings
import zipfile

import lightning
import lightning.pytorch as pl
import timm
import timm.utils
import torch
import torch_ema
from lightning.pytorch.callbacks import EMAWeightAveraging, StochasticWeightAveraging
from torch import nn

warnings.filterwarnings("ignore")
HERE = pathlib.Path(__file__).parent / "goldens" / "formats"
torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1)
        self.bn = nn.BatchNorm2d(2)
        self.classifier = nn.Linear(2, 1)

    def forward(self, x):
        return self.classifier(self.bn(self.conv(x)).mean((2, 3)))


class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.model = Net()

    def training_step(self, batch, _):
        return self.model(batch[0]).mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.5)


def lightning_file(callback):
    """A checkpoint of three steps of a run with the callback."""
    torch.manual_seed(1)
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(6, 1, 3, 3)), batch_size=2)
    module, folder = Module(), tempfile.mkdtemp()
    trainer = pl.Trainer(
        max_epochs=2, accelerator="cpu", callbacks=[callback], default_root_dir=folder, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )
    trainer.fit(module, data)
    path = pathlib.Path(folder) / "x.ckpt"
    trainer.save_checkpoint(path)
    return torch.load(path, weights_only=True)


class EmaCallback(pl.Callback):
    """As the callbacks of many repositories keep an average: in their own state."""

    def on_train_batch_end(self, trainer, module, *_):
        state = {k: v.detach().clone() for k, v in module.state_dict().items()}
        old = getattr(self, "state", state)
        self.state = {k: (0.5 * old[k] + 0.5 * v if v.is_floating_point() else v) for k, v in state.items()}

    def state_dict(self):
        return {"state_dict_ema": self.state, "decay": 0.5}


net = Net()
state = net.state_dict()
half = collections.OrderedDict((k, v * 0.5 if v.is_floating_point() else v) for k, v in state.items())
z = torch.tensor([[1 + 2j, 3 - 4j], [5 + 6j, 7 - 8j]])
tagged = nn.Parameter(torch.ones(2))
tagged.tag = "x"
noted = torch.full((2,), 3.0)
noted.tag = "y"
average = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.5))
model_ema = timm.utils.ModelEmaV3(net, decay=0.5)
shadow = torch_ema.ExponentialMovingAverage(net.parameters(), decay=0.5)
with torch.no_grad():
    for p in net.parameters():
        p.add_(1.0)
average.update_parameters(net)
with torch.no_grad():
    for p in net.parameters():
        p.add_(1.0)
average.update_parameters(net)
model_ema.update(net)
shadow.update()
trained = net.state_dict()
inside = collections.OrderedDict((f"model.{k}", v) for k, v in trained.items())
inside.update((f"model_ema.{k}", v) for k, v in model_ema.state_dict().items())

files = {
    "beside": {
        "state_dict": state,
        "fp8": torch.tensor([1.0, -2.0]).to(torch.float8_e4m3fn),
        "uint16": torch.tensor([1, 2], dtype=torch.uint16),
        "complex": z.conj(),
        "sparse": torch.eye(2).to_sparse(),
        "csr": torch.eye(2).to_sparse_csr(),
        "quantised": torch.quantize_per_tensor(torch.ones(2), 0.5, 0, torch.qint8),
        "meta": torch.empty(2, device="meta"),
        "counts": collections.Counter("aab"),
    },
    "views": {
        "negative": z.conj().imag,
        "negative_half": z.to(torch.complex64).conj().imag.half(),
        "negative_column": z.conj().imag[:, 1],
        "negative_transposed": z.conj().imag.t(),
        "negative_double": z.to(torch.complex128).conj().imag,
        "twice": torch._neg_view(torch.tensor([0.0, 1.5])),
        "parameter": tagged,
        "tensor": noted,
        "channels_last": torch.arange(24.0).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
    },
    "timm": {"epoch": 1, "state_dict": trained, "state_dict_ema": model_ema.module.state_dict(), "metric": 0.5},
    "torch-ema": {"model": trained, "ema": shadow.state_dict(), "epoch": 3},
    "averaged": average.state_dict(),
    "inside": {"state_dict": inside, "epoch": 1},
    "lightning-ema": lightning_file(EMAWeightAveraging(decay=0.5)),
    "lightning-swa": lightning_file(StochasticWeightAveraging(swa_lrs=0.1, swa_epoch_start=1)),
    "lightning-callback": lightning_file(EmaCallback()),
}
for name, value in files.items():
    torch.save(value, HERE / f"odd-{name}.pt")
torch.save(state, HERE / "odd-plain.pt")
torch.serialization.set_crc32_options(False)
torch.save(state, HERE / "odd-no-crc.pt")
torch.serialization.set_crc32_options(True)
plain = (HERE / "odd-plain.pt").read_bytes()
(HERE / "odd-trailing.pt").write_bytes(plain + b"\0" * 64)
with zipfile.ZipFile(HERE / "odd-plain.pt") as source, zipfile.ZipFile(
    HERE / "odd-deflated.pt", "w", zipfile.ZIP_DEFLATED
) as packed:
    for entry in source.namelist():
        packed.writestr(entry, source.read(entry))
# In a state dict, what no model here can have: refused by name.
for name, value in {"fp8": files["beside"]["fp8"], "sparse": files["beside"]["sparse"], "quantised": files["beside"]["quantised"],
                    "complex": files["beside"]["complex"], "meta": files["beside"]["meta"],
                    "negative-int": torch._neg_view(torch.tensor([1, 2]))}.items():
    torch.save({"weight": value}, HERE / f"odd-within-{name}.pt")


def walk(value, path=()):
    if isinstance(value, torch.Tensor):
        yield ".".join(path), value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from walk(inner, (*path, str(index)))


def numbers(tensor):
    plain = not (tensor.is_sparse or tensor.is_quantized or tensor.is_meta or tensor.layout != torch.strided)
    if not plain or tensor.is_complex() or "float8" in str(tensor.dtype) or tensor.dtype == torch.uint16:
        return None
    return tensor.detach().resolve_neg().double().flatten().tolist()


expected = {}
for path in sorted(HERE.glob("odd-*.pt")):
    tree = torch.load(path, weights_only=True)
    expected[path.stem.removeprefix("odd-")] = {
        k: values for k, t in walk(tree) if not k.startswith(("optimizer", "loops")) and (values := numbers(t)) is not None
    }
versions = {"torch": torch.__version__, "timm": timm.__version__, "lightning": lightning.__version__, "torch_ema": "0.3"}
with open(HERE / "odd-expected.json", "w") as f:
    json.dump({"generator": "test/parity/formats-torch-odd.py", "versions": versions, "files": expected}, f, separators=(",", ":"))
    f.write("\n")
