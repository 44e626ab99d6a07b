// Subject-exclusive train, validation and test sets of pairs, with similar groups in each.
// Source: our own greedy rule in the manner of iterative stratification (Sechidis et al. 2011), by subject.
// Invariant: one subject, one split; the result depends on the seed and the pairs, not on the order of subjects.
import { AppError, unexpected } from "../../core/errors.ts";
import { Random } from "../../core/random.ts";
import { SPLITS, type Split } from "../../core/words.ts";

/** Shares of the pairs, not of the subjects as where training deals images (dataset/sources/split.ts). */
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
  /** Feature index and number of the subject's pairs that have it, by turns. */
  readonly counts: Int32Array;
  readonly size: number;
}

/** The pairs that are to be dealt, as counts: some ten bytes a pair. */
export class Strata {
  /** Numbers of combinations of groups, as often as the subject has them. */
  readonly #bySubject = new Map<string, number[]>();
  readonly #numbers = new Map<string, number>();
  readonly #combinations: (readonly string[])[] = [];

  static of(pairs: Iterable<Stratified>): Strata {
    const strata = new Strata();
    for (const pair of pairs) strata.add(pair);
    return strata;
  }

  add({ subject, groups }: Stratified): void {
    const joint = groups.join("\u0000");
    let number = this.#numbers.get(joint);
    if (number === undefined) {
      number = this.#combinations.push(groups) - 1;
      this.#numbers.set(joint, number);
    }
    const own = this.#bySubject.get(subject);
    if (own === undefined) this.#bySubject.set(subject, [number]);
    else own.push(number);
  }

  /** By subject, then combination, each with its count: sums of floats depend on the order, which must not be the input's. */
  *sorted(): Generator<{ subject: string; cells: readonly { groups: readonly string[]; count: number }[] }> {
    const order = [...this.#numbers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, number]) => number);
    const rank = new Int32Array(order.length);
    for (const [place, number] of order.entries()) rank[number] = place;
    for (const subject of [...this.#bySubject.keys()].sort()) {
      const ranks = Int32Array.from(this.#bySubject.get(subject)!, (number) => rank[number]!).sort();
      const cells: { groups: readonly string[]; count: number }[] = [];
      for (let i = 0; i < ranks.length; ) {
        let end = i + 1;
        while (ranks[end] === ranks[i]) end++;
        cells.push({ groups: this.#combinations[order[ranks[i]!]!]!, count: end - i });
        i = end;
      }
      yield { subject, cells };
    }
  }
}

/**
 * Deals subjects into splits so that the number of pairs and the groups, alone and jointly, come near the
 * fractions. Large subjects go first, each to the split that most lacks what it brings; then single subjects
 * are moved while that lowers the sum of squared deviations. Every split with a fraction gets a subject.
 *
 * @param strata - of all pairs
 * @param fractions - non-negative, sum 1, train above 0
 * @param seed - breaks ties
 * @returns the split of every subject
 * @throws AppError("input", "SPLIT_FRACTIONS"), AppError("data", "TOO_FEW_SUBJECTS")
 * @example assignSplits(Strata.of(pairs), DEFAULT_FRACTIONS, 42).get(userId)
 */
export function assignSplits(strata: Strata, fractions: Fractions, seed: number): Map<string, Split> {
  const used = checkFractions(fractions);
  const { subjects, totals, weights } = gather(strata, seed);
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

/**
 * The splits that shares give subjects to.
 *
 * @throws AppError("input", "SPLIT_FRACTIONS")
 */
export function checkFractions(fractions: Fractions): Split[] {
  const values = SPLITS.map((split) => fractions[split]);
  const sum = values.reduce((a, b) => a + b, 0);
  if (values.every((v) => v >= 0) && fractions.train > 0 && Math.abs(sum - 1) < 1e-9) {
    return SPLITS.filter((split) => fractions[split] > 0);
  }
  const expected = "fractions from 0 to 1 with sum 1 and some train";
  throw unexpected("input", { code: "SPLIT_FRACTIONS", expected, name: "the split", got: fractions });
}

/** Numbers the features, counts them by subject and orders the subjects: large first, ties by the seed. */
function gather(strata: Strata, seed: number) {
  const index = new Map<string, number>();
  const totals: number[] = [];
  const weights: number[] = [];
  const bySubject = new Map<string, Subject>();
  for (const { subject: id, cells } of strata.sorted()) {
    const counts = new Map<number, number>();
    let size = 0;
    for (const { groups, count } of cells) {
      size += count;
      const names = ["all", ...groups.map((group, i) => `${i}=${group}`), `joint=${groups.join("\u0000")}`];
      for (const name of names) {
        const known = index.get(name);
        const at = known ?? totals.push(0) - 1;
        if (known === undefined) {
          index.set(name, at);
          weights.push(name === "all" ? TOTAL_WEIGHT : 1);
        }
        totals[at]! += count;
        counts.set(at, (counts.get(at) ?? 0) + count);
      }
    }
    bySubject.set(id, { id, counts: Int32Array.from([...counts].flat()), size });
  }
  const ids = Random.of(seed)
    .split("splits")
    .shuffle([...bySubject.keys()]);
  const subjects = ids.map((id) => bySubject.get(id)!);
  return { subjects: subjects.sort((a, b) => b.size - a.size), totals, weights };
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
    const { counts } = subject;
    for (let i = 0; i < counts.length; i += 2) {
      const [f, x] = [counts[i]!, counts[i + 1]!];
      this.#seen[f]! += x;
      this.#in[split][f]! += x;
    }
  }

  /** Excess of a split over its share of what is dealt so far, this subject's groups only: lowest is neediest. */
  lack({ counts }: Subject, split: Split): number {
    let sum = 0;
    for (let i = 0; i < counts.length; i += 2) {
      const [f, x] = [counts[i]!, counts[i + 1]!];
      const excess = this.#in[split][f]! - this.#fractions[split] * (this.#seen[f]! + x);
      sum += (this.#weights[f]! * x * excess) / this.#totals[f]!;
    }
    return sum;
  }

  /** Change of the weighted sum of squared deviations if the subject moved. */
  moveGain({ id, counts }: Subject, to: Split): number {
    const from = this.placed.get(id)!;
    let sum = 0;
    for (let i = 0; i < counts.length; i += 2) {
      const [f, x] = [counts[i]!, counts[i + 1]!];
      const deviation = (split: Split) => this.#in[split][f]! - this.#fractions[split] * this.#totals[f]!;
      sum += (this.#weights[f]! * 2 * x * (deviation(to) - deviation(from) + x)) / this.#totals[f]!;
    }
    return sum;
  }

  move(subject: Subject, to: Split): void {
    const from = this.#in[this.placed.get(subject.id)!];
    const { counts } = subject;
    for (let i = 0; i < counts.length; i += 2) {
      const [f, x] = [counts[i]!, counts[i + 1]!];
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
