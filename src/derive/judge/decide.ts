// The last word about every frame: rules, decisions, labels, duplicates.
// Source: our own. Invariants: everything here follows from the journal and the derivation alone; of frames with
// similar looks the first that no other rule removes is kept; memory has one hash and one id a kept frame while similar ones
// are searched for, and the start of a checksum a frame, not the frames.

import type { Sex } from "../../core/vocabulary.ts";
import type { Pair } from "../../core/words.ts";
import type { Derivation } from "../../dataset/manifest.ts";
import { readJournal } from "../../machine/journal.ts";
import { HashList, nearPairs } from "../../pixels/near.ts";
import { HASH_WORDS, hashFromHex } from "../../pixels/phash.ts";
import { ageLabel, raceLabel, type SubjectLabel, subjectLabels } from "../hagrid/labels.ts";
import { FRAMES, type FrameResult } from "../run/journal.ts";
import { cropName } from "../run/work.ts";
import type { Facts, RuleSettings } from "./clean.ts";
import { type Decision, type Decisions, gatherDecisions, parseDecisions } from "./decisions.ts";
import { factsOf, judgeAll, type Twin, type Verdict } from "./judge.ts";

/** A frame with the last word about it. */
export interface DecidedFrame {
  readonly result: FrameResult;
  readonly label: SubjectLabel;
  /** What the rules judged. */
  readonly facts: Facts;
  /** Of a removed frame. */
  readonly verdict?: Verdict | undefined;
  /** Of a kept frame: the verdict that a decision overruled. */
  readonly overruled?: Verdict | undefined;
  /** The last decision about it. */
  readonly decision?: Decision | undefined;
  readonly age: string;
  readonly race: string;
  /** Of a kept frame. */
  readonly pair?: Pair | undefined;
}

/** What a derivation decides by. */
interface Judges {
  readonly rules: RuleSettings;
  readonly decisions: Decisions;
  readonly ageEdges: readonly number[];
}

/** Decides every frame of a journal, as often as asked. */
export interface Court {
  frames(): AsyncGenerator<DecidedFrame>;
}

/**
 * Reads a journal twice: for the labels of its subjects, and for frames with similar looks.
 *
 * @param journal - path of a complete journal
 * @param derivation - its rules, decisions and age edges
 * @returns what then decides every frame in the order of the input
 */
export async function openCourt(
  journal: string,
  { rules, source, labels: made }: Derivation,
): Promise<Court> {
  const judges: Judges = {
    rules: rules as RuleSettings,
    decisions: gatherDecisions(parseDecisions(source.decisions)),
    ageEdges: made.ageEdges,
  };
  const repeats = new Repeats();
  const labels = await subjectLabels(repeats.watch(readJournal(journal, FRAMES)), judges.decisions);
  const known = { labels, judges, isRepeated: repeats.result() };
  const alike = await findAlike(decide(journal, known, new Map()), judges.rules);
  return { frames: () => decide(journal, known, alike) };
}

/** What is known of a journal once it was read. */
interface Known {
  readonly labels: ReadonlyMap<string, SubjectLabel>;
  readonly judges: Judges;
  /** False for most checksums that stand in the journal once, true for all others. */
  readonly isRepeated: (sha256: string) => boolean;
}

/** Which checksums come twice, from their first 52 bits: few are by chance the same, and none is missed. */
class Repeats {
  #starts = new Float64Array(1 << 10);
  #count = 0;

  async *watch(frames: AsyncIterable<FrameResult>): AsyncGenerator<FrameResult> {
    for await (const frame of frames) {
      if (frame.sha256 !== undefined) this.#add(startOf(frame.sha256));
      yield frame;
    }
  }

  #add(start: number): void {
    if (this.#count === this.#starts.length) {
      const larger = new Float64Array(2 * this.#count);
      larger.set(this.#starts);
      this.#starts = larger;
    }
    this.#starts[this.#count++] = start;
  }

  result(): (sha256: string) => boolean {
    const sorted = this.#starts.subarray(0, this.#count).sort();
    const twice = new Set<number>();
    for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) twice.add(sorted[i]!);
    return (sha256) => twice.has(startOf(sha256));
  }
}

