// ◇ Browser-safe. What is put before an annotator, and in which order.
// Source: our own. Invariants: a queue follows from the files and the address alone, so that a link shows another person the same;
// draws go by the seed and the ids, never by the order of a table; what was removed already is not judged.
import { type Annotation, CONTROL_QUEUE, thingOf } from "../../../audit/annotation.ts";
import { takenBack } from "../../../audit/standing.ts";
import { verdictOf } from "../../../audit/verdict.ts";
import { foldName } from "../../../core/file-names.ts";
import { Random } from "../../../core/random.ts";
import type { OthersLine } from "../../../server/api.ts";
import { columnOf, type Table } from "../../table/column.ts";
import { keyOf } from "./line.ts";
import { type AuditPair, type Item, itemOf, itemOfSubject, type TablePairs } from "./pairs.ts";

/** Queues by their names in address and log. */
export const QUEUES = [
  CONTROL_QUEUE,
  "second-pass",
  "contradictions",
  "conflicts",
  "near-threshold",
  "filter",
  "disputes",
] as const;
export type QueueName = (typeof QUEUES)[number];

/** Pairs of the control sample, if the address does not say how many. */
export const CONTROL_SIZE = 60;

/** Pairs drawn at random: of one seed a larger sample has all of a smaller one. */
export function controlQueue(pairs: readonly AuditPair[], size: number, seed: number): Item[] {
  return drawn(pairs, ({ id }) => id, seed, CONTROL_QUEUE)
    .slice(0, size)
    .map((pair) => itemOf(pair));
}

/** By a number that is drawn for each id: what others judge meanwhile does not change the order of the rest. */
function drawn<T>(all: readonly T[], idOf: (one: T) => string, seed: number, name: string): T[] {
  const random = Random.of(seed).split("audit", name);
  const numbered = all.map((one) => ({
    one,
    id: idOf(one),
    number: random.split(foldName(idOf(one))).next(),
  }));
  return numbered.sort((a, b) => a.number - b.number || (a.id < b.id ? -1 : 1)).map(({ one }) => one);
}

/** Subjects of which some frames were recorded otherwise, least agreement first. */
export function conflictQueue(
  pairs: readonly AuditPair[],
  agreements: ReadonlyMap<string, number>,
  limit: number,
): Item[] {
  const items = [...bySubject(pairs)].flatMap(([user, own]) => {
    const genders = new Set(own.flatMap(({ labels }) => labels.gender ?? []));
    const agreement = agreements.get(user) ?? 1;
    if (genders.size < 2 && agreement >= limit) return [];
    const why =
      genders.size > 1
        ? `recorded as ${[...genders].sort().join(" and as ")}`
        : `${Math.round(agreement * 100)} % of the subject's frames agree`;
    return [{ item: itemOfSubject(user, own, why), agreement: genders.size > 1 ? 0 : agreement }];
  });
  return items
    .sort((a, b) => a.agreement - b.agreement || (a.item.user < b.item.user ? -1 : 1))
    .map(({ item }) => item);
}

function bySubject(pairs: readonly AuditPair[]): Map<string, AuditPair[]> {
  const found = new Map<string, AuditPair[]>();
  for (const pair of pairs) {
    const own = found.get(pair.user);
    if (own === undefined) found.set(pair.user, [pair]);
    else own.push(pair);
  }
  return found;
}

/** A pair's number that a rule judges, and the rule's threshold. */
export interface Near {
  readonly pair: AuditPair;
  readonly value: number;
  readonly threshold: number;
}

/** How far the frames of each subject agree on its gender: the least that the table has. */
export function agreementsOf(table: Table): ReadonlyMap<string, number> {
  const [people, values] = [
    columnOf(table, "user_id", "words"),
    columnOf(table, "gender_agreement", "numbers"),
  ];
  const found = new Map<string, number>();
  if (people === undefined || values === undefined) return found;
  for (let row = 0; row < table.rows; row++) {
    const [user, value] = [people.words[people.codes[row]!]!, values.values[row]!];
    if (!Number.isNaN(value) && value < (found.get(user) ?? 2)) found.set(user, value);
  }
  return found;
}

/** What a rule judges of a table's pairs, as far as it judges them. */
export function nearOf(
  { isPair, at }: Pick<TablePairs, "isPair" | "at">,
  values: Float64Array | undefined,
  threshold: number,
): Near[] {
  const near: Near[] = [];
  for (let row = 0; row < (values?.length ?? 0); row++) {
    const value = values![row]!;
    if (!Number.isNaN(value) && isPair(row)) near.push({ pair: at(row), value, threshold });
  }
  return near;
}

/** Pairs whose number lies nearest to a rule's threshold. */
export function nearQueue(near: readonly Near[], title: string): Item[] {
  const away = ({ value, threshold }: Near) => Math.abs(value - threshold);
  return [...near]
    .sort((a, b) => away(a) - away(b) || (a.pair.id < b.pair.id ? -1 : 1))
    .map(({ pair, value, threshold }) => itemOf(pair, `${title}: ${value}, threshold ${threshold}`));
}

type About = Pick<Annotation, "image_id" | "user_id">;

type Find = (line: About, why?: string) => Item | undefined;
const finders = new WeakMap<readonly AuditPair[], Find>();

/** Finds the item that a line is about; undefined if the dataset does not have it any more. */
function finder(pairs: readonly AuditPair[]): Find {
  const known = finders.get(pairs) ?? makeFinder(pairs);
  finders.set(pairs, known);
  return known;
}

function makeFinder(pairs: readonly AuditPair[]): Find {
  const byId = new Map(pairs.map((pair) => [foldName(pair.id), pair]));
  const subjects = bySubject(pairs);
  return ({ image_id: image, user_id: user }, why) => {
    if (image === undefined) {
      const own = subjects.get(user);
      return own === undefined ? undefined : itemOfSubject(user, own, why);
    }
    const pair = byId.get(foldName(image));
    return pair === undefined ? undefined : itemOf(pair, why);
  };
}

function itemsOf(lines: readonly About[], pairs: readonly AuditPair[]): Item[] {
  const find = finder(pairs);
  const found = lines.flatMap((line) => find(line) ?? []);
  return [...new Map(found.map((item) => [keyOf(item), item])).values()];
}

/** What others judged, in an order that tells nothing of theirs. */
export function secondPassQueue(
  pairs: readonly AuditPair[],
  others: readonly OthersLine[],
  seed: number,
): Item[] {
  const taken = takenBack(others);
  const stand = others.filter(({ id, judged }) => judged && !taken.has(id));
  return drawn(itemsOf(stand, pairs), keyOf, seed, "second-pass");
}

/** What people said otherwise, with what they said. */
export function disputeQueue(pairs: readonly AuditPair[], judgements: readonly Annotation[]): Item[] {
  const find = finder(pairs);
  const things = new Map<string, Annotation[]>();
  for (const one of judgements) things.set(thingOf(one), [...(things.get(thingOf(one)) ?? []), one]);
  return [...things.values()].flatMap((list) => {
    const verdict = verdictOf(list.filter(({ settles }) => settles !== true));
    return verdict.state === "disputed" ? (find(list[0]!, verdict.why) ?? []) : [];
  });
}
