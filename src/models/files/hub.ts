// Pretrained backbones from the Hugging Face hub: timm's `config.json` and `model.safetensors`, cached.
// Source: the hub's `resolve` addresses as huggingface_hub uses them (X-Linked-Etag is the SHA-256 of a large
// file); timm's pretrained_cfg. HF_ENDPOINT and HF_TOKEN mean what they mean there.
// Invariant: what is returned has the hash that the hub named, or the one that was noted when it was fetched.
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { isNotFound, missingFile, unexpected } from "../../core/errors.ts";
import { parseJson } from "../../core/schema.ts";
import { type DownloadOptions, download } from "../../fetch/http/download.ts";
import { request } from "../../fetch/http/http.ts";
import { retrying } from "../../fetch/http/retry.ts";
import { lengthOf } from "../../fetch/http/transport.ts";
import { authorization, endpointOf, type HubAccess, patienceFor } from "../../fetch/hub/access.ts";
import { readSafetensors } from "../../formats/safetensors-file.ts";
import { cacheFolder } from "../../machine/cache.ts";
import { exists, readText, sha256File, writeJson } from "../../machine/files.ts";
import { clearLock, withLock } from "../../machine/lock.ts";
import { sweepTemporaries } from "../../machine/temporary.ts";
import { HUB_PREFIX } from "../backbones/recipes.ts";
import { backbone } from "../backbones/registry.ts";

/** Where to search for weights, and how. */
export interface HubOptions extends HubAccess, Pick<DownloadOptions, "onProgress"> {
  /** Folder of this one model's files; default: in the user's cache folder. */
  readonly dir?: string | undefined;
  /** Only what has been fetched before. */
  readonly offline?: boolean | undefined;
}

/** How the pixels that pretrained weights expect are made, by their own account. */
export interface HubRecipe {
  /** Side of the square that the weights were trained on, px. */
  readonly sizePx: number;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  readonly interpolation: string;
  /** Share of the resized image's side that remains. */
  readonly cropPct: number;
  readonly cropMode: string;
}

/** Pretrained weights on this machine. */
export interface Pretrained {
  readonly name: string;
  /** Path of the .safetensors file. */
  readonly weights: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly config: HubRecipe;
  /** The hub's commit; null if it named none. */
  readonly commit: string | null;
}

const triple = z.tuple([z.number(), z.number(), z.number()]);
// Not strict: the file is timm's, and gains keys.
const configSchema = z.object({
  architecture: z.string(),
  pretrained_cfg: z.object({
    input_size: z.tuple([z.literal(3), z.int().positive(), z.int().positive()]),
    mean: triple,
    std: triple,
    interpolation: z.string(),
    crop_pct: z.number().positive().default(0.875),
    crop_mode: z.string().default("center"),
  }),
});

const noteSchema = z.strictObject({
  format: z.literal(1),
  repository: z.string(),
  commit: z.string().nullable(),
  sizeBytes: z.int().nonnegative(),
  sha256: z.string(),
});
type Note = z.infer<typeof noteSchema>;

/**
 * Weights of a backbone by timm's name with its tag; fetched once, then taken from the cache after a check.
 *
 * @param name - e.g. `tf_efficientnetv2_s.in1k`
 * @throws AppError("input", "BACKBONE" | "PRETRAINED" | "ADDRESS" | "ADDRESS_USER" | "HF_ENDPOINT" | "HF_TOKEN")
 *   for names, addresses and tokens that cannot be
 * @throws AppError("remote", "REMOTE_..."), ("data", "FILE_MISSING") offline; Interrupted after the signal
 * @example (await fetchPretrained("mobilenetv2_100.ra_in1k")).weights
 */
export async function fetchPretrained(name: string, options: HubOptions = {}): Promise<Pretrained> {
  const architecture = checkName(name);
  const dir = options.dir ?? join(cacheFolder(), "models", name);
  const paths = { weights: join(dir, "model.safetensors"), config: join(dir, "config.json") };
  const notePath = join(dir, "source.json");
  const earlier = () => readNote(notePath, paths.weights, name);
  const fetch = async () => {
    await sweepTemporaries(dir, (file) => file === "source.json" || file.endsWith(".part.json"));
    return (await earlier()) ?? (await fetchBoth(name, paths, notePath, options));
  };
  const found = await earlier();
  if (found !== undefined) await clearLock(dir);
  const note = found ?? (await withLock(dir, `the folder ${dir}`, fetch, { wait: patience(options) }));
  const { sha256, sizeBytes, commit } = note;
  const config = readConfig(await readText(paths.config, "timm's config.json"), paths.config, architecture);
  return { name, weights: paths.weights, sizeBytes, sha256, config, commit };
}

