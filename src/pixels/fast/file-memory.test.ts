import { expect, it } from "vitest";
import { FileMemory } from "./file-memory.ts";

it("lends memory to one at a time, and the same again", () => {
  const files = new FileMemory();
  const [a, b] = [files.take(100), files.take(70_000)];
  expect([a.length, b.length]).toEqual([100, 70_000]);
  expect(a.buffer).not.toBe(b.buffer);
  files.give(a.subarray(0, 50));
  files.give(b);
  const again = files.take(65_000);
  expect([again.length, again.buffer]).toEqual([65_000, a.buffer]);
});

it("keeps no more than were lent at once", () => {
  const files = new FileMemory();
  for (let size = 1000; size < 1e6; size *= 2) files.give(files.take(size));
  const [large, other] = [files.take(500_000), files.take(500_000)];
  expect(large.buffer.byteLength).toBeGreaterThan(500_000);
  expect(other.buffer).not.toBe(large.buffer);
});

it("lends nothing that it did not lend before, and nothing twice", () => {
  const files = new FileMemory();
  const foreign = new Uint8Array(200_000);
  files.give(foreign);
  const own = files.take(100);
  expect(own.buffer).not.toBe(foreign.buffer);
  files.give(own);
  files.give(own);
  expect(files.take(100).buffer).not.toBe(files.take(100).buffer);
});
