// One line that shows how far a run is; only on a terminal.
import { formatSeconds } from "../src/core/progress.ts";
import type { Book } from "./book.ts";
import type { Campaign } from "./campaign.ts";

const EVERY_MS = 500;

/** Shows the line until `done`. */
export function showProgress(campaigns: readonly Campaign[], book: Book, minutes: number): { done(): void } {
  const { stderr } = process;
  if (!stderr.isTTY) return { done: () => undefined };
  const end = performance.now() + minutes * 60_000;
  const draw = () => {
    const tallies = campaigns.map(({ name }) => ({ name, ...book.tally(name) }));
    const tried = tallies.map(({ name, tried: n }) => `${name} ${n.toLocaleString("en-US")}`);
    const faults = tallies.reduce((sum, one) => sum + one.faults.length, 0);
    const left = formatSeconds(Math.max(0, end - performance.now()) / 1000);
    const line = [...tried, `faults ${faults}`, `${left} left`].join("  ");
    stderr.write(`\r\x1b[2K${line.slice(0, (stderr.columns ?? 100) - 1)}`);
  };
  const timer = setInterval(draw, EVERY_MS);
  return {
    done() {
      clearInterval(timer);
      draw();
      stderr.write("\n");
    },
  };
}
