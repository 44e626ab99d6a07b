import { describe, expect, it } from "vitest";
import { parseSums } from "./sums.ts";

const A = "a".repeat(64);
const B = "B".repeat(64);

describe("parseSums", () => {
  it("reads what sha256sum writes, text and binary, with either line end", () => {
    const text = `${A}  train.csv\r\n${B} *./images/two words.zip\n\n`;
    expect([...parseSums(text, "SHA256SUMS")]).toEqual([
      ["train.csv", A],
      ["images/two words.zip", B.toLowerCase()],
    ]);
  });

  it.each([
    ["a hash of another length", `${A}a  x`],
    ["one blank", `${A} x`],
    ["no name", `${A}  `],
    ["a name out of the folder", `${A}  ../x`],
    ["a name from the root", `${A}  /etc/x`],
    ["a folder within that is none", `${A}  a//b`],
    ["a backslash", `${A}  a\\b`],
    ["BSD's form", `SHA256 (x) = ${A}`],
    ["a web page", "<!DOCTYPE html>"],
  ])("refuses %s, with its line", (_, line) => {
    expect(() => parseSums(`${A}  first\n${line}\n`, "there/SHA256SUMS")).toThrow(
      /^Expected a SHA-256, two blanks, and the name of a file below this folder, once for a line, got .*\(there\/SHA256SUMS:2\)$/,
    );
  });

  it("refuses a name that stands there twice", () => {
    expect(() => parseSums(`${A}  x\n${A}  x\n`, "s")).toThrow(/for a line, got .*\(s:2\)$/);
  });
});
