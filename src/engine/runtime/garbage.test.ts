// What nobody holds any more is gone at once.
import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { collectGarbage } from "./garbage.ts";

it("collects buffers that nobody holds", async () => {
  const dropped = new WeakRef(new Uint8Array(2 ** 20));
  await setImmediate(); // a weak reference keeps its target until the end of the task that made it
  expect(dropped.deref()).toBeDefined();
  await setImmediate();
  collectGarbage();
  expect(dropped.deref()).toBeUndefined();
});
