// The smallest TensorFlow Lite models, built by the flatbuffers library field by field.
import { Builder } from "flatbuffers";

/** A table whose fields are written by position; undefined leaves one out. */
function table(b: Builder, fields: readonly (((at: number) => void) | undefined)[]): number {
  b.startObject(fields.length);
  fields.forEach((write, at) => {
    write?.(at);
  });
  return b.endObject();
}

function vector(b: Builder, offsets: readonly number[]): number {
  b.startVector(4, offsets.length, 4);
  for (const offset of [...offsets].reverse()) b.addOffset(offset);
  return b.endVector();
}

function intVector(b: Builder, values: readonly number[]): number {
  b.startVector(4, values.length, 4);
  for (const value of [...values].reverse()) b.addInt32(value);
  return b.endVector();
}

/** A model of one operator with one input and one output of shape [2]. */
export function oneOperator(
  code: { byte: number; int?: number; custom?: string },
  tensorType = 0,
): Uint8Array {
  const b = new Builder(256);
  const custom = code.custom === undefined ? 0 : b.createString(code.custom);
  const opcode = table(b, [
    (at) => b.addFieldInt8(at, code.byte, 0),
    custom === 0 ? undefined : (at) => b.addFieldOffset(at, custom, 0),
    undefined,
    (at) => b.addFieldInt32(at, code.int ?? 0, 0),
  ]);
  const opcodes = vector(b, [opcode]);
  const tensors = ["x", "y"].map((name) => {
    const [text, shape] = [b.createString(name), intVector(b, [2])];
    return table(b, [
      (at) => b.addFieldOffset(at, shape, 0),
      (at) => b.addFieldInt8(at, tensorType, 0),
      (at) => b.addFieldInt32(at, 0, 0),
      (at) => b.addFieldOffset(at, text, 0),
    ]);
  });
  const [tensorList, inputs, outputs] = [vector(b, tensors), intVector(b, [0]), intVector(b, [1])];
  const options = table(b, [(at) => b.addFieldInt8(at, 3, 0)]);
  const operator = table(b, [
    undefined,
    (at) => b.addFieldOffset(at, inputs, 0),
    (at) => b.addFieldOffset(at, outputs, 0),
    (at) => b.addFieldInt8(at, 11, 0),
    (at) => b.addFieldOffset(at, options, 0),
  ]);
  const operators = vector(b, [operator]);
  const graph = table(
    b,
    [tensorList, inputs, outputs, operators].map((offset) => (at) => b.addFieldOffset(at, offset, 0)),
  );
  const [graphs, buffers] = [vector(b, [graph]), vector(b, [table(b, [undefined])])];
  const model = table(b, [
    (at) => b.addFieldInt32(at, 3, 0),
    (at) => b.addFieldOffset(at, opcodes, 0),
    (at) => b.addFieldOffset(at, graphs, 0),
    undefined,
    (at) => b.addFieldOffset(at, buffers, 0),
  ]);
  b.finish(model, "TFL3");
  return b.asUint8Array();
}
