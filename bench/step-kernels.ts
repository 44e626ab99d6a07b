// What do operators of our own save a training step? `npm run bench -- step-kernels`: real steps with `--kernels native` and without, in
// turn in one process, once `facehand kernels build` made them. Processor time of all threads: other work on the machine matters less.
import { KERNELS } from "../src/engine/lower/nchwc/blocked.ts";
import { localStepRuntime } from "../src/train/step/local.ts";
import { withKernels } from "./kernels.ts";
import type { Work } from "./side.ts";
import { quantile } from "./statistics.ts";
import { stepRunner } from "./step-runner.ts";
import { aligned } from "./table.ts";

/** Prints a table: least and median of processor time, and their ratio to steps without. */
export async function stepKernels(work: Work, pairs: number, warmup: number): Promise<void> {
  for (const kernels of KERNELS) await withKernels("train-step", work, kernels); // refuses before anything is measured
  const names = [undefined, ...KERNELS];
  const sides = await Promise.all(
    names.map(async (kernels) => {
      const { run } = await stepRunner(work, await localStepRuntime({ threads: work.threads, kernels }));
      return { name: kernels ?? "none", run, ms: [] as number[], losses: [] as number[] };
    }),
  );
  for (let k = 0; k < warmup + pairs; k++) {
    for (const side of k % 2 === 0 ? sides : sides.toReversed()) {
      const before = process.cpuUsage();
      side.losses.push(await side.run());
      const { user, system } = process.cpuUsage(before);
      if (k >= warmup) side.ms.push((user + system) / 1000);
    }
  }
  const [first] = sides;
  const rows = sides.map(({ name, ms, losses }) => [
    ...[name, Math.min(...ms).toFixed(0), (Math.min(...ms) / Math.min(...first!.ms)).toFixed(2)],
    quantile(
      ms.map((value, i) => value / first!.ms[i]!),
      0.5,
    ).toFixed(2),
    losses
      .slice(0, 6)
      .map((loss) => loss.toFixed(5))
      .join(" "),
  ]);
  const head = ["kernels", "processor time, least, ms", "of none", "median of pairs", "losses"];
  console.log(aligned([head, ...rows]));
}
