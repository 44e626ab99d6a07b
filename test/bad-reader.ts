// A process that speaks as harden/mutants-child.ts does and fails as no reader may, by the seed that it is given.
import { writeSync } from "node:fs";

interface Order {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
}

const say = (line: string) => writeSync(1, `${line}\n`);
const buffers: Buffer[] = [];

const FAILURES: readonly (() => void)[] = [
  () => undefined,
  () => {
    for (;;); // never ends
  },
  () => {
    for (let n = 0; n < 60; n++) buffers.push(Buffer.alloc(8 << 20, 1));
    const until = performance.now() + 1500;
    while (performance.now() < until);
  },
  () => process.exit(9),
  () => say("fault 3 json 10: no AppError: TypeError"),
];

process.on("message", ({ seed, from, to }: Order) => {
  for (let n = from; n < to; n++) {
    say(`read ${n} json 10`);
    if (n === 3) FAILURES[seed]!();
  }
  say("done");
});
process.on("disconnect", () => process.exit(0));
say("ready");
