import { describe, expect, test } from "vitest";
import { Random } from "../../core/random.ts";
import { metricsByGroup } from "../metrics/groups.ts";
import { bootstrapBySubject } from "./bootstrap.ts";
import { bootstrapTables, type GroupTableIntervals } from "./group-intervals.ts";
import { normalCdf } from "./normal.ts";

interface Row {
  subject: string;
  target: 0 | 1;
  probability: number;
  race: string;
  modality: string;
}

/** Every subject has a hand and a face; race c is drawn with a weaker signal. */
function draw(random: Random, subjects: number): Row[] {
  return Array.from({ length: subjects }, (_, s) => {
    const race = ["a", "b", "c"][s % 3]!;
    const target = (Math.floor(s / 3) % 2) as 0 | 1;
    const shift = (2 * target - 1) * (race === "c" ? 0.5 : 1.5);
    return ["hand", "face"].map((modality) => ({
      subject: `s${s}`,
      target,
      probability: normalCdf(shift + random.normal()),
      race,
      modality,
    }));
  }).flat();
}

describe("intervals of groups", () => {
  test("one group of everything has the intervals of the whole", () => {
    const rows = draw(Random.of(1), 60).map((row) => ({ ...row, race: "x" }));
    const [table] = bootstrapTables(rows, [metricsByGroup(rows, ["race"])], { seed: 3, replicates: 300 });
    const whole = bootstrapBySubject(
      rows.map((row) => row.target),
      rows.map((row) => row.probability),
      rows.map((row) => row.subject),
      { seed: 3, replicates: 300 },
    );
    expect(table!.groups).toEqual([whole]);
    expect(table!.spreads).toEqual([]);
  });

  test("groups are drawn with all subjects: their sizes vary, and tables share the draws", () => {
    const rows = draw(Random.of(2), 150);
    const byRace = metricsByGroup(rows, ["race"]);
    const both = metricsByGroup(rows, ["race", "modality"]);
    const options = { seed: 5, replicates: 200 };
    const together = bootstrapTables(rows, [byRace, both], options);
    expect(together[0]).toEqual(bootstrapTables(rows, [byRace], options)[0]);
    expect(together[1]!.groups).toHaveLength(6);
    for (const [g, { metrics }] of byRace.groups.entries()) {
      const interval = together[0]!.groups[g]!.balancedAccuracy;
      expect(interval.estimate).toBe(metrics.balancedAccuracy);
      expect(interval.low!).toBeLessThan(interval.estimate!);
      expect(interval.high!).toBeGreaterThan(interval.estimate!);
    }
  });

  test("the spread's interval follows from the groups' own, all of them at once", () => {
    const rows = draw(Random.of(4), 120);
    const table = metricsByGroup(rows, ["race"]);
    const options = { seed: 1, replicates: 500 };
    const accuracy = <T extends { metric: string }>(list: readonly T[]) =>
      list.find(({ metric }) => metric === "accuracy")!;
    const [{ groups, spreads }] = bootstrapTables(rows, [table], options) as [GroupTableIntervals];
    const each = bootstrapTables(rows, [table], { ...options, level: 1 - 0.05 / 3 })[0]!.groups;
    const [lows, highs] = [each.map((g) => g.accuracy.low!), each.map((g) => g.accuracy.high!)];
    const { difference, ratio, worst } = accuracy(spreads);
    expect(difference.low).toBe(Math.max(0, Math.max(...lows) - Math.min(...highs)));
    expect(difference.high).toBe(Math.max(...highs) - Math.min(...lows));
    expect(ratio.low).toBe(Math.min(...lows) / Math.max(...highs));
    expect(table.groups[2]!.group).toEqual({ race: "c" });
    expect(accuracy(table.comparisons).worst).toEqual({ race: "c" });
    expect(worst).toEqual(groups[2]!.accuracy); // its own interval
  });

  test("no interval of a spread leaves out its own estimate, or has no width", () => {
    const random = Random.of(17);
    let checked = 0;
    for (let round = 0; round < 40; round++) {
      // Close to the end of the scale and with few subjects: where percentiles of a spread lie beside it.
      const rows = draw(random, 66).map((row) => ({ ...row, race: `${row.race}${row.subject.length}` }));
      const table = metricsByGroup(rows, ["race"], { minSubjects: 1 });
      for (const { difference, ratio, worst } of bootstrapTables(rows, [table], {
        replicates: 100,
        seed: round,
      })[0]!.spreads) {
        for (const { estimate, low, high } of [difference, ratio, worst]) {
          if (low === null || high === null || estimate === null) continue;
          checked++;
          expect(low).toBeLessThanOrEqual(estimate);
          expect(high).toBeGreaterThanOrEqual(estimate);
          expect(high).toBeGreaterThan(low);
        }
      }
    }
    expect(checked).toBeGreaterThan(500);
  });

  test("losses are worst where they are largest", () => {
    const rows = draw(Random.of(4), 150);
    const table = metricsByGroup(rows, ["race"]);
    const spreads = bootstrapTables(rows, [table], { replicates: 100 })[0]!.spreads;
    const brier = spreads.find(({ metric }) => metric === "brier")!;
    expect(brier.worst.estimate).toBe(table.comparisons.find(({ metric }) => metric === "brier")!.max);
    expect(spreads.some(({ metric }) => (metric as string) === "ece")).toBe(false);
  });

  test("one subject gives no interval", () => {
    const rows = draw(Random.of(4), 1);
    const [table] = bootstrapTables(rows, [metricsByGroup(rows, ["modality"])], { replicates: 100 });
    expect(table!.groups[0]!.accuracy).toMatchObject({ low: null, high: null });
  });
});
