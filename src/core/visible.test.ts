import { describe, expect, it } from "vitest";
import { AppError, unexpected } from "./errors.ts";
import { MESSAGE_BYTES, oneLine, shortened, visible, visibleLines } from "./visible.ts";

/** What terminals obey or hide, by name; made of numbers, so that this file shows them. */
const HOSTILE: Readonly<Record<string, readonly number[]>> = {
  "a line end": [0x0a],
  "a carriage return": [0x0d],
  "a tab": [0x09],
  "a backspace": [0x08],
  "an escape sequence": [0x1b, 0x5b, 0x32, 0x4a],
  "a C1 sequence": [0x9b, 0x32, 0x4a],
  "a delete": [0x7f],
  "a next line": [0x85],
  "line and paragraph separators": [0x2028, 0x2029],
  "a soft hyphen": [0xad],
  "an Arabic letter mark": [0x61c],
  "zero widths": [0x200b, 0x200c, 0x200d, 0x2060, 0xfeff],
  "direction marks": [0x200e, 0x200f],
  overrides: [0x202a, 0x202b, 0x202c, 0x202d, 0x202e],
  isolates: [0x2066, 0x2067, 0x2068, 0x2069],
  "variation selectors": [0xfe0f, 0xe0100],
  tags: [0xe0001, 0xe0041, 0xe007f],
  "fillers that show nothing": [0x115f, 0x3164, 0xffa0],
  "half a pair": [0xd800],
};

const textOf = (codes: readonly number[]) => codes.map((code) => String.fromCodePoint(code)).join("");

describe("visible", () => {
  it.each(Object.entries(HOSTILE))("writes %s out, as JSON would", (_, codes) => {
    const text = `a${textOf(codes)}b`;
    const shown = visible(text);
    for (const code of codes.filter((each) => each < 0x20 || each > 0x7e))
      expect(shown).not.toContain(String.fromCodePoint(code));
    expect(JSON.parse(`"${shown}"`)).toBe(text);
    expect(visible(shown)).toBe(shown);
  });

  it.each(["palm.jpg", "Grüße, 手 ✋ é", "a\\u0041 \\n", "שלום", "-0.021 ± 0.003"])(
    "leaves %s as it is",
    (text) => expect(visible(text)).toBe(text),
  );

  it("keeps line ends of its own only where it is asked to", () => {
    expect(visibleLines("a\n\r\u001b[31mb")).toBe("a\n\\r\\u001b[31mb");
    expect(oneLine(" first\r\n\tsecond\u2028third ")).toBe("first second third");
  });
});

describe("shortened", () => {
  it("keeps both ends, cuts no sign, and counts bytes", () => {
    for (const sign of ["a", "ü", "手", "✋", "𝒳"]) {
      const long = shortened(`begin ${sign.repeat(100_000)} end (file:7)`);
      expect(Buffer.byteLength(long)).toBeLessThanOrEqual(MESSAGE_BYTES);
      expect(Buffer.byteLength(long)).toBeGreaterThan(MESSAGE_BYTES - 16);
      expect(long).toMatch(/^begin .* … .* end \(file:7\)$/u);
      expect(visible(long)).toBe(long); // no half of a pair
    }
    expect(shortened("short")).toBe("short");
  });
});

describe("an error", () => {
  it("is one line of at most 2 KB, whatever it quotes", () => {
    const bad = `x\u001b]0;owned\u0007\nfake: all is well\u202e${"y".repeat(10_000)}`;
    const { message, hint } = new AppError("data", "X", `Expected a, got ${bad}`, { hint: bad });
    for (const text of [message, hint!]) {
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MESSAGE_BYTES);
      expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(text).toContain("x\\u001b]0;owned\\u0007\\nfake: all is well\\u202e");
    }
  });

  it("shows a value with its file and row on that line", () => {
    const got = "a\nb\u202ec";
    const error = unexpected("data", {
      code: "X",
      expected: "a",
      name: "column b",
      got,
      where: "x\ny.csv:2",
    });
    expect(error.message).toBe('Expected a for column b, got "a\\nb\\u202ec" (x\\ny.csv:2)');
  });

  it("has further lines of its own only", () => {
    const error = new AppError("data", "X", "Expected good records, got 2 bad ones:", {
      lines: ["first\nfake", "s".repeat(5000)],
    });
    const lines = error.message.split("\n");
    expect(lines.slice(0, 2)).toEqual(["Expected good records, got 2 bad ones:", "  first\\nfake"]);
    expect(lines).toHaveLength(3);
    expect(lines[2]!.length).toBeLessThan(410);
  });
});
