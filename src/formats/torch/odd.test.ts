// Files that torch.load(weights_only=True) takes in the forms that other programs give them, against what torch reads.
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeZip } from "../../../test/zips.ts";
import { toFloat32 } from "../tensor.ts";
import { findTorchGlobal } from "./globals.ts";
import { unpickle } from "./pickle.ts";
import { TorchStorage, TorchTensor } from "./tensors.ts";
import { readStateDict, readTorch, readTorchWeights } from "./torch.ts";

const goldens = fileURLToPath(new URL("../../../test/parity/goldens/formats/", import.meta.url));
type Values = Readonly<Record<string, readonly number[]>>;
const { files } = JSON.parse(readFileSync(`${goldens}odd-expected.json`, "utf8")) as {
  readonly files: Readonly<Record<string, Values>>;
};
const file = (name: string) => `${goldens}odd-${name}.pt`;

/** torch's values below a path, by the rest of their names. */
function below(name: string, path: string): Values {
  const prefix = path === "" ? "" : `${path}.`;
  const found = Object.entries(files[name]!).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(
    found.map(([key, values]) => [key.slice(prefix.length), values.map(Math.fround)]),
  );
}

async function read(name: string, ema?: boolean) {
  const { tensors, taken } = await readTorchWeights(file(name), ema);
  return { values: Object.fromEntries([...tensors].map(([key, t]) => [key, [...toFloat32(t)]])), taken };
}

describe("the same tensors in other archives", () => {
  test.each(["plain", "no-crc", "trailing", "deflated"])("%s", async (name) => {
    expect((await read(name)).values).toEqual(below("plain", ""));
  });

  test("a checksum that is there still has to be right", async () => {
    const path = join(folder, "wrong.pt");
    await writeZip(path, [{ name: "x/data.pkl", text: "\x80\x02K\x01.", crc: 7 }]);
    await expect(readTorch(path)).rejects.toMatchObject({ code: "ZIP_DAMAGED" });
  });

  test("a deflated entry that claims more than deflate can pack is refused", async () => {
    const path = join(folder, "bomb.pt");
    await writeZip(path, [{ name: "x/data.pkl", text: "0", deflate: true, size: 1e6 }]);
    await expect(readTorch(path)).rejects.toThrow(/Expected at most \d+ bytes of what x\/data.pkl packs/);
  });
});

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facehand-odd-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("what an archive states about itself", () => {
  const one = "\x80\x02K\x01.";
  test.each([
    ["version", "11\n", "Expected a file format of version 1 to 10"],
    ["version", "x", "Expected a file format of version 1 to 10"],
    [".data/version", "0", "Expected a file format of version 1 to 10"],
    ["byteorder", "middle", "Expected byte order little"],
    ["constants.pkl", "", "Expected a file of torch.save"],
  ])("%s %j is refused", async (name, text, message) => {
    const path = join(folder, "stated.pt");
    await writeZip(path, [
      { name: "x/data.pkl", text: one },
      { name: `x/${name}`, text },
    ]);
    await expect(readTorch(path)).rejects.toThrow(message);
  });

  test("versions that torch takes are taken", async () => {
    const path = join(folder, "version.pt");
    await writeZip(path, [
      { name: "x/data.pkl", text: one },
      { name: "x/.data/version", text: "10" },
    ]);
    expect(await readTorch(path)).toBe(1);
  });
});

describe("views", () => {
  test("negative bits, strides and attributes are read as torch reads them", async () => {
    expect((await read("views")).values).toEqual(below("views", ""));
  });

  test("a negated zero is -0, as torch's", async () => {
    expect(Object.is((await read("views")).values["twice"]![0], -0)).toBe(true);
  });
});

describe("what lies beside a model is no fault of it, and refused as a part of it", () => {
  test("float8, uint16, complex, sparse, quantised and empty tensors", async () => {
    expect((await read("beside")).values).toEqual(below("beside", "state_dict"));
  });

  test.each([
    [
      "fp8",
      'Expected one of float64, float32, float16, bfloat16, int64, int32, int16, int8, uint8, bool for weight, got "float8_e4m3fn"',
    ],
    ["complex", 'for weight, got "complex64"'],
    ["sparse", "Expected a tensor at weight"],
    ["sparse", 'got "a sparse tensor"'],
    ["quantised", 'got "a quantised tensor"'],
    ["meta", 'got "a tensor without values"'],
    ["negative-int", 'Expected a floating dtype of a negative view for weight, got "int64"'],
  ])("%s", async (name, message) => {
    const error = await readStateDict(file(`within-${name}`)).catch((e: unknown) => e);
    expect(error).toMatchObject({ kind: "data", message: expect.stringContaining(message) });
  });
});

