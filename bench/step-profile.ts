// Where does a training step's time go? `npm run bench -- step-profile`: ONNX Runtime's own profile of a step on one thread, each node's
// least of several steps, summed by the operation of our graph that it was lowered from. Other work on the machine only adds time to a
// node, so that the least is near what the node takes alone; shares are what to read.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConvAttrs, isNode, type Node } from "../src/engine/graph.ts";
import { kernelLibrary } from "../src/engine/kernels/library.ts";
import type { Lowerer } from "../src/engine/lower/emit.ts";
import type { Kernels } from "../src/engine/lower/nchwc/blocked.ts";
import { training } from "../src/engine/lower/training.ts";
import { createSession } from "../src/engine/runtime/open-session.ts";
import { probeBlock } from "../src/engine/runtime/probe.ts";
import type { OnnxNode } from "../src/formats/onnx.ts";
import type { Work } from "./side.ts";
import { stepRunner } from "./step-runner.ts";
import { aligned } from "./table.ts";

/** Between the kind of work and the node's own name. */
const MARK = "~";
/** Operations of the graph that are one kind. */
const KINDS: Readonly<Record<string, string>> = {
  batchNorm: "BatchNorm",
  batchNormGrad: "BatchNorm, gradient",
  activation: "activation",
  activationGrad: "activation, gradient",
  maxPool: "max-pool",
  maxPoolGrad: "max-pool, gradient",
  adamw: "AdamW",
};
/** ONNX operators that multiply; what else a convolution or its gradient is made of moves maps or kernels. */
const PRODUCTS = new Set([
  ...["Conv", "FusedMatMul", "MatMul"],
  ...["WinogradConv", "WinogradConvWeights", "DirectConvWeights", "StemConvWeights"], // of our own
]);

/** An event of ONNX Runtime's profile. */
interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly dur: number;
  readonly args?: { readonly op_name?: string };
}

const PASSES: Readonly<Record<string, string>> = {
  conv2d: "forward",
  convInputGrad: "input gradient",
  convWeightGrad: "weight gradient",
  // A norm's rule makes the convolution before it, a sum's the gradient that it adds to.
  batchNorm: "forward",
  add: "input gradient",
};

const intsOf = (node: OnnxNode, name: string): readonly number[] => {
  const value = node.attributes[name];
  return value !== undefined && "ints" in value ? value.ints : [];
};

/** Work of an ONNX node that was lowered from a node of the graph. @param moves - it multiplies by a constant, or not at all */
function kindOf(node: Node, made: OnnxNode, moves: boolean): string {
  const pass = PASSES[node.op];
  const own = KINDS[node.op] ?? "other";
  if (pass === undefined) return own;
  if (node.op === "batchNorm" || node.op === "add") {
    if (made.op === "WinogradConv") return `3x3, ${pass}`;
    const [kh, kw] = intsOf(made, "kernel_shape");
    const grouped = JSON.stringify(made.attributes["group"]) !== JSON.stringify({ int: 1 });
    if (made.op !== "Conv" || moves || (grouped && (kh !== kw || (kh !== 3 && kh !== 5)))) return own;
    if (grouped) return `depthwise, ${pass}`;
    return `${kh}x${kw}${intsOf(made, "strides")[0] === 1 ? "" : ` / ${intsOf(made, "strides")[0]}`}, ${pass}`;
  }
  const { groups, stride } = node.attrs as ConvAttrs;
  const [kh, kw] = isNode(node, "convWeightGrad") ? node.attrs.kernel : node.inputs[1]!.shape.slice(2);
  if (groups > 1) return `depthwise, ${pass}`;
  return `${kh}x${kw}${stride[0] === 1 ? "" : ` / ${stride[0]}`}, ${pass}${moves ? ": moves" : ""}`;
}

