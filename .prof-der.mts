import { openDeriveWork } from "./bench/derive-work.ts";
import { pin } from "./bench/derive-frames.ts";
const work = { model: "frames", batch: 64, sizePx: Number(process.argv[2] ?? 512), threads: 1, lowering: "nchwc" } as const;
pin(1);
const { derive, clear } = await openDeriveWork(work);
for (let i = 0; i < Number(process.argv[3] ?? 8); i++) {
  const a = performance.now(), c = process.cpuUsage();
  const { frames } = await derive();
  const b = performance.now(), d = process.cpuUsage(c);
  await clear();
  console.log(frames, "wall/frame", ((b - a) / 64).toFixed(2), "cpu", ((d.user + d.system) / 64000).toFixed(2), "user", (d.user/64000).toFixed(2), "sys", (d.system/64000).toFixed(2), "clear", (performance.now()-b).toFixed(0));
}
process.exit(0);