/** The cache is everybody's: who comes second waits, and finds it filled. A folder of one's own is refused meanwhile. */
function patience({ dir, signal }: HubOptions): AbortSignal | undefined {
  return dir === undefined ? (signal ?? new AbortController().signal) : undefined;
}

/** The backbone's name of `backbone.tag`. */
function checkName(name: string): string {
  const [, architecture, tag] = /^([A-Za-z0-9_]+)(?:\.([A-Za-z0-9_]+))?$/.exec(name) ?? [];
  const known = backbone(architecture ?? name);
  if (tag !== undefined) return known.name;
  const tags = Object.keys(known.pretrained).map((each) => `${known.name}.${each}`);
  throw unexpected("input", {
    code: "PRETRAINED",
    expected: "a backbone with the tag of its weights",
    name: "the name",
    got: name,
    hint: tags.length === 0 ? "see the hub for timm's tags" : tags.join(", "),
  });
}

/** The note of an earlier fetch if the weights still match it. */
async function readNote(notePath: string, weights: string, name: string): Promise<Note | undefined> {
  if (!(await exists(notePath))) return undefined;
  const note = parseJson(await readText(notePath, "a note"), noteSchema, notePath);
  if (note.repository !== repositoryOf(name)) {
    throw unexpected("input", {
      code: "PRETRAINED",
      expected: `a folder for ${name}`,
      name: "the folder",
      got: note.repository,
      where: notePath,
      hint: "give each model a folder of its own",
    });
  }
  try {
    if ((await stat(weights)).size !== note.sizeBytes) return undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  return (await sha256File(weights)) === note.sha256 ? note : undefined;
}

const repositoryOf = (name: string) => `timm/${name}`;

interface Paths {
  readonly weights: string;
  readonly config: string;
}

async function fetchBoth(name: string, paths: Paths, notePath: string, options: HubOptions): Promise<Note> {
  if (options.offline === true) {
    const hint = `fetch them first: facehand model fetch ${name}`;
    throw missingFile(paths.weights, `weights of ${name}`, hint);
  }
  const { onProgress } = options;
  const shared: DownloadOptions = {
    headers: authorization(options),
    hints: {
      denied: "set HF_TOKEN if the repository is private; the hub also answers so if there is no such name",
      missing: `search for ${repositoryOf(name)} on the hub, with a model.safetensors`,
    },
    ...patienceFor(options),
  };
  const base = `${endpointOf(options)}/${repositoryOf(name)}/resolve/main`;
  const linked = await askHub(`${base}/model.safetensors`, shared);
  await download(`${base}/config.json`, paths.config, shared);
  const { commit, ...wanted } = linked;
  const done = await download(`${base}/model.safetensors`, paths.weights, {
    ...{ ...shared, ...wanted, onProgress },
  });
  // Where the hub names no hash, at least the file's own structure is checked.
  if (wanted.sha256 === undefined) await readable(paths.weights);
  const { sha256, sizeBytes } = done;
  const note: Note = { format: 1, repository: repositoryOf(name), commit, sizeBytes, sha256 };
  await writeJson(notePath, note);
  return note;
}

/** The hub's headers for a large file, before it redirects to another host. */
async function askHub(url: string, options: DownloadOptions) {
  const { headers, cancel } = await retrying(
    () => request(url, { ...options, method: "HEAD", follow: "same-host" }),
    options,
  );
  cancel();
  const sha256 = /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(headers.get("x-linked-etag") ?? "")?.[1];
  return { commit: headers.get("x-repo-commit"), sha256, sizeBytes: lengthOf(headers.get("x-linked-size")) };
}

async function readable(path: string): Promise<void> {
  try {
    await readSafetensors(path);
  } catch (error) {
    await rm(path);
    throw error;
  }
}

function readConfig(text: string, where: string, wanted: string): HubRecipe {
  const { architecture, pretrained_cfg: own } = parseJson(text, configSchema, where);
  const [, height, width] = own.input_size;
  if (architecture !== wanted || height !== width) {
    throw unexpected("remote", {
      code: "PRETRAINED",
      expected: `${wanted} on square images`,
      name: "the hub's config",
      got: `${architecture} on ${height} x ${width} px`,
      where,
    });
  }
  const { mean, std, interpolation, crop_pct: cropPct, crop_mode: cropMode } = own;
  return { sizePx: height, mean, std, interpolation, cropPct, cropMode };
}

/**
 * The file that `--weights` means: a path as it is, `timm:NAME` through the cache and the hub.
 *
 * @throws as fetchPretrained
 */
export async function weightsFile(weights: string, options: HubOptions = {}): Promise<string> {
  if (!weights.startsWith(HUB_PREFIX)) return weights;
  return (await fetchPretrained(weights.slice(HUB_PREFIX.length), options)).weights;
}
