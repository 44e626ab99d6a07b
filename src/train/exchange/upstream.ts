// UnifiedGenderNet's best checkpoints by name: fetched once, converted once, and checked each time.
// Source: upstream's result files and their tags. Upstream's README gives the best UMCC the tag F1 and says "flag OFF": the
// width of its classifier decides. Invariant: what is returned was converted from the file that `fetched.json` notes.
import { join } from "node:path";
import { z } from "zod";
import { unexpected } from "../../core/errors.ts";
import { BEST, type Best, fetchCheckpoints } from "../../fetch/sets.ts";
import type { FetchOptions } from "../../fetch/unit.ts";
import { cacheFolder } from "../../machine/cache.ts";
import { exists, readJson, sha256File, writeJson } from "../../machine/files.ts";
import { withLock } from "../../machine/lock.ts";
import { type ModelConfig, parseModelConfig } from "../config.ts";
import { readUpstream, writeConverted } from "./convert.ts";

/** What `predict` takes before the name of a published checkpoint. */
export const UPSTREAM_PREFIX = "upstream:";

/** How to fetch a published checkpoint. */
export interface UpstreamOptions extends FetchOptions {
  /** Folder of this one's files; default: in the user's cache folder. */
  readonly dir?: string | undefined;
}

const BACKBONE = "tf_efficientnetv2_s";

/** Pixels as upstream's predict.py: 224 px, 0 to 1, nothing subtracted. */
const CONFIGS: Readonly<Record<Best, (flag: boolean) => ModelConfig>> = {
  "best-umcc": (flag) => configOf("umcc", `${BACKBONE}.in1k_F${Number(flag)}_Af_Lf_Z0`),
  "best-mag": () => configOf("mag", `${BACKBONE}.in1k_F0_Af_Lb_Z0_gating=soft_seed42`),
};

const configOf = (arch: ModelConfig["arch"], tag: string) =>
  parseModelConfig({ arch, tag, imageSize: 224, pixels: "raw" });

const noteSchema = z.strictObject({
  format: z.literal(1),
  /** SHA-256 of upstream's file. */
  source: z.string(),
  /** SHA-256 of ours. */
  sha256: z.string(),
});

/**
 * A published checkpoint as one of this package, in the cache.
 *
 * @param name - `best-umcc` or `best-mag`
 * @returns path of a .safetensors file
 * @throws AppError("input", "UPSTREAM") for another name; as fetchCheckpoints and readUpstream
 * @example await loadModel(await upstreamModel("best-umcc"))
 */
export async function upstreamModel(name: string, options: UpstreamOptions = {}): Promise<string> {
  const which = BEST.find((each) => each === name);
  if (which === undefined) {
    const expected = BEST.map((each) => `${UPSTREAM_PREFIX}${each}`).join(" or ");
    throw unexpected("input", {
      code: "UPSTREAM",
      expected,
      name: "the model",
      got: `${UPSTREAM_PREFIX}${name}`,
    });
  }
  const { dir = join(cacheFolder(), "upstream", which), ...fetching } = options;
  // The cache is everybody's: who comes second waits, and finds it filled.
  const wait = options.dir === undefined ? (options.signal ?? new AbortController().signal) : undefined;
  return await withLock(dir, `the folder ${dir}`, () => fetchAndConvert(which, dir, fetching), { wait });
}

async function fetchAndConvert(which: Best, dir: string, options: FetchOptions): Promise<string> {
  const { files } = await fetchCheckpoints(dir, which, options);
  const [{ name: file, sha256: source }] = files as [(typeof files)[number]];
  const path = join(dir, "model.safetensors");
  const notePath = join(dir, "converted.json");
  if ((await exists(notePath)) && (await exists(path))) {
    const note = await readJson(notePath, noteSchema, "a note of a conversion");
    if (note.source === source && note.sha256 === (await sha256File(path))) return path;
  }
  options.onStep?.(`converting ${file}`);
  // A width that fits neither way is reported by the conversion, with the tensor's shape.
  const converted = await readUpstream(join(dir, file), (flagOf) => CONFIGS[which](flagOf(BACKBONE) ?? true));
  await writeConverted(path, converted);
  await writeJson(notePath, { format: 1, source, sha256: await sha256File(path) });
  return path;
}
