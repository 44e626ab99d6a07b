// The error of a thread that calls native code while its process ends.
import { once } from "node:events";
import { setEnvironmentData, Worker } from "node:worker_threads";
import { expect, it } from "vitest";

const GATE = new URL("../../../dist/engine/runtime/gate.js", import.meta.url).href;
const CODE = `
  const { parentPort } = require("node:worker_threads");
  import(${JSON.stringify(GATE)}).then(async ({ nativeCall }) => {
    const late = new Promise((resolve) => setImmediate(resolve, "nothing"));
    const answer = await Promise.race([nativeCall(() => "called").catch(() => "error"), late]);
    parentPort.postMessage(answer);
  });
`;

async function answerOfThread(ending: 0 | 1): Promise<unknown> {
  const memory = new SharedArrayBuffer(2048 * Int32Array.BYTES_PER_ELEMENT);
  new Int32Array(memory)[0] = ending;
  setEnvironmentData("facehand.native-calls", memory);
  const worker = new Worker(CODE, { eval: true });
  const [answer] = await once(worker, "message");
  await worker.terminate();
  return answer;
}

it("calls nothing in a process that ends, and throws nothing: Node 20 aborts a process of which a thread throws then", async () => {
  expect(await answerOfThread(0)).toBe("called");
  expect(await answerOfThread(1)).toBe("nothing");
});
