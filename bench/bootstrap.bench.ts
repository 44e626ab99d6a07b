// Question: how long do intervals of 30,000 predictions take: 2,000 draws over subjects, all metrics, 40 groups?
// One step is the whole bootstrap, on one core (no threads); it has no peer, its figure is the time itself.
import { Random } from "../src/core/random.ts";
import { bootstrapTables } from "../src/evaluate/intervals/group-intervals.ts";
import { normalCdf } from "../src/evaluate/intervals/normal.ts";
import { metricsByGroup } from "../src/evaluate/metrics/groups.ts";
import { serve } from "./side.ts";
import { VERSIONS } from "./versions.ts";

const SUBJECTS = 5_000;
const IMAGES_EACH = 6;
const REPLICATES = 2_000;

function predictions() {
  const random = Random.of(42);
  return Array.from({ length: SUBJECTS }, (_, s) => {
    const own = random.normal();
    const target = (s % 2) as 0 | 1;
    const person = { subject: `s${s}`, target, race: `r${random.int(6)}`, age: `a${random.int(8)}` };
    return Array.from({ length: IMAGES_EACH }, (_, i) => ({
      ...person,
      modality: i % 2 === 0 ? "hand" : "face",
      gesture: `g${i % 3}`,
      probability: normalCdf(own + random.normal() + 3 * (target - 0.5)),
    }));
  }).flat();
}

await serve(VERSIONS, async () => {
  const rows = predictions();
  // 6 + 8 + 2 + 12 + 12 groups: 40 in all.
  const keys = [["race"], ["age"], ["modality"], ["race", "modality"]] as const;
  const tables = [
    ...keys.map((by) => metricsByGroup(rows, by)),
    metricsByGroup(
      rows.filter(({ race }) => race < "r4"),
      ["race", "gesture"],
    ),
  ];
  const groups = tables.reduce((sum, table) => sum + table.groups.length, 0);
  if (groups !== 40) throw new Error(`Expected 40 groups, got ${groups}`);
  return async () => {
    const intervals = bootstrapTables(rows, tables, { replicates: REPLICATES, seed: 1 });
    return intervals[0]!.spreads[0]!.difference.high!;
  };
});
