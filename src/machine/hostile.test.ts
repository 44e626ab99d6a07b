// What errors, messages and the recognition of files make of values and texts that are meant to exhaust them.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { AppError, show, unexpected } from "../core/errors.ts";
import { parseJson } from "../core/schema.ts";
import { causeOf, endsOf } from "../core/sniff.ts";

describe("a value in a message", () => {
  it("may hold itself, be shared a million times, or have integers that JSON has not", () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    let shared: unknown = 1;
    for (let level = 0; level < 64; level++) shared = [shared, shared];
    expect(show(cycle)).toBe("a list of 1 values");
    expect(show(shared)).toBe("a list of 2 values");
    expect(show({ big: 2n ** 80n })).toBe("an object of many values");
    expect(show(new Uint8Array(10_000_000))).toBe("an object of many values");
    expect(show([1, { a: "b" }])).toBe('[1,{"a":"b"}]');
    expect(show("x".repeat(10_000_000))).toHaveLength(80);
  });

  it("and its message are at most 2 KB, with their beginning and end", () => {
    for (const letter of ["n", "ä", "😀"]) {
      const name = letter.repeat(1_000_000);
      const error = unexpected("data", {
        code: "X",
        expected: "a name",
        name,
        got: name,
        where: "a.pt",
        hint: name,
      });
      expect(Buffer.byteLength(error.message)).toBeLessThanOrEqual(2048);
      expect(Buffer.byteLength(error.hint!)).toBeLessThanOrEqual(2048);
      expect(error.message).toMatch(/^Expected a name for /);
      expect(error.message.endsWith("(a.pt)")).toBe(true);
      expect(error.message).not.toContain("\ufffd");
    }
  });
});

it("JSON that nests too deep for a schema is an AppError", () => {
  for (const [open, close] of [
    ["[", "]"],
    ['{"a":', "}"],
  ] as const) {
    const text = `${open.repeat(100_000)}1${close.repeat(100_000)}`;
    expect(() => parseJson(text, z.json(), "x.json")).toThrow(AppError);
    expect(() => parseJson(text, z.json(), "x.json")).toThrow("values nested too deep");
  }
});

it("a thousand comments that lead to no page are passed over once", () => {
  const page = (text: string) => causeOf(endsOf(Buffer.from(text)), [])?.got;
  expect(page(`${"<!---->".repeat(580)}<!--`)).toMatch(/^text: /);
  expect(page(`${"<!-- a -->\n".repeat(200)}<html>`)).toBe("a web page");
});
