// The file that a person writes: YAML or JSON, checked key by key, with file and line in every complaint.
// It names axes and their values, data, settings, what to leave out, compare and evaluate (docs: CONTEXT, "Studies").
import { closest, distance } from "fastest-levenshtein";
import { z } from "zod";
import { type AppError, unexpected } from "../../core/errors.ts";
import { schemaFault, tellingIssue } from "../../core/schema.ts";
import { MODALITIES } from "../../core/words.ts";
import { COMPARED_METRICS } from "../../evaluate/metrics/weighted.ts";
import { readText } from "../../machine/files.ts";
import { explained } from "../../machine/sniff-file.ts";
import { ARCHS } from "../../models/facts.ts";
import { LOSSES } from "../../models/losses.ts";
import { GATINGS } from "../../models/mag.ts";
import { AUGMENTS } from "../../models/tags.ts";
import { type Perturbation, perturbationSchema } from "../../pixels/perturbation.ts";
import { type TrainConfig, trainConfigSchema } from "../../train/config.ts";
import { EVALUATED_SPLITS, resourcesSchema, TOLD } from "../study.ts";
import { offsetOf, parseYaml } from "./yaml.ts";

/** Keys of a run's configuration that are not axes of their own; cells are compared, so that all compute alike, in float32. */
export type SettingKey = Exclude<
  keyof TrainConfig,
  "arch" | "tag" | "data" | "seed" | "modality" | "kernels"
>;
const { arch, tag, data, seed, modality, kernels, ...settings } = trainConfigSchema.shape;
export const SETTING_KEYS = Object.keys(settings) as SettingKey[];

type Optional = Record<SettingKey, z.ZodOptional<z.ZodType>>;
/** Without defaults: a setting that is not given is not there. */
const given = Object.fromEntries(
  Object.entries(settings).map(([key, field]) => [
    key,
    bare(field)
      .optional()
      .describe(field.description ?? ""),
  ]),
) as Optional;

function bare(field: z.ZodType): z.ZodType {
  return field instanceof z.ZodDefault ? (field.unwrap() as z.ZodType) : field;
}

/** Settings of runs, none of them required. */
export const settingsSchema: z.ZodObject<Optional, z.core.$strict> = z.strictObject(given);
export type Settings = Readonly<Partial<Record<SettingKey, unknown>>>;

/** The values of the `modality` axis; `both` is no filter. */
export const TRAINED_MODALITIES = ["both", ...MODALITIES] as const;

/** Axes of the tag and of the data, in the order in which they vary, slowest first. */
export const AXES = ["data", "modality", "backbone", "arch", "F", "A", "L", "Z", "gating"] as const;
export type Axis = (typeof AXES)[number];

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/, "expected letters, digits and ._+-");
/** A value that is there twice would make each of its runs count twice, as two that agree. */
const several = <S extends z.ZodType>(value: S) =>
  z
    .array(value)
    .min(1)
    .refine(
      (all) => new Set(all.map((one) => JSON.stringify(one))).size === all.length,
      "expected each value once",
    );

const gridSchema = z.strictObject({
  data: several(name).optional(),
  modality: several(z.enum(TRAINED_MODALITIES)).optional(),
  arch: several(z.enum(ARCHS)).optional(),
  F: several(z.literal([0, 1])).optional(),
  A: several(z.enum(AUGMENTS)).optional(),
  L: several(z.enum(LOSSES)).optional(),
  Z: several(z.int().min(0).max(2)).optional(),
  gating: several(z.enum(GATINGS)).optional(),
  ...(Object.fromEntries(
    Object.entries(given).map(([key, field]) => [key, several(field.unwrap()).optional()]),
  ) as {
    [K in SettingKey]: z.ZodOptional<z.ZodArray<z.ZodType>>;
  }),
});

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const MATCHED = [...AXES, ...SETTING_KEYS] as const;
/** Cells by their axes: each key holds one value or several, of which one must be the cell's. */
const matchSchema = z.strictObject(
  Object.fromEntries(MATCHED.map((key) => [key, z.union([scalar, several(scalar)]).optional()])) as {
    [K in (typeof MATCHED)[number]]: z.ZodOptional<z.ZodUnion<[typeof scalar, z.ZodArray<typeof scalar>]>>;
  },
);
/** Cells by their axes, with one value or several each; those that fit all of them are meant. */
export type Match = {
  readonly [K in (typeof AXES)[number] | SettingKey]?:
    | string
    | number
    | boolean
    | readonly (string | number | boolean)[]
    | undefined;
};

const sources = several(z.string());

/** A checked study file, defaults filled in. Written out, as the type that follows from the schema was 59 KB of declarations. */
export interface StudyFile {
  readonly name: string;
  readonly about: string;
  readonly data?: readonly string[] | Readonly<Record<string, readonly string[]>> | undefined;
  readonly testData?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly backbones: Readonly<Record<string, { readonly [K in SettingKey]?: unknown } | null>>;
  readonly train: { readonly [K in SettingKey]?: unknown };
  readonly grid: {
    readonly data?: readonly string[] | undefined;
    readonly modality?: readonly (typeof TRAINED_MODALITIES)[number][] | undefined;
    readonly arch?: readonly (typeof ARCHS)[number][] | undefined;
    readonly F?: readonly (0 | 1)[] | undefined;
    readonly A?: readonly (typeof AUGMENTS)[number][] | undefined;
    readonly L?: readonly (typeof LOSSES)[number][] | undefined;
    readonly Z?: readonly number[] | undefined;
    readonly gating?: readonly (typeof GATINGS)[number][] | undefined;
  } & { readonly [K in SettingKey]?: readonly unknown[] | undefined };
  readonly seeds: readonly number[];
  readonly exclude: readonly Match[];
  readonly resources: readonly (z.output<typeof resourcesSchema> & { readonly only: Match })[];
  readonly compare: readonly {
    readonly name: string;
    readonly a: Match;
    readonly b: Match;
    readonly evaluation?: string | undefined;
    readonly modality?: (typeof MODALITIES)[number] | undefined;
    readonly metric: (typeof COMPARED_METRICS)[number];
  }[];
  readonly evaluate: readonly {
    readonly name: string;
    readonly data: string;
    readonly splits: (typeof EVALUATED_SPLITS)[number][];
    readonly modality: (typeof TRAINED_MODALITIES)[number];
    readonly told: (typeof TOLD)[number];
    readonly perturb?: Perturbation | undefined;
    readonly only: Match;
  }[];
}

