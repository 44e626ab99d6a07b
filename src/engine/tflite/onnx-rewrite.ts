// ◇ Browser-safe. An ONNX graph that is being rewritten: what rules query, and the nodes they put in place of others.
// Invariant: nodes stay in topological order if what is put in place of a node reads only what that node could read.
import type { AttributeValue, OnnxGraph, OnnxNode, OnnxTensor } from "../../formats/onnx.ts";
import { elementCount } from "../../formats/tensor.ts";

/** A graph with what its rules query, and what they put in place of its nodes. */
export class Rewrite {
  readonly #graph: OnnxGraph;
  readonly #constants: ReadonlyMap<string, OnnxTensor>;
  readonly #makers = new Map<string, OnnxNode>();
  readonly #readers = new Map<string, OnnxNode[]>();
  readonly #ends: ReadonlySet<string>;
  readonly #placed = new Map<OnnxNode, readonly OnnxNode[]>();
  readonly #added: OnnxTensor[] = [];

  constructor(graph: OnnxGraph) {
    this.#graph = graph;
    this.#constants = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
    this.#ends = new Set(graph.outputs.map(({ name }) => name));
    for (const node of graph.nodes) {
      for (const name of node.outputs) this.#makers.set(name, node);
      for (const name of node.inputs) this.#readers.set(name, [...(this.#readers.get(name) ?? []), node]);
    }
  }

  constant(name: string | undefined): OnnxTensor | undefined {
    return this.#constants.get(name ?? "");
  }

  maker(name: string | undefined): OnnxNode | undefined {
    return this.#makers.get(name ?? "");
  }

  /** The only reader of a value that is read once and does not leave the graph. */
  onlyReader(name: string): OnnxNode | undefined {
    const readers = this.#readers.get(name);
    return readers?.length === 1 && !this.#ends.has(name) ? readers[0] : undefined;
  }

  /** A new constant. @returns its name */
  floats(name: string, dims: readonly number[], values: Float32Array): string {
    const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.#added.push({ name, dtype: "float32", dims, data });
    return name;
  }

  ints(name: string, values: readonly number[]): string {
    const data = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    this.#added.push({ name, dtype: "int64", dims: [values.length], data });
    return name;
  }

  /** Puts nodes where one was. */
  place(node: OnnxNode, ...instead: readonly OnnxNode[]): void {
    this.#placed.set(node, instead);
  }

  finish(): OnnxGraph {
    if (this.#placed.size === 0) return this.#graph;
    const nodes = this.#graph.nodes.flatMap((node) => this.#placed.get(node) ?? [node]);
    const used = new Set(nodes.flatMap(({ inputs }) => inputs));
    const constants = [...this.#graph.initializers, ...this.#added];
    return { ...this.#graph, nodes, initializers: constants.filter(({ name }) => used.has(name)) };
  }
}

/** An ONNX operator with one output. */
export const made = (
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, AttributeValue>> = {},
): OnnxNode => ({ name: `${op}/${output}`, op, domain: "", inputs, outputs: [output], attributes });

/** The values of a float32 constant, copied. */
export const valuesOf = ({ data, dims }: OnnxTensor) =>
  new Float32Array(data.slice().buffer, 0, elementCount(dims)); // aligned, which files' bytes need not be

/** The values of an int64 constant. */
export const intsOf = ({ data }: OnnxTensor) => Array.from(new BigInt64Array(data.slice().buffer), Number);

/** Some of the first axis of a constant. @returns the name of the new one */
export function sliceRows(
  rewrite: Rewrite,
  tensor: OnnxTensor,
  rows: readonly number[],
  name: string,
): string {
  const row = elementCount(tensor.dims.slice(1));
  const [from, to] = rows as [number, number];
  return rewrite.floats(
    name,
    [to - from, ...tensor.dims.slice(1)],
    valuesOf(tensor).slice(from * row, to * row),
  );
}
