// Figures in a table's cells.
import { expect, it } from "vitest";
import { inventedPredictions } from "../../../test/run-fixture.ts";
import { summarize } from "../../evaluate/analysis/summary.ts";
import { cellOf } from "./cells.ts";
import { candidatesOf } from "./datasets.ts";
import { withLines } from "./live.ts";

const many = summarize(inventedPredictions(60), { replicates: 100 });
const few = summarize(inventedPredictions(20), { replicates: 100 });

it("are a figure with its interval over subjects, or the mean of seeds with its spread", () => {
  const value = many.overall.metrics.accuracy!;
  const { low, high } = many.overall.intervals!.accuracy;
  expect(cellOf([many], "overall", "accuracy")).toEqual({
    text: value.toFixed(3),
    beside: `[${low!.toFixed(3)}, ${high!.toFixed(3)}]`,
    value,
  });
  expect(cellOf([many, many], "overall", "accuracy")).toEqual({
    text: value.toFixed(3),
    beside: "± 0.000",
    value: expect.closeTo(value),
  });
});

it("are not shown where they rest on too few subjects", () => {
  expect(cellOf([few], "hand", "balancedAccuracy")).toEqual({ text: "too small", beside: "" });
  expect(cellOf([few], "overall", "balancedAccuracy").text).toMatch(/^0\.\d{3}\*$/);
  expect(cellOf([], "overall", "accuracy").text).toBe("-");
});

it("of a log that grows: an epoch that comes again takes the place of what was there", () => {
  const epochs = (...all: number[]) => all.map((epoch) => ({ epoch })) as never[];
  expect(withLines(epochs(1, 2, 3), epochs(4))).toEqual(epochs(1, 2, 3, 4));
  expect(withLines(epochs(1, 2, 3), epochs(2))).toEqual(epochs(1, 2));
  expect(withLines(epochs(1), [])).toEqual(epochs(1));
});

it("lead to the dataset of the same recipe, before one of the same name", () => {
  const dataset = (place: string, recipeHash: string) =>
    ({ kind: "dataset", place, dataset: { recipeHash, pairs: { train: 1, val: 1, test: 1 } } }) as never;
  const run = { run: { sources: [{ kind: "pairs", name: "pairs", images: 6, recipeHash: "a" }] } } as never;
  const things = [dataset("x/pairs", "b"), dataset("y", "a"), dataset("z/other", "b")] as { place: string }[];
  expect(candidatesOf(run, things as never).map(({ place }) => place)).toEqual(["y", "x/pairs", "z/other"]);
});
