// ◇ Browser-safe. From outputs of a symbolic graph to ONNX bytes that stock ONNX Runtime runs.
// Invariant: the same graph gives the same bytes.
import { AppError } from "../../core/errors.ts";
import { encodeModel, type OnnxValue } from "../../formats/onnx.ts";
import { type Dtype, isNode, type Node, type Op, type Shape, topological, type Value } from "../graph.ts";
import { type FoldableGraph, foldBatchNorms } from "./fold.ts";
import { overwriting } from "./in-place.ts";
import { FORWARD, type Lowering } from "./plain.ts";
import { COMPILED, FEATURES, MICROSOFT, NCHWC, type Provider, Writer } from "./writer.ts";

/** ONNX operator set; 17 is the last in which reductions take their axes as the lowerings write them. */
export const OPSET = 17;

export interface EmitOptions {
  readonly outputs: Readonly<Record<string, Value>>;
  readonly provider?: Provider | undefined;
  /** The rules of operations; those of plain.ts if left out, which are all but training's (training.ts). */
  readonly lowering?: Lowerer | undefined;
  /** Values that come from elsewhere: by an input of this name, or as constants. What they depend on is left out. */
  readonly sources?: ReadonlyMap<Value, string | Float32Array> | undefined;
  /** Input by output: outputs that follow an input, for `inPlace`. */
  readonly replace?: Readonly<Record<string, string>> | undefined;
  /** Stored in the model's metadata_props. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** For graphs that leave this package. Plain lowering only. */
  readonly portable?: {
    /** Name of the first axis of all inputs and outputs, which is then of any length. */
    readonly batch: string;
  };
}

export interface EmittedGraph {
  readonly model: Uint8Array;
  readonly inputs: readonly { readonly name: string; readonly dtype: Dtype; readonly shape: Shape }[];
  readonly outputs: readonly { readonly name: string; readonly shape: Shape }[];
  /** Outputs that may lie in the memory of the inputs that they `replace`. */
  readonly inPlace: ReadonlySet<string>;
  /** Number of ONNX nodes. */
  readonly nodes: number;
}

/** Lowers a graph and encodes it; inputs are listed in the order of first use. */
export function emitGraph(options: EmitOptions): EmittedGraph {
  const {
    outputs,
    provider = "cpu",
    lowering = plainly(FORWARD),
    metadata = {},
    portable,
    replace = {},
    sources = new Map(),
  } = options;
  const writer = new Writer(FEATURES[provider]);
  const nodes = topological(Object.values(outputs), sources);
  const readers = readersOf(nodes, Object.values(outputs));
  const lowered = lowering(writer, readers);
  const inputs: { name: string; dtype: Dtype; shape: Shape }[] = [];
  for (const [value, source] of usedSources(nodes, sources)) {
    const named = typeof source === "string";
    lowered.give(value, named ? source : writer.floats(source, value.shape));
    if (named) inputs.push({ name: source, dtype: value.dtype, shape: value.shape });
  }
  for (const node of nodes) {
    if (isNode(node, "input")) {
      const { dtype, shape } = node.outputs[0]!;
      inputs.push({ name: node.attrs.name, dtype, shape });
    }
    lowered.lower(node);
  }
  const results = Object.entries(outputs).map(([name, value]) => ({ name, shape: value.shape }));
  writer.publish(Object.fromEntries(results.map(({ name }) => [name, lowered.nameOf(outputs[name]!)])));
  const names = results.map(({ name }) => name);
  const graph = portable === undefined ? writer : foldBatchNorms(writer, names);
  const free = ({ shape }: { readonly shape: Shape }): readonly (number | string)[] =>
    portable === undefined ? shape : [portable.batch, ...shape.slice(1)];
  return {
    model: encode(graph, {
      metadata,
      inputs: inputs.map((v) => ({ name: v.name, dtype: v.dtype, dims: free(v) })),
      outputs: results.map((v) => ({ name: v.name, dtype: "float32", dims: free(v) })),
    }),
    inputs,
    outputs: results,
    inPlace: overwriting(graph.nodes, replace),
    nodes: graph.nodes.length,
  };
}

function usedSources<T>(nodes: readonly Node[], sources: ReadonlyMap<Value, T>): (readonly [Value, T])[] {
  const used = new Set(nodes.flatMap((node) => node.inputs as readonly Value[]));
  return [...sources].filter(([value]) => used.has(value));
}

/** Who reads each value; values that leave the graph are left out. */
function readersOf(nodes: readonly Node[], outputs: readonly Value[]): Map<Value, Node[]> {
  const readers = new Map<Value, Node[]>();
  for (const node of nodes) {
    for (const value of node.inputs as readonly Value[]) {
      const known = readers.get(value);
      if (known === undefined) readers.set(value, [node]);
      else known.push(node);
    }
  }
  for (const value of outputs) readers.delete(value);
  return readers;
}

/** Names of values while nodes are lowered. */
export interface Names {
  lower(node: Node): void;
  /** Names a value in NCHW that no node makes. */
  give(value: Value, name: string): void;
  /** Name of a value in NCHW. */
  nameOf(value: Value): string;
}

/** Begins to lower a graph, given who reads each value that does not leave it. */
export type Lowerer = (writer: Writer, readers: Map<Value, Node[]>) => Names;

/** A lowering by a table of rules. */
export const plainly =
  (rules: { readonly [K in Op]?: Lowering<K> }): Lowerer =>
  (writer) => {
    const names = new Map<Value, string>();
    return {
      lower(node) {
        const inputs = (node.inputs as readonly Value[]).map((value) => names.get(value)!);
        // The table is keyed by `node.op`; TypeScript cannot tie the two together.
        const rule = rules[node.op] as Lowering<Op> | undefined;
        if (rule === undefined)
          throw new AppError("internal", "LOWERING", `A rule is missing for the operation ${node.op}`);
        const results = rule(writer, node, inputs);
        node.outputs.forEach((value, i) => {
          names.set(value, results[i]!);
        });
      },
      give: (value, name) => names.set(value, name),
      nameOf: (value) => names.get(value)!,
    };
  };

interface Ends {
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: Readonly<Record<string, string>>;
}

function encode({ nodes, initializers }: FoldableGraph, { inputs, outputs, metadata }: Ends): Uint8Array {
  const opsets = [
    { domain: "", version: OPSET },
    { domain: MICROSOFT, version: 1 },
    { domain: NCHWC, version: 1 },
    { domain: COMPILED, version: 1 },
  ].filter(({ domain }) => domain === "" || nodes.some((node) => node.domain === domain));
  return encodeModel({
    irVersion: 8,
    producer: "facehand",
    opsets,
    metadata,
    graph: { name: "facehand", nodes, initializers, inputs, outputs },
  });
}
