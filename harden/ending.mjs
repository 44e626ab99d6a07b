// A process, or a thread of one, that ends while a model runs in it: its argument names the way; it must not crash.
// Plain JavaScript over dist/, as a process for every attempt has to start quickly.
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { createSession } from "../dist/engine/runtime/open-session.js";
import { Tensor } from "../dist/engine/runtime/session.js";
import { encodeModel } from "../dist/formats/onnx.js";

const SIDE = 160;

/** A product of matrices that takes about a millisecond. */
function model() {
  const nodes = ["a", "b", "c", "y"].map((name, i, all) => {
    const inputs = [i === 0 ? "x" : all[i - 1], "x"];
    return { name, op: "MatMul", domain: "", inputs, outputs: [name], attributes: {} };
  });
  const end = (name) => ({ name, dtype: "float32", dims: ["n", "n"] });
  const graph = { name: "g", nodes, initializers: [], inputs: [end("x")], outputs: [end("y")] };
  return encodeModel({
    irVersion: 8,
    producer: "facehand",
    opsets: [{ domain: "", version: 17 }],
    metadata: {},
    graph,
  });
}

const x = new Tensor("float32", new Float32Array(SIDE * SIDE), [SIDE, SIDE]);

async function runForEver(threads) {
  const session = await createSession(model(), { threads });
  await session.run({ x });
  parentPort?.postMessage("running");
  for (;;) await session.run({ x });
}

async function startThread(threads) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { threads } });
  await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  return worker;
}

/** Ways to end; `ms` is when. */
const ENDINGS = {
  terminate: async (worker) => {
    await worker.terminate();
    const next = await startThread(1);
    await next.terminate();
  },
  exit: () => process.exit(0),
  throw: () => {
    throw new Error("uncaught");
  },
  reject: () => void Promise.reject(new Error("unhandled")),
  interrupt: () => void process.kill(process.pid, "SIGINT"),
  unref: (worker) => worker.unref(),
};

if (isMainThread) {
  const [name, ms, threads] = process.argv.slice(2);
  const worker = await startThread(Number(threads));
  if (name === "unref") void createSession(model(), { threads: 2 }); // open when the process ends
  setTimeout(() => void ENDINGS[name](worker), Number(ms));
} else await runForEver(workerData.threads);
