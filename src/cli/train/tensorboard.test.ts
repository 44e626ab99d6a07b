import { expect, test } from "vitest";
import { inventedLog } from "../../../test/run-fixture.ts";
import { events } from "./tensorboard.ts";

test("an epoch is an event; what is not defined has no point; times go back from now", () => {
  const [first, second, third] = events(inventedLog(3), 1000);
  expect([first!.wallTime, second!.wallTime, third!.wallTime]).toEqual([998, 999, 1000]);
  expect(third!.step).toBe(30);
  expect(first!.scalars).toMatchObject({
    "loss/train": 0.8,
    "loss/val hand": 0.7,
    "balanced accuracy/val all": 0.6,
  });
  expect(Object.keys(first!.scalars)).not.toContain("balanced accuracy/val face");
});
