// Bands over seeds.
import { expect, it } from "vitest";
import { inventedLog } from "../../../test/run-fixture.ts";
import type { EpochLog } from "../../train/runlog.ts";
import { bandOf, overlaySpec } from "./overlay.ts";

const better = (log: readonly EpochLog[], by: number): EpochLog[] =>
  log.map((epoch) => {
    const all = { ...epoch.val.all, loss: epoch.val.all.loss - by };
    return { ...epoch, val: { ...epoch.val, all } };
  });

it("are the mean and the range of the epochs that all seeds have reached", () => {
  const band = bandOf([inventedLog(3), better(inventedLog(2), 0.2)], "loss");
  expect(band).toEqual([
    { epoch: 1, mean: expect.closeTo(0.6), low: expect.closeTo(0.5), high: 0.7 },
    { epoch: 2, mean: expect.closeTo(0.58), low: expect.closeTo(0.48), high: expect.closeTo(0.68) },
  ]);
  expect(bandOf([inventedLog(3), []], "loss")).toEqual([]);
});

it("leave out epochs of which the figure is not defined", () => {
  const none = inventedLog(2).map((epoch, i) => {
    const all = { ...epoch.val.all, balancedAccuracy: i === 0 ? null : 0.7 };
    return { ...epoch, val: { ...epoch.val, all } };
  });
  expect(bandOf([none], "balancedAccuracy").map(({ epoch }) => epoch)).toEqual([2]);
  expect(bandOf([none], "loss")).toHaveLength(2);
});

it("differ by dashes as well as by colours, with the number of seeds", () => {
  const series = ["a", "b"].map((label) => ({ label, logs: [inventedLog(2), inventedLog(2)] }));
  const { legend } = overlaySpec(series, "balancedAccuracy");
  expect(legend.map(({ label }) => label)).toEqual(["a, 2 seeds", "b, 2 seeds"]);
  expect(new Set(legend.map(({ dash }) => dash)).size).toBe(2);
  expect(new Set(legend.map(({ color }) => color)).size).toBe(2);
});
