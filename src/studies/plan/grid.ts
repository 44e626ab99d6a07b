// The grid of a study file as cells: every combination of the axes that makes a model, once.
// Axes that an architecture lacks (gating of UMCC, F of MAG) have the value "-" and do not multiply its cells.
import { unexpected } from "../../core/errors.ts";
import { ARCHS, type Arch } from "../../models/facts.ts";
import { formatTag, parseTag, type Tag } from "../../models/tags.ts";
import { parseTrainConfig, type TrainConfig } from "../../train/config.ts";
import { AXES, type Match, nearest, SETTING_KEYS, type SettingKey, type StudyFile } from "./file.ts";

/** A point of the grid: each axis with its value. */
export type Point = Readonly<Record<string, unknown>>;

/** A cell before its data and weights are read. */
export interface Draft {
  readonly axes: Readonly<Record<string, string>>;
  readonly label: string;
  readonly data: string;
  readonly config: TrainConfig;
}

/** What a grid needs beside the file: sources of each set that may be learnt from. */
export type TrainSets = Readonly<Record<string, readonly string[]>>;

export const ABSENT = "-";

/**
 * All cells of a study file, in the order of AXES.
 *
 * @throws AppError("input", "STUDY_SET" | "STUDY_AXIS" | "STUDY_EMPTY"), and as parseTrainConfig for bad settings
 */
export function draftCells(file: StudyFile, sets: TrainSets): Draft[] {
  const points = expand(file, sets).filter(
    (point) => !file.exclude.some((match) => matches(axesOf(point), match)),
  );
  if (points.length === 0) {
    const name = "the grid, exclusions taken off";
    throw unexpected("input", { code: "STUDY_EMPTY", expected: "at least one cell", name, got: 0 });
  }
  const all = points.map(axesOf);
  const varying = Object.keys(all[0]!).filter((key) => new Set(all.map((axes) => axes[key])).size > 1);
  return points.map((point, i) => {
    const config = configOf(file, point, sets);
    return {
      axes: all[i]!,
      label: labelOf(config.tag, all[i]!, varying),
      data: String(point["data"]),
      config,
    };
  });
}

function expand(file: StudyFile, sets: TrainSets): Point[] {
  const { grid } = file;
  const named = grid.data ?? Object.keys(sets);
  const unknown = named.find((set) => sets[set] === undefined);
  if (unknown !== undefined) {
    const hint = nearest(unknown, Object.keys(sets));
    const e = { code: "STUDY_SET", expected: "a set of the study's data", name: "grid.data", got: unknown };
    throw unexpected("input", hint === undefined ? e : { ...e, hint });
  }
  const archs = grid.arch ?? ["umcc"];
  const common: [string, readonly unknown[]][] = [
    ["data", named],
    ["modality", grid.modality ?? ["both"]],
    ["backbone", Object.keys(file.backbones)],
  ];
  const own: [string, readonly unknown[]][] = [
    ["A", grid.A ?? ["f"]],
    ["L", grid.L ?? ["b"]],
    ["Z", grid.Z ?? [0]],
  ];
  const further = SETTING_KEYS.flatMap((key): [string, readonly unknown[]][] => {
    const values = grid[key];
    return values === undefined ? [] : [[key, values]];
  });
  return product(common).flatMap((point) =>
    ARCHS.filter((arch) => archs.includes(arch)).flatMap((arch) => {
      const umcc = arch === "umcc";
      const flags: [string, readonly unknown[]] = ["F", umcc ? (grid.F ?? [1]) : [ABSENT]];
      const gatings: [string, readonly unknown[]] = ["gating", umcc ? [ABSENT] : (grid.gating ?? ["soft"])];
      return product([["arch", [arch]], flags, ...own, gatings, ...further]).map((rest) => ({
        ...point,
        ...rest,
      }));
    }),
  );
}

function product(axes: readonly (readonly [string, readonly unknown[]])[]): Point[] {
  return axes.reduce<Point[]>(
    (points, [key, values]) => points.flatMap((point) => values.map((value) => ({ ...point, [key]: value }))),
    [{}],
  );
}

const asText = (value: unknown) => (typeof value === "object" ? JSON.stringify(value) : String(value));

function axesOf(point: Point): Record<string, string> {
  return Object.fromEntries(Object.entries(point).map(([key, value]) => [key, asText(value)]));
}