/** The training lowering, which also writes the kind of work into the names of nodes. */
const marked =
  (block: number | undefined, kernels: Kernels | undefined): Lowerer =>
  (writer, readers) => {
    const names = training(block, kernels)(writer, readers);
    return {
      ...names,
      lower(node) {
        const before = writer.nodes.length;
        names.lower(node);
        for (let i = before; i < writer.nodes.length; i++) {
          const made = writer.nodes[i]!;
          // A depthwise convolution with a single one moves pixels (blocked-pick.ts): its kernel is a constant.
          const picks = writer.initializers.some(({ name }) => name === made.inputs[1]);
          const moves = picks || !PRODUCTS.has(made.op);
          writer.nodes[i] = { ...made, name: `${kindOf(node, made, moves)}${MARK}${made.name}` };
        }
      },
    };
  };

/** Least time of each node, ms, and of all that a run adds to its nodes. */
function least(
  events: readonly ProfileEvent[],
  warmup: number,
): { nodes: Map<string, number>; gaps: number } {
  const nodes = new Map<string, number>();
  let gaps = Number.POSITIVE_INFINITY;
  let [run, sum] = [0, 0];
  for (const { cat, name, dur } of events) {
    if (cat === "Node" && name.endsWith("_kernel_time")) {
      sum += dur;
      if (run >= warmup) nodes.set(name, Math.min(nodes.get(name) ?? Number.POSITIVE_INFINITY, dur / 1000));
    } else if (cat === "Session" && name === "model_run") {
      if (run >= warmup) gaps = Math.min(gaps, (dur - sum) / 1000);
      run += 1;
      sum = 0;
    }
  }
  return { nodes, gaps };
}

/** Prints a table of kinds of work, their times and shares. */
export async function stepProfile(work: Work, steps: number, warmup: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "facehand-bench-profile-"));
  try {
    const block = work.lowering === "plain" ? undefined : await probeBlock();
    const operators = work.kernels === undefined ? undefined : kernelLibrary();
    const sessions: { release(): Promise<void> }[] = [];
    const { run } = await stepRunner(work, {
      provider: "cpu",
      block,
      lowering: marked(block, work.kernels),
      overwrites: true,
      createSession: async (model, options) => {
        const profilePrefix = join(folder, "step");
        const how = { threads: work.threads, profilePrefix, operators };
        const session = await createSession(model, { ...options, ...how });
        sessions.push(session);
        return session;
      },
    });
    let cpuMs = Number.POSITIVE_INFINITY;
    for (let k = 0; k < warmup + steps; k++) {
      const before = process.cpuUsage();
      await run();
      const { user, system } = process.cpuUsage(before);
      if (k >= warmup) cpuMs = Math.min(cpuMs, (user + system) / 1000);
    }
    for (const session of sessions) await session.release(); // which writes the profile
    const [file] = await readdir(folder);
    const events = JSON.parse(await readFile(join(folder, file!), "utf8")) as ProfileEvent[];
    print(least(events, warmup), cpuMs);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function print({ nodes, gaps }: ReturnType<typeof least>, cpuMs: number): void {
  const kinds = new Map<string, { ms: number; nodes: number }>();
  for (const [name, ms] of nodes) {
    const kind = name.includes(MARK) ? name.slice(0, name.indexOf(MARK)) : "other";
    const sum = kinds.get(kind) ?? { ms: 0, nodes: 0 };
    kinds.set(kind, { ms: sum.ms + ms, nodes: sum.nodes + 1 });
  }
  kinds.set("between nodes", { ms: gaps, nodes: 0 });
  const total = [...kinds.values()].reduce((sum, { ms }) => sum + ms, 0);
  const rows = [...kinds]
    .sort(([, a], [, b]) => b.ms - a.ms)
    .map(([kind, { ms, nodes: count }]) => [
      kind,
      String(count),
      ms.toFixed(1),
      `${((100 * ms) / total).toFixed(1)} %`,
    ]);
  console.log(
    aligned([["work", "nodes", "ms", "share"], ...rows, ["all", String(nodes.size), total.toFixed(1), ""]]),
  );
  console.log(`Processor time of a step, the least: ${cpuMs.toFixed(0)} ms`);
}
