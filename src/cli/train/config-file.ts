// `train --config` and `train --print-config`: a run's configuration as a file that a person can read and change.
// Invariant: what --print-config writes is what --config reads; defaults stand in the schema alone.
import { closest } from "fastest-levenshtein";
import { stringify } from "yaml";
import { unexpected } from "../../core/errors.ts";
import { schemaFault } from "../../core/schema.ts";
import { readText } from "../../machine/files.ts";
import { explained } from "../../machine/sniff-file.ts";
import { offsetOf, parseYaml } from "../../studies/plan/yaml.ts";
import { parseTrainConfig, trainConfigSchema } from "../../train/config.ts";

const KEYS = Object.keys(trainConfigSchema.shape);
/** None of them required: flags may give what a file leaves out. */
const fileSchema = trainConfigSchema.partial();
const WHAT = "a configuration file";

type Given = Readonly<Record<string, unknown>>;

/**
 * The keys that a file gives: YAML or JSON, such as a run's `config.json`.
 *
 * @throws AppError("data", "FILE_MISSING"), ("input", "STUDY_SYNTAX" | "CONFIG") with file and line
 */
export async function readConfigFile(path: string): Promise<Given> {
  const text = await explained(path, ["text", "json"], WHAT, () => readText(path, WHAT));
  const { document, value, lineAt } = parseYaml(text, path, WHAT);
  const where = (key: string) => {
    const offset = offsetOf(document.contents, key);
    return offset === undefined ? path : lineAt(offset);
  };
  const refuse = (expected: string, name: string, got: unknown, at: string, hint?: string) =>
    unexpected("input", { code: "CONFIG", expected, name, got, where: at, hint });
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw refuse("keys and values", WHAT, value, path, "facehand train --print-config writes one");
  const unknown = Object.keys(value).find((key) => !KEYS.includes(key));
  if (unknown !== undefined)
    throw refuse("a known key", WHAT, unknown, where(unknown), closest(unknown, KEYS));
  const { batch, ...rest } = value as Given;
  const checked = fileSchema.safeParse(batch === "auto" || batch === undefined ? rest : value);
  if (checked.success) return value as Given;
  const { key, ...fault } = schemaFault(checked.error, value);
  throw refuse(fault.expected, key, fault.got, where(key.split(".")[0]!), fault.hint);
}

/**
 * A whole configuration as text, with what is left out named below.
 *
 * @param given - keys from flags and file
 * @throws as parseTrainConfig
 */
export function printConfig(given: Given, json: boolean): string {
  const isAuto = given["batch"] === "auto";
  const parsed = parseTrainConfig(isAuto ? { ...given, batch: undefined } : given);
  const config: Given = isAuto ? { ...parsed, batch: "auto" } : parsed;
  if (json) return JSON.stringify(config, null, 2);
  const absent = KEYS.filter((key) => config[key] === undefined);
  const present = KEYS.filter((key) => config[key] !== undefined).map((key) => [key, config[key]]);
  return `${stringify(Object.fromEntries(present))}# left out: ${absent.join(", ")}`;
}
