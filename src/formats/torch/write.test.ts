import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runPython } from "../../../test/python.ts";
import { DTYPE_BYTES, DTYPES, elementCount, float32Tensor, type NamedTensor } from "../tensor.ts";
import { openZip } from "../zip/zip.ts";
import { readStateDict } from "./torch.ts";
import { encodeTorch, writeTorch } from "./write.ts";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-torch-"));
});
afterAll(() => rm(dir, { recursive: true }));

const SHAPES = [[3, 2], [], [0, 4], [5], [2, 1, 3]];
const TENSORS: NamedTensor[] = DTYPES.map((dtype, i) => {
  const shape = SHAPES[i % SHAPES.length]!;
  const bytes = elementCount(shape) * DTYPE_BYTES[dtype];
  // 0 and 1 are values of every dtype, bool among them.
  const data = Uint8Array.from({ length: bytes }, (_, at) => (at % DTYPE_BYTES[dtype] === 0 ? at % 2 : 0));
  return { name: `größe.${i}.${dtype}`, shape, dtype, data };
});

describe("writeTorch", () => {
  it("is read back by our reader, all dtypes and shapes", async () => {
    const path = join(dir, "all.pt");
    await writeTorch(path, TENSORS);
    const read = [...(await readStateDict(path)).values()];
    expect(read.map(({ data, ...rest }) => ({ ...rest, data: [...data] }))).toEqual(
      TENSORS.map(({ data, ...rest }) => ({ ...rest, data: [...data] })),
    );
  });

  it("stores each tensor at a multiple of 64 bytes, and the same bytes every time", async () => {
    const path = join(dir, "aligned.pt");
    const tensor = float32Tensor("w", [3], new Float32Array([1.5, -2.25, 1e-30]));
    await writeTorch(path, [TENSORS[0]!, tensor]);
    const bytes = await readFile(path);
    expect(new Uint8Array(bytes)).toEqual(new Uint8Array(encodeTorch([TENSORS[0]!, tensor])));
    expect(bytes.indexOf(Buffer.from(tensor.data)) % 64).toBe(0);
    const zip = await openZip(path);
    expect([...zip.entries.keys()]).toContain("archive/data/1");
    await zip.close();
  });

  it("refuses a name twice and data that do not fit", () => {
    expect(() => encodeTorch([TENSORS[0]!, TENSORS[0]!])).toThrow('got "the name twice"');
    expect(() => encodeTorch([{ ...TENSORS[0]!, shape: [7] }])).toThrow("Expected 56 bytes for");
  });

  it("is what torch.load reads", async (context) => {
    const path = join(dir, "torch.pt");
    await writeTorch(path, TENSORS);
    const script = [
      "import json, sys",
      "try:",
      "    import torch",
      "except ImportError:",
      "    sys.exit(77)",
      "d = torch.load(sys.argv[1], map_location='cpu')",
      "out = [[k, list(v.shape), str(v.dtype).split('.')[1], v.double().flatten().tolist()] for k, v in d.items()]",
      "print(json.dumps([type(d).__name__, out]))",
    ].join("\n");
    const ran = runPython("-c", script, path);
    if (ran === undefined) return context.skip("needs a python3 with PyTorch");
    expect(ran.status, ran.stderr).toBe(0);
    const [type, tensors] = JSON.parse(ran.stdout) as [string, [string, number[], string, number[]][]];
    expect(type).toBe("OrderedDict");
    expect(tensors.map(([name, shape, dtype]) => ({ name, shape, dtype }))).toEqual(
      TENSORS.map(({ name, shape, dtype }) => ({ name, shape, dtype })),
    );
    const ints = TENSORS.findIndex(({ dtype }) => dtype === "int32");
    expect(tensors[ints]![3]).toEqual([...new Int32Array(Uint8Array.from(TENSORS[ints]!.data).buffer)]);
  });
});
