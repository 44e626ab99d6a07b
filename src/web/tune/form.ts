// ◇ Browser-safe. What is chosen in Tune, as the address has it, and the order that it makes.
// Invariant: a choice that no run could have is refused by the thread in `train`'s words, not by rules of the form's own.
import { signal } from "@preact/signals";
import { ROUTES, type Thing } from "../../server/api.ts";
import { trainConfigSchema } from "../../train/config.ts";
import { LEARNERS, type Learner, type TuneChoices } from "../../train/head/plan.ts";
import { chosen } from "../app/address.ts";
import { get, hasFile, thingsOf, urlOf } from "../app/source.ts";
import { type Desk, idOf } from "../pairs/desk.ts";
import { type Run, readable } from "../runs/configurations.ts";
import type { Order } from "./messages.ts";
import { type Dealt, dealPairs, TABLES, type Validation } from "./samples.ts";

const CHECKPOINT = "checkpoints/best.safetensors";

/** A model that was chosen as a file; it is not uploaded anywhere. */
export const file = signal<File | undefined>(undefined);

/** Runs whose backbone can be taken. */
export const models = (): Run[] => readable(thingsOf("run")).filter((run) => hasFile(run, CHECKPOINT));

/** The run that is chosen; the first where none is. */
export function modelNow(): Run | undefined {
  const all = models();
  return all.find(({ id }) => id === chosen("model")) ?? all[0];
}

/** What learns: heads, unless all layers are chosen. */
export const learnerNow = (): Learner => LEARNERS.find((one) => one === chosen("learns")) ?? "head";

const defaultOf = (name: "seed" | "epochs" | "lr" | "batch" | "val") =>
  trainConfigSchema.shape[name].parse(undefined);

/** Numbers that people choose, with the defaults of `train`. */
export const NUMBERS = {
  seed: { title: "Seed", value: defaultOf("seed"), step: 1 },
  epochs: { title: "Epochs, at most", value: defaultOf("epochs"), step: 1 },
  patience: { title: "Patience, epochs", value: undefined, step: 1 },
  lr: { title: "Learning rate", value: defaultOf("lr"), step: "any" },
  batch: { title: "Images a step", value: defaultOf("batch"), step: 1 },
} as const;
/** The name of one. */
export type NumberName = keyof typeof NUMBERS;

/** As it stands in the field. */
export const textOf = (name: NumberName): string => chosen(name) ?? String(NUMBERS[name].value ?? "");

function choicesNow(): TuneChoices {
  const entries = (Object.keys(NUMBERS) as NumberName[]).map((name) => [name, textOf(name)] as const);
  return Object.fromEntries(entries.flatMap(([name, text]) => (text === "" ? [] : [[name, Number(text)]])));
}

/** Who validates: those of the pictures' own validation split, or a share of the subjects. */
export function validationNow({ hasSplit }: Pick<Labelled, "hasSplit">): Validation {
  const share = chosen("share") ?? (hasSplit ? undefined : SHARE);
  return share === undefined
    ? { by: "split" }
    : { by: "share", share: Number(share), seed: Number(textOf("seed")) };
}

/** The share that is offered first. */
export const SHARE = String(defaultOf("val"));

const tables = new Map<string, Promise<Parameters<typeof dealPairs>[0]>>();

/** The tables of a dataset's pairs, read once. */
function tablesOf(thing: Thing) {
  const key = `${thing.id} ${thing.changed}`;
  const known =
    tables.get(key) ??
    Promise.all(
      TABLES.filter((split) => hasFile(thing, `${split}.csv`)).map(async (split) => {
        const text = await (await get(ROUTES.file(thing.id, `${split}.csv`))).text();
        return { split, text };
      }),
    );
  tables.set(key, known);
  known.catch(() => tables.delete(key));
  return known;
}

/** Labelled pictures that a head can learn from. */
export interface Labelled {
  readonly place: string;
  /** Of source facts. */
  readonly kind: string;
  /** Another for other pictures or labels. */
  readonly key: string;
  readonly recipeHash?: string | undefined;
  readonly hasSplit: boolean;
  deal(): Promise<Dealt>;
  /** By a sample's path: an address, or a file that was chosen. */
  picture(path: string): string | File;
}

/** The pairs of a dataset that the filters let through. */
export function pairsOf(desk: Desk): Labelled {
  const { thing } = desk.dataset;
  const recipeHash = thing.dataset?.recipeHash;
  const { rows, filters } = desk.sifted.value;
  const deal = async () => {
    const ids = filters.length === 0 ? undefined : new Set(Array.from(rows, (row) => idOf(desk, row)));
    return dealPairs(await tablesOf(thing), ids, validationNow({ hasSplit: true }), recipeHash);
  };
  return {
    ...{ place: thing.place, kind: "pairs", recipeHash, hasSplit: true, deal },
    key: `${thing.id} ${thing.changed}`,
    picture: (path) => urlOf(ROUTES.keptPicture(thing, path)),
  };
}

/** The training that is chosen now. */
export async function orderNow({ place, kind, key, recipeHash, deal, picture }: Labelled): Promise<Order> {
  const dealt = await deal();
  const samples = [...dealt.train, ...dealt.val];
  const own = file.value;
  const run = modelNow();
  const model =
    own !== undefined
      ? { model: new Uint8Array(await own.arrayBuffer()), modelName: own.name }
      : { model: urlOf(ROUTES.file(run!.id, CHECKPOINT)), modelName: `${run!.place}/${CHECKPOINT}` };
  const learner = learnerNow();
  const modelKey = own === undefined ? [run!.id, run!.changed] : [own.name, own.size, own.lastModified];
  return {
    ...model,
    ...{ place, kind, dealt, recipeHash },
    prepared: JSON.stringify([modelKey, key, learner, samples.map(({ id }) => id).sort()]),
    pictures: new Map(samples.map(({ id, path }) => [id, picture(path)])),
    learner,
    choices: choicesNow(),
  };
}
