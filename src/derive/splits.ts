// Subject-exclusive train, validation and test sets with like groups in each.
// Source: our own greedy rule in the manner of iterative stratification (Sechidis et al. 2011), by subject.
// Invariant: one subject, one split; the result depends on the seed and the pairs, not on the order of subjects.
import { AppError, unexpected } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import { SPLITS, type Split } from "../data/record.ts";

export type Fractions = Readonly<Record<Split, number>>;

/** As the published dataset is split. */
export const DEFAULT_FRACTIONS: Fractions = { train: 0.76, val: 0.09, test: 0.15 };

/** What a pair counts for: its subject and its groups (gender, age, race, gesture). */
export interface Stratified {
  readonly subject: string;
  readonly groups: readonly string[];
}

/** The number of pairs weighs as much as all single groups together; each cell of their product as one group. */
const TOTAL_WEIGHT = 4;
const MAX_PASSES = 20;

interface Subject {
  readonly id: string;
  /** Feature index and number of the subject's pairs that have it. */
  readonly counts: readonly (readonly [number, number])[];
  readonly size: number;
}

/**
 * Deals subjects into splits so that the number of pairs and the groups, alone and jointly, come near the
 * fractions. Large subjects go first, each to the split that most lacks what it brings; then single subjects
 * are moved while that lowers the sum of squared deviations. Every split with a fraction gets a subject.
 *
 * @param pairs - one entry a pair
 * @param fractions - non-negative, sum 1, train above 0
 * @param seed - breaks ties
 * @returns the split of every subject
 * @throws AppError("input", "SPLIT_FRACTIONS"), AppError("data", "TOO_FEW_SUBJECTS")
 * @example assignSplits(pairs, DEFAULT_FRACTIONS, 42).get(userId)
 */
export function assignSplits(
  pairs: readonly Stratified[],
  fractions: Fractions,
  seed: number,
): Map<string, Split> {
  const used = checkFractions(fractions);
  const { subjects, totals, weights } = gather(pairs, seed);
  if (subjects.length < used.length) {
    const expected = `at least ${used.length} subjects, one a split,`;
    const e = { code: "TOO_FEW_SUBJECTS", expected, name: "the pairs that were kept", got: subjects.length };
    throw unexpected("data", { ...e, hint: "take more gestures, or see ledger.csv for what was removed" });
  }
  const board = new Board(fractions, totals, weights);
  for (const subject of subjects)
    board.put(
      subject,
      best(used, (split) => board.lack(subject, split)),
    );
  for (let pass = 0; pass < MAX_PASSES && improve(board, subjects, used); pass++);
  for (const split of used) fill(board, subjects, split);
  return board.placed;
}

/**
 * HaGRID's own splits.
 *
 * @param found - splits of the source in which each subject has pairs
 * @throws AppError("data", "SUBJECT_IN_TWO_SPLITS") if the source divides a subject
 */
export function sourceSplits(found: ReadonlyMap<string, ReadonlySet<Split>>): Map<string, Split> {
  return new Map(
    [...found].map(([subject, splits]) => {
      const [split, other] = splits;
      if (other === undefined) return [subject, split!];
      const e = { code: "SUBJECT_IN_TWO_SPLITS", expected: "one split", name: `subject ${subject}` };
      throw unexpected("data", { ...e, got: [...splits].join(" and "), hint: "leave out --splits hagrid" });
    }),
  );
}

/** How subjects come into splits: dealt here, like groups in each, or as HaGRID has them. */
export const SPLIT_KINDS = ["balanced", "hagrid"] as const;
export type SplitKind = (typeof SPLIT_KINDS)[number];

function checkFractions(fractions: Fractions): Split[] {
  const values = SPLITS.map((split) => fractions[split]);
  const sum = values.reduce((a, b) => a + b, 0);
  if (values.every((v) => v >= 0) && fractions.train > 0 && Math.abs(sum - 1) < 1e-9) {
    return SPLITS.filter((split) => fractions[split] > 0);
  }
  const expected = "fractions from 0 to 1 with sum 1 and some train";
  throw unexpected("input", { code: "SPLIT_FRACTIONS", expected, name: "the split", got: fractions });
}