describe("trained weights and their averages", () => {
  const usual = { average: false, others: [] };
  test.each([
    ["plain", undefined, { from: "", ...usual }],
    ["beside", undefined, { from: "state_dict", ...usual }],
    ["timm", undefined, { from: "state_dict_ema", average: true, others: ["state_dict"] }],
    ["timm", true, { from: "state_dict_ema", average: true, others: ["state_dict"] }],
    ["timm", false, { from: "state_dict", average: false, others: ["state_dict_ema"] }],
    ["inside", true, { from: "state_dict.model_ema", average: true, others: ["state_dict"] }],
    ["averaged", undefined, { from: "", average: true, others: [] }],
    ["averaged", true, { from: "", average: true, others: [] }],
    ["lightning-ema", undefined, { from: "state_dict", average: true, others: ["current_model_state"] }],
    ["lightning-ema", false, { from: "current_model_state", average: false, others: ["state_dict"] }],
    [
      "lightning-swa",
      true,
      {
        from: "callbacks.StochasticWeightAveraging.average_model_state",
        average: true,
        others: ["state_dict"],
      },
    ],
    [
      "lightning-callback",
      undefined,
      { from: "state_dict", average: false, others: ["callbacks.EmaCallback.state_dict_ema"] },
    ],
    [
      "lightning-callback",
      true,
      { from: "callbacks.EmaCallback.state_dict_ema", average: true, others: ["state_dict"] },
    ],
  ])("%s with --ema %s", async (name, ema, choice) => {
    const { values, taken } = await read(name, ema);
    expect(taken).toEqual(choice);
    const { n_averaged: _steps, ...expected } = below(name, choice.from);
    expect(values).toEqual(expected);
  });

  test("an average beside the model inside one dict is left out of the trained weights", async () => {
    const { values, taken } = await read("inside");
    expect(taken).toEqual({ from: "state_dict", average: false, others: ["state_dict.model_ema"] });
    const trained = Object.entries(below("inside", "state_dict")).filter(([key]) => key.startsWith("model."));
    expect(values).toEqual(Object.fromEntries(trained));
  });

  test("torch_ema's parameters in their order, with the trained statistics", async () => {
    const { values, taken } = await read("torch-ema", true);
    expect(taken).toEqual({ from: "ema.shadow_params", average: true, others: ["model"] });
    const [model, shadow] = [below("torch-ema", "model"), below("torch-ema", "ema.shadow_params")];
    expect(values).toEqual({
      ...model,
      "conv.weight": shadow["0"],
      "conv.bias": shadow["1"],
      "bn.weight": shadow["2"],
      "bn.bias": shadow["3"],
      "classifier.weight": shadow["4"],
      "classifier.bias": shadow["5"],
    });
    expect((await read("torch-ema")).taken).toEqual({
      ...usual,
      from: "model",
      others: ["ema.shadow_params"],
    });
  });

  test.each([
    ["plain", true, "Expected one average of weights (EMA) for --ema, got nothing"],
    ["averaged", false, 'Expected weights that are no average for --no-ema, got "the file itself"'],
  ])("%s with --ema %s is refused", async (name, ema, message) => {
    const error = await readTorchWeights(file(name), ema).catch((e: unknown) => e);
    expect(error).toMatchObject({ kind: "input", code: "EMA", message: expect.stringContaining(message) });
  });
});

