// A network of a few layers whose outputs depend on all of them as strongly as on the last: drawn weights of whole backbones fade.
import { Random } from "../../../src/core/random.ts";
import { emitGraph } from "../../../src/engine/lower/emit.ts";
import type { Provider } from "../../../src/engine/lower/writer.ts";
import {
  activation,
  constant,
  conv2d,
  globalAveragePool,
  imageToTensor,
  input,
  linear,
} from "../../../src/engine/ops.ts";
import { Tensor } from "../../../src/engine/runtime/session.ts";

const SIDE = 16;
const WIDTH = 8;

/** The encoded model, of the input `images` and the output `made`. */
export function tinyModel(provider: Provider): Uint8Array {
  const random = Random.of(11);
  const drawn = (...shape: number[]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return constant(
      Float32Array.from({ length: size }, () => random.uniform(-1, 1)),
      shape,
    );
  };
  const conv = { stride: [2, 2], padding: [1, 1, 1, 1], groups: 1 } as const;
  const x = imageToTensor(input("images", [2, SIDE, SIDE, 3], "uint8"), [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]);
  const stem = activation("silu", conv2d(x, drawn(WIDTH, 3, 3, 3), conv));
  const each = activation(
    "relu",
    conv2d(stem, drawn(WIDTH, 1, 3, 3), { ...conv, stride: [1, 1], groups: WIDTH }),
  );
  const made = linear(globalAveragePool(each), drawn(4, WIDTH), drawn(4));
  return emitGraph({ outputs: { made }, provider }).model;
}

/** Images for it. */
export function tinyImages(): Tensor {
  const random = Random.of(12);
  const pixels = Uint8Array.from({ length: 2 * SIDE * SIDE * 3 }, () => random.int(256));
  return new Tensor("uint8", pixels, [2, SIDE, SIDE, 3]);
}
