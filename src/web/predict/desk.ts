// ◇ Browser-safe. What lies on the desk of the view: the model that is open, and the photos that were given, newest first.
// Invariant: an answer names the model that gave it; photos are answered in the order in which they were given.
import { signal } from "@preact/signals";
import type { AppError } from "../../core/errors.ts";
import type { AskedModality } from "../../predict/predictor.ts";
import { ROUTES, type Thing } from "../../server/api.ts";
import { faultOf } from "../app/fault.ts";
import { urlOf } from "../app/source.ts";
import { openModel, predictPhoto } from "./thread.ts";
import type { ModelPlace, Results } from "./worker.ts";

/** The checkpoint of a run that its figures are of; on a page of its own it lies in no folder. */
const bestOf = (run: Thing): string | undefined =>
  run.files.find(({ name }) => /^(checkpoints\/)?best\.safetensors$/.test(name))?.name;

/** A model, on its way or open. */
export interface Shown {
  readonly name: string;
  readonly opened?: Results["open"] | undefined;
  readonly fault?: AppError | undefined;
}

/** A photo, on its way or answered. */
export interface Asked {
  readonly key: number;
  readonly name: string;
  readonly model: string;
  readonly answer?: Results["photo"] | undefined;
  readonly fault?: AppError | undefined;
}

export const model = signal<Shown | undefined>(undefined);
export const photos = signal<readonly Asked[]>([]);
export const modality = signal<AskedModality>("auto");
export const detect = signal(true);

/** Photos whose pixels are kept. */
const MOST = 12;

/** Opens the best checkpoint of a run. */
export function openRun(run: Thing): void {
  if (model.peek()?.name === run.place && model.peek()?.fault === undefined) return;
  const best = bestOf(run);
  if (best !== undefined) void open({ name: run.place, url: urlOf(ROUTES.file(run.id, best)) });
}

/** Runs that can predict. */
export const canPredict = (run: Thing): boolean => run.run !== undefined && bestOf(run) !== undefined;

/** Opens a file that was given. */
export async function openFile(file: File): Promise<void> {
  await open({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) });
}

async function open(place: ModelPlace): Promise<void> {
  const { name } = place;
  model.value = { name };
  const next: Shown = await openModel(place).then(
    (opened) => ({ name, opened }),
    (error: unknown) => ({ name, fault: faultOf(error) }),
  );
  if (model.peek()?.name === name) model.value = next; // another may have been chosen meanwhile
}

let given = 0;

/** Has photos predicted, one after another. */
export async function predict(files: readonly File[]): Promise<void> {
  for (const file of files) {
    const key = ++given;
    const bytes = new Uint8Array(await file.arrayBuffer());
    // As it is asked: while the file was read, another model may have been chosen.
    const one: Asked = { key, name: file.name, model: model.peek()?.name ?? "" };
    photos.value = [one, ...photos.peek()].slice(0, MOST);
    const asking = { name: file.name, bytes, modality: modality.peek(), detect: detect.peek() };
    const answered: Asked = await predictPhoto(asking).then(
      (answer) => ({ ...one, answer }),
      (error: unknown) => ({ ...one, fault: faultOf(error) }),
    );
    photos.value = photos.peek().map((each) => (each.key === key ? answered : each));
  }
}
