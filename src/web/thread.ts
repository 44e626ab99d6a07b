// ◇ Browser-safe. The threads of the page: what one does is its name. One entry, so that the page has what several do (readers of
// tables, schemas, networks, ONNX Runtime's code) once, and not for each.
// Invariant: what is asked before a thread's code is there waits for it, in order.

const CODE: Readonly<Record<string, () => Promise<{ readonly heard: (event: MessageEvent) => unknown }>>> = {
  table: () => import("./table/worker.ts"),
  runs: () => import("./runs/worker.ts"),
  predict: () => import("./predict/worker.ts"),
  tune: () => import("./tune/worker.ts"),
};

const code = CODE[self.name]!();

self.addEventListener("message", async (event) => (await code).heard(event));
