// The page as static files, for any host: the built page, a dataset's published tables laid out as the server's routes, and its crops if
// asked for. Invariants: what a bundle refuses is refused here; the tables are those that a bundle publishes, so nobody who decided
// is named; it has no images unless they are asked for, and never the crops that cleaning removed.
import { copyFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Interrupted } from "../core/errors.ts";
import { MODALITIES } from "../core/words.ts";
import type { CheckedDataset } from "../dataset/check/check.ts";
import { publishRecords, publishTables } from "../dataset/export/publish.ts";
import { imagePath } from "../dataset/layout.ts";
import { sha256, writeAtomic, writeJson } from "../machine/files.ts";
import { countFiles, makeFolder } from "../machine/folder.ts";
import { makeFolders } from "../machine/make-folders.ts";
import { checkApart } from "../machine/true-path.ts";
import { checkAnswers } from "../release/answers.ts";
import { attribution, checkPublishable } from "../release/bundle.ts";
import { datasetCard } from "../release/dataset-card.ts";
import { datasetFacts as factsOf, type ReleaseInfo } from "../release/facts.ts";
import { dataLicenceText } from "../release/licence.ts";
import { LABEL_NOTE } from "../report/figure-text.ts";
import { type ListedFile, type Listing, ROUTES, type Thing } from "./api.ts";
import { datasetFacts } from "./facts.ts";
import { readPage } from "./page.ts";

/** How a static page is written. */
export interface StaticPageOptions {
  /** Publishes the crops of the pairs; default false. */
  readonly withPictures?: boolean | undefined;
  /** Version of facehand, for the page. */
  readonly version: string;
  /** Called as each crop is copied. */
  readonly onFile?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What was written. */
export interface StaticPage {
  readonly pairs: number;
  readonly pictures: number;
  readonly files: number;
}

/**
 * Writes the page over one dataset.
 *
 * @param checked - of checkDataset
 * @param out - new or empty folder; appears whole or not at all
 * @throws as writeBundle, AppError("internal", "PAGE_MISSING") where the page was not built
 * @example await writeStaticPage(await checkDataset("data/pairs"), info, "page", { version: "1.0.0" })
 */
export async function writeStaticPage(
  checked: CheckedDataset,
  info: ReleaseInfo,
  out: string,
  options: StaticPageOptions,
): Promise<StaticPage> {
  checkApart(out, [checked.root]);
  checkPublishable(checked);
  const facts = await factsOf(checked);
  checkAnswers(info, facts);
  const page = await readPage();
  const id = sha256(`${info.name} ${info.version}`).slice(0, 24);
  let written = 0;
  const copy = async (from: string, to: string) => {
    await makeFolders(dirname(to));
    await copyFile(from, to);
    written++;
  };
  const make = async (dir: string): Promise<StaticPage> => {
    for (const [address, path] of page)
      if (address !== "/" && !RUNS_MODELS.test(address)) await copy(path, join(dir, address));
    const tables = join(dir, ROUTES.file(id, ""));
    await makeFolders(tables);
    const names = [
      ...(await publishTables(checked, tables, undefined)),
      ...(await publishRecords(checked.layout, tables, undefined)),
    ];
    const pictures = options.withPictures === true ? await copyCrops(checked, id, dir, copy, options) : 0;
    const thing = await describe(checked, info, { id, tables, names, pictures });
    await writeJson(join(dir, ROUTES.things()), listing(thing, options));
    await writeAtomic(join(dir, "README.md"), datasetCard(info, facts, { tables: false }));
    await writeAtomic(join(dir, "DATA-LICENSE.md"), dataLicenceText());
    await writeAtomic(join(dir, "ATTRIBUTION.txt"), attribution(info));
    written += names.length + 4;
    return { pairs: facts.pairs, pictures, files: written };
  };
  return await makeFolder(out, make, {
    count: async (dir, { files }) => [{ what: "files", made: files, found: await countFiles(dir) }],
  });
}

/** Tens of megabytes that only views of models load: a dataset's page has no model. */
const RUNS_MODELS = /\/(ort-wasm|vips)[^/]*$/;

const listing = (thing: Thing, { version }: StaticPageOptions): Listing => ({
  version,
  note: LABEL_NOTE,
  writes: false,
  things: [thing],
  views: ["home", "pairs", "audit", "runs"],
  passedOver: [],
  frames: false,
});

/** Crops of the pairs, by the names that the tables have. */
async function copyCrops(
  { layout, rows }: CheckedDataset,
  id: string,
  dir: string,
  copy: (from: string, to: string) => Promise<void>,
  { onFile, signal }: StaticPageOptions,
): Promise<number> {
  const folder = join(dir, ROUTES.picture(id, ""));
  for (const { cells } of rows) {
    if (signal?.aborted === true) throw new Interrupted("Stopped; the same command begins again");
    for (const modality of MODALITIES) {
      const name = cells[`${modality}_image_name`];
      await copy(imagePath(layout, modality, name), join(folder, name));
      onFile?.();
    }
  }
  return MODALITIES.length * rows.length;
}

async function describe(
  { root }: CheckedDataset,
  info: ReleaseInfo,
  found: {
    readonly id: string;
    readonly tables: string;
    readonly names: readonly string[];
    readonly pictures: number;
  },
): Promise<Thing> {
  const { id, tables, names, pictures } = found;
  const files: ListedFile[] = [];
  for (const name of names) files.push({ name, sizeBytes: (await stat(join(tables, name))).size });
  return {
    ...{ id, kind: "dataset", place: `${info.name} ${info.version}`, files, pictures },
    changed: `${info.date}T00:00:00.000Z`,
    dataset: await datasetFacts(root),
  };
}