/** 0 for what is no hexadecimal: such texts then all count as repeated. */
const startOf = (sha256: string) => Number.parseInt(sha256.slice(0, 13), 16) || 0;

/** Ids of frames whose look is similar to an earlier one's. */
type Alike = ReadonlyMap<string, Twin>;

async function findAlike(frames: AsyncIterable<DecidedFrame>, rules: RuleSettings): Promise<Alike> {
  const limit = rules.near_duplicate;
  const alike = new Map<string, Twin>();
  if (limit === null || limit === 0) return alike;
  const ids: string[] = [];
  const hashes = new HashList(HASH_WORDS);
  for await (const { pair, result } of frames) {
    if (pair === undefined) continue;
    ids.push(pair.id);
    hashes.add(hashFromHex(result.look!));
  }
  for (const { first, second, bits } of nearPairs(hashes, limit - 1)) {
    if (alike.has(ids[first]!) || alike.has(ids[second]!)) continue;
    alike.set(ids[second]!, { id: ids[first]!, bits });
  }
  return alike;
}

async function* decide(
  journal: string,
  { labels, judges, isRepeated }: Known,
  alike: Alike,
): AsyncGenerator<DecidedFrame> {
  const bytesSeen = new Map<string, string>();
  for await (const result of readJournal(journal, FRAMES)) {
    const label = labels.get(result.userId)!;
    const { duplicate } = judges.rules;
    const first = duplicate === null ? undefined : bytesSeen.get(result.sha256 ?? "");
    const twin = first === undefined ? alike.get(result.imageId) : { id: first };
    const decided = judgeFrame(result, label, judges, twin);
    // A repeated id has the id of the frame that is judged: only a frame with crops can have a twin.
    if (decided.pair !== undefined && isRepeated(result.sha256!))
      bytesSeen.set(result.sha256!, result.imageId);
    yield decided;
  }
}

function judgeFrame(
  result: FrameResult,
  label: SubjectLabel,
  { rules, decisions, ageEdges }: Judges,
  twin: Twin | undefined,
): DecidedFrame {
  const { keep, last, gender, age, race } = decisions.of(result.imageId, result.userId);
  const known = gender === undefined ? result : { ...result, meta: { ...result.meta, gender: [gender] } };
  const settled = decisions.ofSubject(result.userId).gender !== undefined; // votes no longer count
  const facts = factsOf(known, settled ? undefined : label, twin);
  const { reason, detail = "" } = result;
  const found = judgeAll(facts, rules, reason === undefined ? undefined : { reason, detail });
  const removed: Verdict | undefined =
    keep?.what === "remove" ? { reason: "removed_by_decision", detail: keep.why } : undefined;
  const restored = keep?.what === "restore" && canKeep(result, label);
  const verdict = removed ?? (restored ? undefined : found);
  const shared = {
    result,
    label,
    facts,
    age: age ?? ageLabel(result.meta.age, ageEdges),
    race: race ?? raceLabel(result.meta.race),
    decision: last,
  };
  if (verdict !== undefined) return { ...shared, verdict };
  const pair = toPair(result, label.gender!, shared);
  return { ...shared, pair, overruled: found };
}

/** A pair needs both crops and a gender; nobody can decide that they are there. */
function canKeep({ reason }: FrameResult, { gender }: SubjectLabel): boolean {
  return reason === undefined && gender !== undefined;
}

function toPair(
  { imageId, userId, gesture }: FrameResult,
  gender: Sex,
  { age, race }: { readonly age: string; readonly race: string },
): Pair {
  return {
    id: imageId,
    userId,
    age,
    gender,
    race,
    gesture,
    handImage: cropName("hand", imageId),
    faceImage: cropName("face", imageId),
  };
}
