// ◇ Browser-safe. How graphs of training are lowered: by the rules of all operations, in blocks of channels where the processor has
// them. Apart from emit.ts, so that a page that predicts loads neither.
import { type Lowerer, plainly } from "./emit.ts";
import { Blocks, inRows, type Kernels } from "./nchwc/blocked.ts";
import { lowerBlocked } from "./nchwc/nchwc.ts";
import { PLAIN } from "./plain-training.ts";

/**
 * The lowering of all operations.
 *
 * @param block - block size of the NCHWc lowering (ort-node's probeBlock); the plain one if left out
 * @param kernels - operators of our own that may stand in blocks of their size; none if left out
 * @example emitGraph({ outputs, lowering: training(16) })
 */
export function training(block?: number, kernels?: Kernels): Lowerer {
  return block === undefined ? plainly(PLAIN) : blocked(block, kernels);
}

const blocked =
  (block: number, kernels: Kernels | undefined): Lowerer =>
  (writer, readers) => {
    const blocks = new Blocks(writer, block, readers, kernels);
    return {
      lower: (node) => lowerBlocked(blocks, node),
      give: (value, name) => blocks.set(value, inRows(name)),
      nameOf: (value) => blocks.plain(value),
    };
  };
