// Epochs of a study's tasks: totals, the time left, and what took no time.
import { expect, it } from "vitest";
import type { Task } from "../study.ts";
import { countEpochs } from "./epochs.ts";

const task = (seed: number, epochs: number) => ({ cell: { config: { epochs } }, seed }) as unknown as Task;

it("counts epochs of all tasks, and the time at the rate of those that ran", () => {
  let ms = 0;
  const [before, a, b] = [task(1, 8), task(2, 8), task(3, 4)];
  const count = countEpochs([before, a, b], [a, b], { now: () => ms });
  expect(count.text()).toBe("8 of 20 epochs; 2 runs left");
  ms = 10_000;
  count.epoch(a, 6); // resumed after its fifth
  expect(count.text()).toBe("14 of 20 epochs, 1:00 left; 2 runs left");
  ms = 20_000;
  count.epoch(b, 1);
  expect(count.text()).toBe("15 of 20 epochs, 0:50 left; 2 runs left");
  count.epoch(b, 1); // a second attempt
  count.finish(a); // stopped early
  expect(count.text()).toBe("17 of 20 epochs, 0:30 left; 1 run left");
  ms = 50_000;
  for (const number of [2, 3, 4]) count.epoch(b, number);
  count.finish(b);
  expect(count.text()).toBe("20 of 20 epochs; 0 runs left");
});