/** Numbers the features, counts them by subject and orders the subjects: large first, ties by the seed. */
function gather(pairs: readonly Stratified[], seed: number) {
  const index = new Map<string, number>();
  const totals: number[] = [];
  const weights: number[] = [];
  const bySubject = new Map<string, Map<number, number>>();
  for (const { subject, groups } of sorted(pairs)) {
    const names = ["all", ...groups.map((group, i) => `${i}=${group}`), `joint=${groups.join("\u0000")}`];
    const counts = bySubject.get(subject) ?? new Map<number, number>();
    bySubject.set(subject, counts);
    for (const name of names) {
      const known = index.get(name);
      const at = known ?? totals.push(0) - 1;
      if (known === undefined) {
        index.set(name, at);
        weights.push(name === "all" ? TOTAL_WEIGHT : 1);
      }
      totals[at]!++;
      counts.set(at, (counts.get(at) ?? 0) + 1);
    }
  }
  const ids = Random.of(seed)
    .split("splits")
    .shuffle([...bySubject.keys()].sort());
  const all = index.get("all");
  const subjects = ids.map((id): Subject => {
    const counts = bySubject.get(id)!;
    return { id, counts: [...counts], size: counts.get(all!)! };
  });
  return { subjects: subjects.sort((a, b) => b.size - a.size), totals, weights };
}

/** Sums of floats depend on their order, ties on sums: the order of the input must not matter. */
function sorted(pairs: readonly Stratified[]): Stratified[] {
  const keyed = pairs.map((pair) => ({ pair, key: [pair.subject, ...pair.groups].join("\u0000") }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ pair }) => pair);
}

/** Where subjects lie, and how far each split is from its share of each feature. */
class Board {
  readonly placed = new Map<string, Split>();
  readonly #fractions: Fractions;
  readonly #totals: readonly number[];
  readonly #weights: readonly number[];
  readonly #seen: Float64Array;
  readonly #in: Record<Split, Float64Array>;

  constructor(fractions: Fractions, totals: readonly number[], weights: readonly number[]) {
    const zeros = () => new Float64Array(totals.length);
    this.#fractions = fractions;
    this.#totals = totals;
    this.#weights = weights;
    this.#seen = zeros();
    this.#in = { train: zeros(), val: zeros(), test: zeros() };
  }

  put(subject: Subject, split: Split): void {
    this.placed.set(subject.id, split);
    for (const [f, x] of subject.counts) {
      this.#seen[f]! += x;
      this.#in[split][f]! += x;
    }
  }

  /** Excess of a split over its share of what is dealt so far, this subject's groups only: lowest is neediest. */
  lack({ counts }: Subject, split: Split): number {
    let sum = 0;
    for (const [f, x] of counts) {
      const excess = this.#in[split][f]! - this.#fractions[split] * (this.#seen[f]! + x);
      sum += (this.#weights[f]! * x * excess) / this.#totals[f]!;
    }
    return sum;
  }

  /** Change of the weighted sum of squared deviations if the subject moved. */
  moveGain({ id, counts }: Subject, to: Split): number {
    const from = this.placed.get(id)!;
    let sum = 0;
    for (const [f, x] of counts) {
      const deviation = (split: Split) => this.#in[split][f]! - this.#fractions[split] * this.#totals[f]!;
      sum += (this.#weights[f]! * 2 * x * (deviation(to) - deviation(from) + x)) / this.#totals[f]!;
    }
    return sum;
  }

  move(subject: Subject, to: Split): void {
    const from = this.#in[this.placed.get(subject.id)!];
    for (const [f, x] of subject.counts) {
      from[f]! -= x;
      this.#in[to][f]! += x;
    }
    this.placed.set(subject.id, to);
  }
}

function improve(board: Board, subjects: readonly Subject[], splits: readonly Split[]): boolean {
  let moved = false;
  for (const subject of subjects) {
    const others = splits.filter((split) => split !== board.placed.get(subject.id));
    const to = best(others, (split) => board.moveGain(subject, split));
    if (to === undefined || board.moveGain(subject, to) >= -1e-9) continue;
    board.move(subject, to);
    moved = true;
  }
  return moved;
}

/** Gives an empty split the subject that fits it best, from a split that keeps one. */
function fill(board: Board, subjects: readonly Subject[], split: Split): void {
  const sizes = new Map<Split, number>();
  for (const place of board.placed.values()) sizes.set(place, (sizes.get(place) ?? 0) + 1);
  if (sizes.has(split)) return;
  const spare = subjects.filter(({ id }) => sizes.get(board.placed.get(id)!)! > 1);
  const subject = best(spare, (candidate) => board.moveGain(candidate, split));
  if (subject === undefined) throw new AppError("internal", "SPLIT_FILL", `No subject to spare for ${split}`);
  board.move(subject, split);
}

function best<T>(items: readonly T[], cost: (item: T) => number): T;
function best<T>(items: readonly T[], cost: (item: T) => number): T | undefined {
  let found: T | undefined;
  let lowest = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const value = cost(item);
    if (value < lowest) [found, lowest] = [item, value];
  }
  return found;
}
