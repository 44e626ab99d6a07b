// What a dataset still has of people and images that a decisions file erases: checked before the dataset is published.
// Source: our own. Invariants: ids are compared as derivation compares them; what is merely spelled almost like one is reported
// too, so that no wish is missed because of a blank or a zero; nothing is changed.
import { readdir } from "node:fs/promises";
import { basename, join, parse } from "node:path";
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import { idForm } from "../../core/spelling.ts";
import { COLUMNS, MODALITIES, SPLITS } from "../../core/words.ts";
import { cleanedFolder, type Layout, locate, removedFolder } from "../../dataset/layout.ts";
import { readManifest } from "../../dataset/manifest.ts";
import { readCsv } from "../../formats/csv.ts";
import { exists, readJson } from "../../machine/files.ts";
import { readDecisions } from "./decisions.ts";
import { Erasure } from "./erase.ts";

/** So many places are named. */
const SHOWN = 10;

/** A text of the dataset, and where it stands. */
interface Found {
  readonly id: string;
  readonly where: string;
}

/**
 * Refuses a dataset that still has whom or what a decisions file erases, anywhere: tables, ledger, manifest, names of files.
 *
 * @param place - as for `locate`; or where the files are, of a bundle, whose archives hold what its tables and ledger name
 * @param path - of its decisions only the erasing ones are read
 * @returns how many subjects and images the file erases
 * @throws AppError("data", "ERASED_REMAINS") naming rows and files, AppError("data", "IDS_HASHED") if no id could be found
 *   because keyed hashes stand for all of them; as `locate` and `readDecisions`
 * @example await refuseErased("data/pairs", "decisions.csv")
 */
export async function refuseErased(place: string | Layout, path: string): Promise<number> {
  const layout = typeof place === "string" ? await locate(place) : place;
  const wishes = (await readDecisions(path)).filter(({ what }) => what === "erase");
  const erasure = new Erasure(wishes);
  if (erasure.count === 0) return 0;
  await refuseHashed(layout, path);
  await erasure.meet(frames(layout), {});
  const loose = new Set(wishes.map(({ image_id, user_id }) => idForm(image_id ?? user_id!)));
  const { same, near } = await placesOf(layout, erasure, (id) => loose.has(idForm(id)));
  if (same.size + near.size === 0) return erasure.count;
  throw remain([...same, ...near], {
    root: layout.root,
    path,
    count: erasure.count,
    isNear: same.size === 0,
  });
}

/**
 * Where a dataset has ids that an erasure names, and such as are spelled almost like them.
 *
 * @param erasure - after `meet`
 * @returns places with the id in brackets, each once
 */
export async function placesOf(
  layout: Layout,
  erasure: Erasure,
  isNear: (id: string) => boolean = () => false,
): Promise<{ readonly same: ReadonlySet<string>; readonly near: ReadonlySet<string> }> {
  const [same, near]: [Set<string>, Set<string>] = [new Set(), new Set()];
  for await (const { id, where } of texts(layout)) {
    if (erasure.names(id)) same.add(`${where} (${id})`);
    else if (isNear(id)) near.add(`${where} (${id})`);
  }
  return { same, near };
}

interface About {
  readonly root: string;
  readonly path: string;
  readonly count: number;
  readonly isNear: boolean;
}

function remain(places: readonly string[], { root, path, count, isNear }: About): AppError {
  const more = places.length > SHOWN ? `, and ${places.length - SHOWN} more` : "";
  const message = `Expected nothing in ${root} of the ${count} subjects and images that ${path} erases, got ${places.length} places: ${places.slice(0, SHOWN).join(", ")}${more}`;
  const again = `derive it again with --decisions ${path}, to the same --out, which leaves nothing of them`;
  const hint = isNear ? `write the ids in ${path} as the dataset has them, then ${again}` : again;
  return new AppError("data", "ERASED_REMAINS", message, { hint });
}

/** Whom a dataset is about that was fetched as a bundle of hashed ids, its publisher alone can find. */
async function refuseHashed({ root }: Layout, path: string): Promise<void> {
  const note = join(root, "release.json");
  if (!(await exists(note))) return;
  const { hashedIds } = await readJson(note, z.object({ hashedIds: z.boolean() }), "the note of a bundle");
  if (!hashedIds) return;
  const message = `Expected ids that ${path} can name in ${root}, got keyed hashes in their place (${note})`;
  throw new AppError("data", "IDS_HASHED", message, {
    hint: "ask the dataset that the bundle was made of, and make the bundle again",
  });
}

const LEDGER = ["image_id", "user_id"] as const;
const LEDGER_TEXTS = ["twin", "detail", "decided_why"] as const;

/** Rows of the tables and of the ledger, as far as they name an image and its person. */
async function* frames(layout: Layout) {
  for (const split of SPLITS) {
    for await (const { values } of readCsv(layout.csv[split], ["id", "user_id"], { allowOthers: true }))
      yield { imageId: values.id, userId: values.user_id };
  }
  if (!(await exists(layout.ledger))) return;
  for await (const { values } of readCsv(layout.ledger, LEDGER, { allowOthers: true }))
    yield { imageId: values.image_id, userId: values.user_id };
}

/** Every text of a dataset that can name a person or an image. */
async function* texts(layout: Layout): AsyncGenerator<Found> {
  for (const split of SPLITS) {
    const path = layout.csv[split];
    for await (const { row, values } of readCsv(path, COLUMNS, { allowOthers: true })) {
      const { id, user_id, hand_image_name, face_image_name } = values;
      const all = [id, user_id, ...[hand_image_name, face_image_name].flatMap(idsOfFile)];
      yield* all.map((text) => ({ id: text, where: `${basename(path)}:${row}` }));
    }
  }
  yield* ledgerTexts(layout);
  const manifest = await readManifest(layout.root);
  for (const [i, one] of (manifest?.source.decisions ?? []).entries()) {
    const all = [one["image_id"], one["user_id"], ...wordsOf(one["why"])];
    for (const id of all) if (id) yield { id, where: `manifest.json, decision ${i + 1}` };
  }
  yield* fileNames(layout);
}

async function* ledgerTexts({ ledger }: Layout): AsyncGenerator<Found> {
  if (!(await exists(ledger))) return;
  const options = { optional: LEDGER_TEXTS, allowOthers: true };
  for await (const { row, values } of readCsv(ledger, LEDGER, options)) {
    const { image_id, user_id, twin = "", detail, decided_why } = values;
    const all = [image_id, user_id, twin, ...wordsOf(detail), ...wordsOf(decided_why)];
    yield* all.filter((id) => id !== "").map((id) => ({ id, where: `${basename(ledger)}:${row}` }));
  }
}

async function* fileNames(layout: Layout): AsyncGenerator<Found> {
  for (const modality of MODALITIES) {
    const folders = [
      layout.images[modality],
      cleanedFolder(layout, modality),
      removedFolder(layout, modality),
    ];
    for (const folder of folders) {
      if (!(await exists(folder))) continue;
      for (const name of (await readdir(folder)).sort())
        yield* idsOfFile(name).map((id) => ({ id, where: join(basename(folder), name) }));
    }
  }
}

/** What may be ids in a sentence; short numbers are measures there. */
const wordsOf = (text = ""): string[] =>
  (text.match(/[0-9A-Za-z_-]+/g) ?? []).filter((word) => !/^\d{1,6}$/.test(word));

/** `F_7.jpg` is of frame 7; a dataset of others may name its files by the id alone. */
function idsOfFile(file: string): string[] {
  const { name } = parse(file);
  return [name, name.replace(/^[FH]_/, "")];
}
