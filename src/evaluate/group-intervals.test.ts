import { describe, expect, test } from "vitest";
import { Random } from "../core/random.ts";
import { bootstrapBySubject } from "./bootstrap.ts";
import { bootstrapTables } from "./group-intervals.ts";
import { metricsByGroup } from "./groups.ts";
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
    const rows = draw(Random.of(1), 40).map((row) => ({ ...row, race: "x" }));
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
    const rows = draw(Random.of(2), 90);
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

  test("the spread's interval is that of max - min in every draw", () => {
    const rows = draw(Random.of(4), 60);
    const table = metricsByGroup(rows, ["race"]);
    const options = { seed: 1, replicates: 150 };
    const spread = bootstrapTables(rows, [table], options)[0]!.spreads.find(
      ({ metric }) => metric === "accuracy",
    )!;
    const names = [...new Set(rows.map((row) => row.subject))];
    const random = Random.of(1).split("bootstrap");
    const draws = Array.from({ length: 150 }, () => {
      const drawn = names.map(() => names[random.int(names.length)]!);
      const accuracies = ["a", "b", "c"].map((race) => {
        const own = drawn.flatMap((name) => rows.filter((row) => row.subject === name && row.race === race));
        return own.filter((row) => (row.probability >= 0.5 ? 1 : 0) === row.target).length / own.length;
      });
      return {
        difference: Math.max(...accuracies) - Math.min(...accuracies),
        worst: Math.min(...accuracies),
      };
    });
    const quantile = (values: number[], q: number) => {
      const sorted = [...values].sort((a, b) => a - b);
      const at = q * (sorted.length - 1);
      const low = Math.floor(at);
      return sorted[low]! + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)]! - sorted[low]!);
    };
    for (const name of ["difference", "worst"] as const) {
      const values = draws.map((draw) => draw[name]);
      expect(spread[name].low).toBeCloseTo(quantile(values, 0.025), 12);
      expect(spread[name].high).toBeCloseTo(quantile(values, 0.975), 12);
    }
    expect(table.comparisons.find(({ metric }) => metric === "accuracy")!.worst).toEqual({ race: "c" });
  });

  test("losses are worst where they are largest", () => {
    const rows = draw(Random.of(4), 60);
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
