// ◇ Browser-safe. Which inputs of an emitted graph its outputs may overwrite: new state where the old one lay halves
// its memory. Invariant: an output is written only after everything that reads the input's memory has run.
import type { OnnxNode } from "../../formats/onnx.ts";

/** Operators whose result lies in the memory of their first input. */
const VIEWS = new Set(["Reshape", "Identity", "Squeeze", "Unsqueeze", "Flatten"]);
/** Operators that read an element before they write it, and no other element after. */
const ELEMENTWISE = new Set(["Add", "Sub", "Mul", "Div", "AdamW"]);

/**
 * The outputs that may share memory with an input.
 *
 * @param nodes - of the graph, each after its inputs
 * @param pairs - input by output, of equal type and size
 * @returns names of outputs
 */
export function overwriting(
  nodes: readonly OnnxNode[],
  pairs: Readonly<Record<string, string>>,
): ReadonlySet<string> {
  const makers = new Map(nodes.flatMap((node, i) => node.outputs.map((name) => [name, i] as const)));
  const readers = readersOf(nodes);
  const before = nodes.map(({ inputs }) => inputs.flatMap((name) => makers.get(name) ?? []));
  const safe = Object.entries(pairs).filter(([output, input]) => {
    const writer = makers.get(output);
    if (writer === undefined || VIEWS.has(nodes[writer]!.op)) return false;
    const needed = ancestors(before, writer);
    return readersOfMemory(nodes, readers, input).every((reader) =>
      reader === writer ? ELEMENTWISE.has(nodes[writer]!.op) : needed[reader] === 1,
    );
  });
  return new Set(safe.map(([output]) => output));
}

function readersOf(nodes: readonly OnnxNode[]): Map<string, number[]> {
  const readers = new Map<string, number[]>();
  nodes.forEach(({ inputs }, i) => {
    for (const name of inputs) {
      const known = readers.get(name);
      if (known === undefined) readers.set(name, [i]);
      else known.push(i);
    }
  });
  return readers;
}

/** Nodes that read a value, or a view of it. */
function readersOfMemory(
  nodes: readonly OnnxNode[],
  readers: ReadonlyMap<string, readonly number[]>,
  name: string,
): number[] {
  return (readers.get(name) ?? []).flatMap((i) => {
    const { op, inputs, outputs } = nodes[i]!;
    const view = VIEWS.has(op) && inputs[0] === name;
    return view ? [i, ...readersOfMemory(nodes, readers, outputs[0]!)] : [i];
  });
}

/** 1 for every node that has to run before a node. */
function ancestors(before: readonly (readonly number[])[], node: number): Uint8Array {
  const found = new Uint8Array(before.length);
  const open = [...before[node]!];
  for (let i = open.pop(); i !== undefined; i = open.pop()) {
    if (found[i] === 1) continue;
    found[i] = 1;
    open.push(...before[i]!);
  }
  return found;
}
