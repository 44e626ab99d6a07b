// A model's own page as static files, for any host: Predict alone, with one model, its card and what finds faces and hands.
// Source: Hugging Face's static Spaces (the head of README.md); `_headers` as Netlify and Cloudflare Pages read it; `.nojekyll` of GitHub
// Pages, which sends no headers of ours: there the page's service worker states them. Invariants: of
// the run only its best checkpoint and what its card states are published: no prediction, no id, no name of a folder.
import { copyFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { markdownText } from "../core/markdown-text.ts";
import { visible } from "../core/visible.ts";
import { LAW_NOTE, lawMarkdown } from "../dataset/law.ts";
import { PACKAGED_MODELS } from "../find/models.ts";
import { readPackaged } from "../find/packaged.ts";
import { sha256File, writeAtomic, writeJson } from "../machine/files.ts";
import { countFiles, makeFolder } from "../machine/folder.ts";
import { makeFolders } from "../machine/make-folders.ts";
import { checkApart } from "../machine/true-path.ts";
import { modelPath } from "../predict/model-file.ts";
import { dataLicenceText } from "../release/licence.ts";
import { modelCard } from "../release/model-card.ts";
import { LABEL_NOTE } from "../report/figure-text.ts";
import { type Listing, ROUTES, type Thing } from "./api.ts";
import { runFacts } from "./facts.ts";
import { serviceWorker } from "./offline.ts";
import { readPage, SERVICE_WORKER } from "./page.ts";

/** What the publisher states. */
export interface SpaceInfo {
  /** Of the page and the model. */
  readonly title: string;
  /** Of the model: an SPDX name or words. */
  readonly licence: string;
  /** Version of facehand, for the page. */
  readonly version: string;
}

/** What was written. */
export interface Space {
  readonly files: number;
  readonly bytes: number;
}

/** What lets a page share memory among threads, which the decoder of all pictures but plain JPEGs needs. */
const ISOLATION = {
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "cross-origin",
};

const CHECKPOINT = "best.safetensors";

/**
 * Writes the page of a finished run's model.
 *
 * @param run - run folder
 * @param out - new or empty folder; appears whole or not at all
 * @throws as modelCard for a run that is not finished, AppError("internal", "PAGE_MISSING") where the page was not built
 * @example await writeSpace("runs/mag", "space", { title: "Hands and faces", licence: "cc-by-sa-4.0", version: "1.0.0" })
 */
export async function writeSpace(run: string, out: string, info: SpaceInfo): Promise<Space> {
  checkApart(out, [run]);
  const page = await readPage();
  const model = await modelPath(run);
  const card = await modelCard(run);
  const thing = await describe(run, model, info);
  let [files, bytes] = [0, 0];
  const make = async (dir: string): Promise<Space> => {
    const released = new Map<string, string>();
    const write = async (address: string, make: (path: string) => Promise<void>): Promise<string> => {
      const path = join(dir, address);
      await makeFolders(dirname(path));
      await make(path);
      files++;
      bytes += (await stat(path)).size;
      return path;
    };
    /** What a visitor's browser may store. */
    const put = async (address: string, make: (path: string) => Promise<void>) =>
      released.set(address.replace(/^\//, ""), await write(address, make));
    for (const [address, path] of page) if (address !== "/") await put(address, (to) => copyFile(path, to));
    await put(ROUTES.file(thing.id, CHECKPOINT), (to) => copyFile(model, to));
    for (const name of PACKAGED_MODELS)
      await put(ROUTES.detector(name), async (to) => writeAtomic(to, (await readPackaged(name)).bytes));
    await put(ROUTES.things(), (to) => writeJson(to, listing(thing, info)));
    await put("MODEL_CARD.md", (to) => writeAtomic(to, card));
    await put("DATA-LICENSE.md", (to) => writeAtomic(to, dataLicenceText()));
    // For hosts.
    await write("README.md", (to) => writeAtomic(to, readme(info)));
    await write("_headers", (to) => writeAtomic(to, headersFile()));
    await write(".nojekyll", (to) => writeAtomic(to, "")); // or GitHub Pages makes other files of these
    const worker = await serviceWorker(released, ISOLATION);
    await write(SERVICE_WORKER, (to) => writeAtomic(to, worker));
    return { files, bytes };
  };
  return await makeFolder(out, make, {
    count: async (dir, made) => [{ what: "files", made: made.files, found: await countFiles(dir) }],
  });
}

async function describe(run: string, model: string, { title }: SpaceInfo): Promise<Thing> {
  const facts = await runFacts(run);
  const hash = await sha256File(model);
  const { size } = await stat(model);
  return {
    ...{ id: hash.slice(0, 24), kind: "run", place: title, pictures: 0, changed: "1970-01-01T00:00:00.000Z" },
    files: [{ name: CHECKPOINT, sizeBytes: size }],
    run: { ...facts, sources: facts.sources.map((source) => ({ ...source, name: source.kind })) },
  };
}

const listing = (thing: Thing, { version }: SpaceInfo): Listing => ({
  ...{ version, note: LABEL_NOTE, writes: false, passedOver: [], frames: false },
  things: [thing],
  views: ["predict"],
  serviceWorker: `/${SERVICE_WORKER}`,
});

function readme({ title, licence }: SpaceInfo): string {
  const text = (value: string) => visible(JSON.stringify(value));
  return [
    "---",
    `title: ${text(title)}`,
    "sdk: static",
    "app_file: index.html",
    `license: ${text(/^[a-z0-9.-]+$/.test(licence) ? licence : "other")}`,
    "custom_headers:",
    ...Object.entries(ISOLATION).map(([name, value]) => `  ${name.toLowerCase()}: ${value}`),
    "---",
    "",
    `# ${markdownText(title)}`,
    "",
    LABEL_NOTE,
    "",
    lawMarkdown(LAW_NOTE),
    "",
    "The page finds the face and the hand in a photo, cuts them as the training data was cut, and shows the probability that the model gives. All of it",
    "happens in the visitor's browser: no photo leaves it. How well the model agrees with recorded labels, and how unevenly, is in `MODEL_CARD.md`; the",
    `model's licence is ${markdownText(licence)}, what its data asks for is in \`DATA-LICENSE.md\`, and the licences of the page's parts are in \`licences.md\`.`,
    "",
    "Any web host can serve these files, also from a subfolder. All kinds of pictures are read and several threads compute where the page has the headers",
    "below. This file and `_headers` state them for the hosts that read them; elsewhere (GitHub Pages, `python3 -m http.server`) the page's service worker,",
    "`service-worker.js`, adds them to the page's own files, for which the page is loaded twice at the first visit. It needs https, or localhost; without",
    "it, and inside another site's page, plain JPEGs and one thread remain, and the page says why. The service worker also stores these files in the",
    "visitor's browser, so that the page opens and predicts without network; a new release replaces them at the next visit, and where `service-worker.js` is",
    "gone from the host, they are removed. No photo is stored.",
    "",
    ...Object.entries(ISOLATION).map(([name, value]) => `    ${name}: ${value}`),
    "",
  ].join("\n");
}

const headersFile = () =>
  ["/*", ...Object.entries(ISOLATION).map(([name, value]) => `  ${name}: ${value}`), ""].join("\n");
