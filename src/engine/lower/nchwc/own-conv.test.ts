// Which convolutions of a graph the operators of engine/kernels take over; and that results are as without.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { KERNEL_CACHE, NO_KERNELS, sharedKernels, WHY } from "../../../../test/compiled.ts";
import { drawn } from "../../../../test/operator-node.ts";
import { difference } from "../../../../test/run-graph.ts";
import { decodeModel } from "../../../formats/onnx.ts";
import { gradients } from "../../gradients.ts";
import type { Value } from "../../graph.ts";
import { kernelLibrary } from "../../kernels/library.ts";
import * as ops from "../../ops.ts";
import { adamw } from "../../ops-backward.ts";
import { maxPool } from "../../ops-layers.ts";
import { createSession } from "../../runtime/open-session.ts";
import { probeBlock } from "../../runtime/probe.ts";
import { Tensor } from "../../runtime/session.ts";
import { emitGraph } from "../emit.ts";
import { training } from "../training.ts";
import { COMPILED } from "../writer.ts";
import type { Kernels } from "./blocked.ts";

beforeAll(async () => {
  vi.stubEnv("XDG_CACHE_HOME", KERNEL_CACHE);
  if (NO_KERNELS === undefined) await sharedKernels();
});
afterAll(() => void vi.unstubAllEnvs());

const C = 24;

/** Convolutions of all sorts, their sum, and its gradients towards all that they read. */
function graph(): Readonly<Record<string, Value>> {
  const leaves: Value[] = [];
  const leaf = (...shape: number[]) => {
    leaves.push(ops.input(`i${leaves.length}`, shape));
    return leaves.at(-1)!;
  };
  const conv = (x: Value, kernel: readonly number[], stride: number, pads: number[], groups = 1) =>
    ops.conv2d(x, leaf(...kernel), {
      ...{ stride: [stride, stride], groups },
      padding: pads as [number, number, number, number],
    });
  const [p0, p1] = [
    [0, 0, 0, 0],
    [1, 1, 1, 1],
  ] as const;
  const norm = (x: Value) => {
    const [weight, bias] = [leaf(C), leaf(C)];
    return ops.batchNorm(x, weight, bias, 1e-5).y;
  };
  const stem = conv(leaf(2, 3, 34, 26), [C, 3, 3, 3], 1, [...p1]);
  const around = ops.activation("silu", ops.add(conv(stem, [C, C, 3, 3], 1, [...p1]), stem)); // 3x3 at stride 1
  const half = conv(around, [C, C, 3, 3], 2, [...p1]); // 3x3 at stride 2
  const gated = ops.activation("relu6", norm(half));
  const down = conv(gated, [C, C, 3, 3], 2, [0, 0, 1, 1]); // padded below and on the right alone
  const depthwise = conv(down, [C, 1, 3, 3], 1, [...p1], C); // not taken
  const normed = norm(depthwise);
  const open = ops.activation("relu", ops.add(normed, depthwise)); // not of a norm alone
  const pooled = maxPool(open, { kernel: [3, 3], stride: [2, 2], padding: [...p1] });
  const wide = conv(pooled, [40, C, 1, 1], 1, [...p0]); // 1x1
  const y = conv(wide, [12, 40, 1, 1], 2, [...p0]); // 1x1 at stride 2
  const loss = ops.sumAll(ops.mul(y, leaf(...y.shape)));
  const state = (name: string) => ops.input(name, [37]);
  const scalar = (name: string) => ops.input(name, []);
  const [p, m, v] = adamw(
    [
      ...([state("p"), state("g"), state("m"), state("positive v")] as const),
      ...([
        scalar("scale"),
        scalar("lr"),
        scalar("decay"),
        scalar("positive c1"),
        scalar("positive c2"),
      ] as const),
    ],
    { beta1: 0.9, beta2: 0.999, eps: 1e-8 },
  );
  const outputs: Record<string, Value> = { y, loss, p1: p!, m1: m!, v1: v! };
  gradients(loss, leaves.slice(0, -1)).forEach((g, i) => {
    outputs[`g${i}`] = g;
  });
  return outputs;
}
const OUTPUTS = graph();
const emitted = (block: number, kernels?: Kernels) =>
  emitGraph({ outputs: OUTPUTS, lowering: training(block, kernels) });

/** Own operators of a graph, with the kernel and stride of those that have a window, and whether it is the gradient towards the input. */
function own(block: number, kernels?: Kernels): Readonly<Record<string, readonly string[]>> {
  const { nodes } = decodeModel(emitted(block, kernels).model).graph;
  const found: Record<string, string[]> = {};
  for (const { op, attributes } of nodes.filter(({ domain }) => domain === COMPILED)) {
    const int = (name: string) => (attributes[name] as { readonly int: number } | undefined)?.int;
    const k = int("k");
    const what = k === undefined ? "" : `${k}x${k} / ${int("s")}${int("back") === 1 ? ", back" : ""}`;
    found[op] = [...(found[op] ?? []), what].sort();
  }
  return found;
}

describe("of a graph", () => {
  it.each([16, 8])("in blocks of %d, they take over what they have", (size) => {
    expect(own(size, "native")).toEqual({
      WinogradConv: ["3x3 / 1", "3x3 / 1, back"],
      WinogradConvWeights: ["3x3 / 1"],
      DirectConvWeights: ["1x1 / 1", "1x1 / 2", "3x3 / 2", "3x3 / 2"],
      StemConvWeights: ["3x3 / 1"],
      SiluGrad: [""],
      MaxPoolGrad: ["3x3 / 2"],
      // Of two norms forward and backward; the gradient of ReLU6 is a gate of the norm before it, that of ReLU is not.
      ChannelSums: ["", "", "", ""],
      AffineSum: ["", ""],
      ClipGrad: [""],
      AdamW: [""],
    });
    expect(own(size)).toEqual({});
  });

  it.skipIf(NO_KERNELS !== undefined)(`they compute what ONNX Runtime's do${WHY}`, async () => {
    const block = await probeBlock();
    const run = async (asked?: Kernels) => {
      const { model, inputs } = emitted(block!, asked);
      const operators = asked === undefined ? undefined : kernelLibrary();
      const session = await createSession(model, { threads: 1, optimization: "disabled", operators });
      try {
        const feeds = inputs.map(({ name, shape }) => {
          const scale = 1 / Math.sqrt(shape[0] ?? 1);
          const data = drawn(name, shape).map((v) => scale * (name.startsWith("positive") ? Math.abs(v) : v));
          return [name, new Tensor("float32", data, shape)] as const;
        });
        return await session.run(Object.fromEntries(feeds));
      } finally {
        await session.release();
      }
    };
    const [plain, made] = [await run(), await run("native")];
    for (const name of Object.keys(OUTPUTS)) {
      const [a, b] = [made[name]!, plain[name]!].map(({ data }) => data as Float32Array);
      expect(difference(a!, b!), name).toBeLessThan(3e-5);
    }
    expect(made["y"]!.data).not.toEqual(plain["y"]!.data);
  });
});