const studyFileSchema: z.ZodType<StudyFile> = z.strictObject({
  name,
  about: z.string().default(""),
  /** One unnamed set of sources, or named sets; may be left to --data. */
  data: z.union([sources, z.record(name, sources)]).optional(),
  /** Sets that are only tested on. */
  testData: z.record(name, sources).optional(),
  /** Networks by name, each with settings of its own, e.g. its weights and their pixels. */
  backbones: z.record(z.string(), settingsSchema.nullable()),
  /** Settings of every run. */
  train: settingsSchema.default({}),
  grid: gridSchema.default({}),
  seeds: several(z.int().min(0).max(0x7fff_ffff)).default([42, 123, 999]),
  exclude: z.array(matchSchema).default([]),
  /** What tasks may use on a cluster; later entries win. */
  resources: z.array(resourcesSchema.extend({ only: matchSchema.default({}) })).default([]),
  compare: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        a: matchSchema,
        b: matchSchema,
        evaluation: name.optional(),
        modality: z.enum(MODALITIES).optional(),
        metric: z.enum(COMPARED_METRICS).default("balancedAccuracy"),
      }),
    )
    .default([]),
  evaluate: z
    .array(
      z.strictObject({
        name,
        /** own: the set that the cell learnt from; each and others: every set, one evaluation each. */
        data: name.default("own"),
        splits: several(z.enum(EVALUATED_SPLITS)).default(["test"]),
        modality: z.enum(TRAINED_MODALITIES).default("both"),
        told: z.enum(TOLD).default("recorded"),
        perturb: perturbationSchema.optional(),
        only: matchSchema.default({}),
      }),
    )
    .default([]),
});
/**
 * Reads and checks a study file.
 *
 * @throws AppError("data", "FILE_MISSING"), ("input", "STUDY_SYNTAX" | "STUDY_KEY" | "STUDY_VALUE") with file and line
 * @example (await readStudyFile("docs/studies/labelled-ablation.yaml")).grid
 */
export async function readStudyFile(path: string): Promise<StudyFile> {
  return await explained(path, ["text", "json"], "a study file", async () =>
    parseStudyFile(await readText(path, "a study file"), path),
  );
}

/** The same of a text; `where` names it in messages. */
export function parseStudyFile(text: string, where: string): StudyFile {
  const { document, value, lineAt } = parseYaml(text, where);
  const result = studyFileSchema.safeParse(value);
  if (result.success) return result.data;
  const place = (path: readonly PropertyKey[]) => {
    for (let length = path.length; length > 0; length--) {
      const parent: unknown = document.getIn(path.slice(0, length - 1), true);
      const offset = offsetOf(parent, path[length - 1]!);
      if (offset !== undefined) return lineAt(offset);
    }
    return where;
  };
  throw complaint(result.error, value, place);
}

function complaint(
  error: z.ZodError,
  value: unknown,
  place: (path: readonly PropertyKey[]) => string,
): AppError {
  const issue = tellingIssue(error);
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0]!;
    const path = [...issue.path, key];
    const known = knownKeys(issue.path);
    const hint = nearest(key, known);
    return unexpected("input", {
      code: "STUDY_KEY",
      expected: "a known key",
      name: issue.path.length === 0 ? "a study" : issue.path.join("."),
      got: key,
      where: place(path),
      hint,
    });
  }
  const { key, ...fault } = schemaFault(error, value);
  const name = key === "" ? "a study" : key;
  return unexpected("input", { code: "STUDY_VALUE", name, ...fault, where: place(issue.path) });
}

/** The nearest of some words if it is near, else all of them. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const best = closest(word, known);
  return distance(word, best) <= Math.max(2, word.length / 3) ? best : `one of ${known.join(", ")}`;
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>> | undefined;
  readonly additionalProperties?: JsonSchema | boolean | undefined;
  readonly items?: JsonSchema | undefined;
  readonly anyOf?: readonly JsonSchema[] | undefined;
  readonly oneOf?: readonly JsonSchema[] | undefined;
}

/** Keys that the schema knows at a path. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  let schemas: JsonSchema[] = [z.toJSONSchema(studyFileSchema, { io: "input" }) as JsonSchema];
  const open = (schema: JsonSchema): JsonSchema[] => [
    schema,
    ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap(open),
  ];
  for (const key of path) {
    schemas = schemas.flatMap(open).flatMap((schema) => {
      const next =
        typeof key === "number"
          ? schema.items
          : (schema.properties?.[String(key)] ?? schema.additionalProperties);
      return typeof next === "object" ? [next] : [];
    });
  }
  return [...new Set(schemas.flatMap(open).flatMap(({ properties = {} }) => Object.keys(properties)))];
}
