import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { codeArgs, moduleOf } from "../../test/process.ts";
import { peakBytes } from "./peak-memory.ts";

it("is of this process, not of the larger one that started it", () => {
  const held = Buffer.alloc(300 << 20, 1);
  expect(peakBytes()).toBeGreaterThan(held.byteLength);
  const code = `const { peakBytes } = await import(${moduleOf("machine/peak-memory.ts")}); console.log(peakBytes());`;
  const bytes = Number(execFileSync(process.execPath, codeArgs(code), { encoding: "utf8" }));
  expect(bytes).toBeGreaterThan(10 << 20);
  expect(bytes).toBeLessThan(held.byteLength);
  expect(held[7]).toBe(1);
});
