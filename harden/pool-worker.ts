// Thread of the pools in harden/interleave-real.ts: negates a number with a session of its own, which it closes at the end.
import { parentPort } from "node:worker_threads";
import { createSession } from "../src/engine/runtime/open-session.ts";
import { Tensor } from "../src/engine/runtime/session.ts";
import { serveWorker } from "../src/machine/pool.ts";
import { SIGNS } from "./interleave.ts";

const opening = createSession(SIGNS, { threads: 1 });
serveWorker<number, number>(
  parentPort,
  async (value) => {
    const { z } = await (await opening).run({ x: new Tensor("float32", Float32Array.of(value), [1]) }, ["z"]);
    return { value: (z!.data as Float32Array)[0]! };
  },
  async () => (await opening).release(),
);
