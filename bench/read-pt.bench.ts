// Question: how fast is a PyTorch file of 246 MB read, and how much memory does it take, beside torch.load? It holds the
// weights of tf_efficientnetv2_s and two moments of each (--model takes another), written by this package. Memory is what
// the process had at most beyond what it had before reading; the file lies in the system's cache on both sides.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Random } from "../src/core/random.ts";
import { readStateDict } from "../src/formats/torch/torch.ts";
import { writeTorch } from "../src/formats/torch/write.ts";
import { backbone } from "../src/models/backbones/registry.ts";
import { umcc } from "../src/models/umcc.ts";
import { declaredSpecs } from "../src/train/step/graph.ts";
import { serve } from "./side.ts";
import { VERSIONS } from "./versions.ts";

const COPIES = ["weights", "exp_avg", "exp_avg_sq"];

/** bench/peer/read_pt.py reads the same. */
const fileOf = (model: string) => join(tmpdir(), `facehand-bench-${model}.pt`);

async function makeFile(model: string): Promise<void> {
  const random = Random.of(0);
  const specs = declaredSpecs(umcc({ backbone: backbone(model), flag: true }), 224);
  const tensors = COPIES.flatMap((copy) =>
    specs.map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const values = Float32Array.from({ length: size }, () => random.uniform(-1, 1));
      return {
        name: `${copy}.${name}`,
        dtype: "float32" as const,
        shape: [...shape],
        data: new Uint8Array(values.buffer),
      };
    }),
  );
  await writeTorch(fileOf(model), tensors);
}

const [order, made] = process.argv.slice(2) as [string, string?];
if (made !== undefined) await makeFile(made);
else
  await serve(VERSIONS, async ({ model }) => {
    const path = fileOf(model);
    // In a process of its own, whose memory is not this one's.
    if (!existsSync(path)) spawnSync(process.execPath, [...process.execArgv, process.argv[1]!, order, model]);
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void; // what the step before read is no memory of this one
    collect();
    const step = async () => {
      collect();
      let bytes = 0;
      for (const { data } of (await readStateDict(path)).values()) bytes += data.length + data[0]! / 256;
      return bytes;
    };
    return { step, baseMb: process.memoryUsage().rss / 2 ** 20 };
  });
