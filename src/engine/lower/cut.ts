// ◇ Browser-safe. Cuts a graph in two where what is learnt begins: below, everything follows from the images and from
// values that stay as they are, so that it can be compiled with those as constants.
import { isNode, type Node, topological, type Value } from "../graph.ts";

/**
 * The values at which what learns takes over.
 *
 * @param outputs - of the whole graph
 * @param images - what is given anew each time
 * @param still - parameters and statistics that never change
 * @returns values that depend on images and on nothing that changes, read by what does; none if no parameter lies below
 */
export function cutBelow(
  outputs: readonly Value[],
  images: ReadonlySet<Value>,
  still: ReadonlySet<Value>,
): readonly Value[] {
  const order = topological(outputs);
  const kinds = new Map<Node, Kind>();
  const kindOf = (value: Value): Kind =>
    images.has(value) ? "below" : still.has(value) ? "still" : kinds.get(value.node)!;
  let parameters = false;
  const cut = new Set<Value>();
  for (const node of order) {
    const inputs = node.inputs as readonly Value[];
    const kind = kindOfNode(node, inputs.map(kindOf));
    kinds.set(node, kind);
    if (kind === "below" && inputs.some((value) => still.has(value))) parameters = true;
    if (kind !== "above") continue;
    for (const value of inputs) if (kindOf(value) === "below") cut.add(value);
  }
  for (const value of outputs) if (kindOf(value) === "below") cut.add(value);
  return parameters ? [...cut] : [];
}

/** `still` depends on nothing that is given, `below` on images alone, `above` on what learns or is drawn. */
type Kind = "still" | "below" | "above";

function kindOfNode(node: Node, inputs: readonly Kind[]): Kind {
  if (isNode(node, "input")) return "above";
  if (inputs.includes("above")) return "above";
  return inputs.includes("below") ? "below" : "still";
}