describe("arguments of allowed calls are read or refused", () => {
  const where = "x.pt";
  const pickle = (body: string) => {
    const storage = new TorchStorage("0", "float32", 4);
    const context = { find: findTorchGlobal, persistent: () => storage, where };
    return unpickle(Buffer.from(`\x80\x02${body}.`, "latin1"), 0, context).value;
  };
  const tuple = (...items: string[]) => `(${items.join("")}t`;
  const word = (text: string) => `X${String.fromCharCode(text.length)}\0\0\0${text}`;
  const call = (name: string, ...args: string[]) => {
    const at = name.lastIndexOf(".");
    return `c${name.slice(0, at)}\n${name.slice(at + 1)}\n${tuple(...args)}R`;
  };
  const [ZERO, TWO, ONE, NO, DICT, STORAGE] = ["K\0", "K\x02", "K\x01", "\x89", "}", "NQ"];
  const with1 = (key: string, value: string) => `}${word(key)}${value}s`;
  const v2 = (...rest: string[]) =>
    call("torch._utils._rebuild_tensor_v2", STORAGE, ZERO, tuple(TWO), tuple(ONE), ...rest);

  test("a plain tensor of each form", () => {
    for (const body of [
      v2(NO, DICT),
      v2("\x88", "N"),
      v2(NO, DICT, with1("neg", NO)),
      call("torch._utils._rebuild_parameter", v2(NO, DICT), "\x88", DICT),
      call("torch._utils._rebuild_parameter_with_state", v2(NO, DICT), "\x88", DICT, with1("tag", ONE)),
    ]) {
      expect(pickle(body)).toBeInstanceOf(TorchTensor);
      expect(pickle(body)).toMatchObject({ shape: [2], negative: false });
    }
    expect(pickle(v2(NO, DICT, with1("neg", "\x88")))).toMatchObject({ negative: true });
  });

  test.each([
    ["requires_grad", v2("N", DICT)],
    ["hooks", v2(NO, with1("0", ONE))],
    ["too few", call("torch._utils._rebuild_tensor_v2", STORAGE, ZERO, tuple(TWO), tuple(ONE))],
    ["one too many", v2(NO, DICT, DICT, DICT)],
    ["unknown metadata", v2(NO, DICT, with1("backend", "\x88"))],
    ["metadata that is no flag", v2(NO, DICT, with1("neg", ONE))],
    ["conj of real numbers", v2(NO, DICT, with1("conj", "\x88"))],
    ["hooks of a parameter", call("torch._utils._rebuild_parameter", v2(NO, DICT), "\x88", with1("0", ONE))],
    [
      "data in a parameter's state",
      call(
        "torch._utils._rebuild_parameter_with_state",
        v2(NO, DICT),
        "\x88",
        DICT,
        with1("data", v2(NO, DICT)),
      ),
    ],
    [
      "another function of a tensor with attributes",
      call(
        "torch._tensor._rebuild_from_type_v2",
        "cargparse\nNamespace\n",
        "ctorch\nTensor\n",
        tuple(STORAGE, ZERO, tuple(TWO), tuple(ONE)),
        DICT,
      ),
    ],
    [
      "a class of tensors of its own",
      call(
        "torch._tensor._rebuild_from_type_v2",
        "ctorch._utils\n_rebuild_tensor\n",
        "cnumpy\nndarray\n",
        tuple(STORAGE, ZERO, tuple(TWO), tuple(ONE)),
        DICT,
      ),
    ],
    [
      "a bad dtype of v3",
      call("torch._utils._rebuild_tensor_v3", STORAGE, ZERO, tuple(TWO), tuple(ONE), NO, DICT, ONE),
    ],
    [
      "a view beyond the bytes of its storage",
      call(
        "torch._utils._rebuild_tensor_v3",
        STORAGE,
        ZERO,
        tuple("K\x03"),
        tuple(ONE),
        NO,
        DICT,
        "ctorch\nfloat64\n",
      ),
    ],
    ["more than a device has", call("torch.device", word("cuda"), ZERO, ZERO)],
    ["arguments of a new Namespace", `cargparse\nNamespace\n${tuple(ONE)}\x81`],
    ["a state of an OrderedDict that is no dict", `${call("collections.OrderedDict")}K\x01b`],
    ["a pair of three", call("collections.OrderedDict", `]${tuple(ONE, ONE, ONE)}a`)],
    [
      "fields of a numpy.dtype",
      `${call("numpy.dtype", word("V8"), NO, "\x88")}${tuple("K\x03", word("<"), "N", tuple(word("a")), DICT, ONE, ONE, ZERO)}b`,
    ],
    [
      "an array of another class",
      call("numpy.core.multiarray._reconstruct", "ctorch\nTensor\n", tuple(ZERO), word("b")),
    ],
  ])("%s", (_what, body) => {
    expect(() => pickle(body)).toThrow(expect.objectContaining({ kind: "data", code: "PICKLE_DAMAGED" }));
  });
});
