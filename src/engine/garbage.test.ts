// Memory of large buffers comes back at once.
import { expect, it } from "vitest";
import { collectGarbage } from "./garbage.ts";

it("gives the memory of buffers back that nobody holds", () => {
  const size = 64 * 2 ** 20;
  let held: Uint8Array | undefined = new Uint8Array(size);
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  expect(held.byteLength).toBe(size);
  held = undefined;
  collectGarbage();
  expect(before - process.memoryUsage().arrayBuffers).toBeGreaterThanOrEqual(size);
});