function configOf(file: StudyFile, point: Point, sets: TrainSets): TrainConfig {
  const { data, modality, backbone, arch, F, A, L, Z, gating, ...settings } = point as Record<string, string>;
  const { backbone: network, pretrain } = splitName(backbone!);
  const tag: Tag = {
    backbone: network,
    pretrain,
    flag: String(F) === "1",
    augment: A as Tag["augment"],
    loss: L as Tag["loss"],
    frozen: Number(Z),
    ...(gating === ABSENT ? {} : { gating: gating as NonNullable<Tag["gating"]> }),
  };
  return parseTrainConfig({
    ...file.train,
    ...file.backbones[backbone!],
    ...settings,
    ...(modality === "both" ? {} : { modality }),
    arch: arch as Arch,
    tag: formatTag(tag),
    data: sets[data!],
  });
}

/** `<backbone>.<pretrain>`, by the tag's own rules. */
function splitName(name: string): Pick<Tag, "backbone" | "pretrain"> {
  return parseTag(`${name.includes(".") ? name : `${name}.none`}_F0_Af_Lb_Z0`);
}

/** The tag states all but these. */
const TAGGED: readonly string[] = ["backbone", "arch", "F", "A", "L", "Z", "gating"];

function labelOf(tag: string, axes: Readonly<Record<string, string>>, varying: readonly string[]): string {
  const further = varying.filter((key) => !TAGGED.includes(key));
  return [tag, ...further.map((key) => `${key}=${axes[key]!.replace(/[^A-Za-z0-9.+-]+/g, "-")}`)].join("_");
}

/** True if the axes have one of the values that are asked for, for every key. */
export function matches(axes: Readonly<Record<string, string>>, match: Match): boolean {
  return Object.entries(match).every(([key, wanted]) => {
    if (wanted === undefined) return true;
    const values = Array.isArray(wanted) ? wanted : [wanted];
    return values.map(String).includes(axes[key] ?? ABSENT);
  });
}

/**
 * Refuses a match on an axis that the study does not have: it would silently be false or true.
 *
 * @throws AppError("input", "STUDY_AXIS" | "STUDY_NO_CELL")
 */
export function checkMatch(match: Match, cells: readonly Pick<Draft, "axes">[], name: string): void {
  for (const [key, wanted] of Object.entries(match)) {
    const values = [...new Set(cells.flatMap(({ axes }) => axes[key] ?? []))];
    if (values.length === 0) {
      const expected = `an axis of the grid (${Object.keys(cells[0]!.axes).join(", ")})`;
      throw unexpected("input", { code: "STUDY_AXIS", expected, name, got: key });
    }
    const missing = [wanted].flat().find((value) => !values.includes(String(value)));
    if (missing === undefined) continue;
    const expected = `${key} of a cell (${values.join(", ")})`;
    throw unexpected("input", { code: "STUDY_NO_CELL", expected, name, got: missing });
  }
}

/** Cells that differ in the axes that the two matches name, and in nothing else. */
export function pairCells<C extends Pick<Draft, "axes">>(
  cells: readonly C[],
  a: Match,
  b: Match,
): { a: C; b: C }[] {
  const asked = new Set([...Object.keys(a), ...Object.keys(b)]);
  const same = (one: C, other: C) =>
    Object.keys(one.axes).every((key) => {
      const [x, y] = [one.axes[key], other.axes[key]];
      return asked.has(key) || x === y || x === ABSENT || y === ABSENT;
    });
  const others = cells.filter(({ axes }) => matches(axes, b));
  return cells
    .filter(({ axes }) => matches(axes, a))
    .flatMap((one) =>
      others.filter((other) => other !== one && same(one, other)).map((other) => ({ a: one, b: other })),
    );
}

/** Axes by name, for command lines: `--only L=b,f`. */
export function parseOnly(texts: readonly string[]): Match {
  const known: readonly string[] = [...AXES, ...SETTING_KEYS];
  return Object.fromEntries(
    texts.map((text) => {
      const [key = "", values = ""] = text.split(/=(.*)/s);
      if (known.includes(key) && values !== "") return [key as SettingKey, values.split(",")];
      const hint = nearest(key, known);
      const e = { code: "FLAG", expected: "AXIS=VALUE[,VALUE]", name: "--only", got: text };
      throw unexpected("input", hint === undefined ? e : { ...e, hint });
    }),
  );
}
