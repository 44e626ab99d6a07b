// Protocol buffers against the examples of protobuf.dev/programming-guides/encoding, and bytes written by hand.
import { describe, expect, it } from "vitest";
import { decodeMessage, encodeMessage, kindsOf } from "./protobuf.ts";

const { Test } = kindsOf({
  Test: {
    a: ["", "int32", 1],
    b: ["", "string", 2],
    c: ["", "Test", 3],
    d: ["repeated", "Test", 4],
    e: ["repeated", "int32", 5],
    f: ["repeated", "int32", 6],
    g: ["", "bytes", 7],
    h: ["repeated", "int64", 8],
    i: ["", "float", 9],
    j: ["", "double", 10],
  },
});

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const of = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
/** What a message of nothing is read as. */
const NONE = { a: 0, b: "", d: [], e: [], f: [], h: [] };

interface Test {
  readonly [field: string]: unknown;
  readonly c?: Test;
  readonly d?: readonly Test[];
}

function asRead(message: Test): Test {
  const { c, d = [] } = message;
  return { ...NONE, ...message, ...(c && { c: asRead(c) }), d: d.map(asRead) };
}

describe("messages", () => {
  it.each([
    ["08 96 01", { a: 150 }],
    ["08 fe ff ff ff ff ff ff ff ff 01", { a: -2 }],
    ["12 07 74 65 73 74 69 6e 67", { b: "testing" }],
    ["1a 03 08 96 01", { c: { a: 150 } }],
    ["12 00", { b: "" }],
    ["28 01 28 02 28 03", { e: [1, 2, 3] }],
    ["40 ff ff ff ff ff ff ff ff 7f 40 80 80 80 80 80 80 80 80 80 01", { h: [2n ** 63n - 1n, -(2n ** 63n)] }],
    ["4d 00 00 80 bf 51 00 00 00 00 00 00 e0 3f", { i: -1, j: 0.5 }],
    ["22 00 22 02 08 01", { d: [{}, { a: 1 }] }],
  ])("%s", (bytes, message) => {
    expect(hex(encodeMessage(Test, message))).toBe(bytes.replaceAll(" ", ""));
    expect(decodeMessage(Test, of(bytes))).toEqual(asRead(message));
  });

  it("are read with packed numbers, and joined where one is there twice", () => {
    expect(decodeMessage(Test, of("32 06 03 8e 02 9e a7 05 30 01"))).toMatchObject({
      f: [3, 270, 86942, 1],
    });
    expect(decodeMessage(Test, of("1a 02 28 01 1a 04 28 02 08 07"))).toMatchObject({
      c: { a: 7, e: [1, 2] },
    });
    expect(decodeMessage(Test, of("08 01 08 02"))).toMatchObject({ a: 2 });
  });

  it("are read past fields of other numbers and kinds", () => {
    const others =
      "a0 06 05 a5 06 00 00 00 00 a1 06 00 00 00 00 00 00 00 00 a2 06 01 41 a3 06 08 01 a4 06 0d 00 00 00 00";
    expect(decodeMessage(Test, of(`${others} 08 03`))).toEqual({ ...NONE, a: 3 });
  });

  it.each([
    ["a length beyond the end", "12 07 74 65"],
    ["an inner length beyond the end of its message", "1a 03 12 07 74 65 73 74 69 6e 67"],
    ["a packed list beyond the end of its message", "1a 02 32 06 03 03 03 03 03 03"],
    ["a packed list that ends within a number", "32 01 80 01 08 01"],
    ["a number without its end", "08 96"],
    ["a float without its end", "4d 00 00"],
    ["a field of number 0", "00 01"],
    ["an end of no group", "0c"],
    ["a group without its end", "a3 06 08 01"],
    ["groups in groups", "a3 06 ".repeat(200)],
  ])("with %s are refused", (_, bytes) => {
    expect(() => decodeMessage(Test, of(bytes))).toThrow(Error);
  });

  it("hold long bytes at any depth, byte for byte", () => {
    const long = Uint8Array.from({ length: 5000 }, (_, i) => i);
    const inner = { a: 1, g: long };
    const bytes = encodeMessage(Test, { b: "x", c: inner, d: [inner, { g: long.subarray(0, 10) }], i: 2 });
    const length = "8d 27"; // 5005 = 2 of `a`, 3 of the head of `g`, 5000
    const one = `08 01 3a 88 27 ${hex(long)}`;
    const short = `22 0c 3a 0a ${hex(long.subarray(0, 10))}`;
    const wanted = `12 01 78 1a ${length} ${one} 22 ${length} ${one} ${short} 4d 00 00 00 40`;
    expect(hex(bytes)).toBe(wanted.replaceAll(" ", ""));
    expect(decodeMessage(Test, bytes)).toMatchObject({ c: inner, d: [inner, { g: long.subarray(0, 10) }] });
  });
});
