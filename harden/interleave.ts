// One random interleaving of opening, running, misusing and closing sessions and predictors, beside what has to come of it:
// right values of what was asked before the closing, RELEASED after it, an AppError for every misuse.
// Invariant: what is drawn follows from the seed; how native code takes turns does not.
import { setImmediate as nextTurn } from "node:timers/promises";
import { AppError } from "../src/core/errors.ts";
import { Random } from "../src/core/random.ts";
import { createSession, ownSession } from "../src/engine/runtime/open-session.ts";
import { openBinding } from "../src/engine/runtime/ort-node.ts";
import { type Session, Tensor, type Tensors } from "../src/engine/runtime/session.ts";
import { encodeModel, type OnnxModel } from "../src/formats/onnx.ts";
import type { ModelFacts } from "../src/models/facts.ts";
import type { RgbImage } from "../src/pixels/pixels.ts";
import { type Predictor, sessionPredictor } from "../src/predict/predictor.ts";

/** A fault, or nothing. */
type Verdict = Promise<string | undefined>;

/** Something open that is run and closed. */
export interface Subject {
  readonly name: string;
  /** Asks for something and returns what has to come of it; `closed` if it was closed before. */
  use(random: Random, closed: boolean): Verdict;
  close(): Promise<void>;
}

/** Opens subjects; fails as it should for what cannot be opened. */
export type Opener = (random: Random) => Promise<Subject | undefined>;

const MOST_SUBJECTS = 3;
const PATIENCE_MS = 30_000;

/**
 * Draws and makes one interleaving.
 *
 * @param openers - what is opened, one of them at a time
 * @returns a line for every fault
 */
export async function interleave(seed: number, openers: readonly Opener[]): Promise<string[]> {
  const random = Random.of(seed).split("handles");
  const open: { subject: Subject; closed: boolean }[] = [];
  const verdicts: Verdict[] = [];
  const steps = 4 + random.int(14);
  for (let step = 0; step < steps; step++) {
    const draw = random.int(20);
    const one = open.length === 0 ? undefined : open[random.int(open.length)]!;
    if (one === undefined || (draw < 2 && open.length < MOST_SUBJECTS)) {
      const subject = await openers[random.int(openers.length)]!(random);
      if (subject !== undefined) open.push({ subject, closed: false });
    } else if (draw < 14) {
      verdicts.push(one.subject.use(random, one.closed));
    } else if (draw < 17) {
      verdicts.push(settles(one.subject.close(), `${one.subject.name}: close`));
      one.closed = true;
    } else if (draw < 18) await Promise.all(verdicts);
    else await nextTurn();
  }
  for (const { subject } of open) verdicts.push(settles(subject.close(), `${subject.name}: close`));
  const found = await inTime(Promise.all(verdicts));
  return found.filter((fault) => fault !== undefined);
}

async function inTime(all: Promise<(string | undefined)[]>): Promise<(string | undefined)[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string[]>((resolve) => {
    timer = setTimeout(() => resolve([`what was asked did not end in ${PATIENCE_MS} ms`]), PATIENCE_MS);
  });
  const found = await Promise.race([all, late]);
  clearTimeout(timer);
  return found;
}

/** It has to end without an error. */
export async function settles(promise: Promise<unknown>, what: string): Verdict {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return `${what}: expected no error, got ${text(error)}`;
  }
}

/**
 * It has to fail as it should.
 *
 * @param codes - of the AppErrors that may come; any of kind `input` if empty
 */
export async function refuses(promise: Promise<unknown>, what: string, codes: readonly string[]): Verdict {
  try {
    await promise;
  } catch (error) {
    const right =
      error instanceof AppError && (codes.length === 0 ? error.kind === "input" : codes.includes(error.code));
    return right
      ? undefined
      : `${what}: expected ${codes.join(" or ") || "an input error"}, got ${text(error)}`;
  }
  return `${what}: expected ${codes.join(" or ") || "an input error"}, got an answer`;
}

function text(error: unknown): string {
  return error instanceof AppError
    ? `${error.code}: ${error.message}`
    : String((error as Error)?.stack ?? error);
}

const node = (op: string, inputs: string[], outputs: string[], attributes: object = {}) =>
  ({ name: outputs[0]!, op, domain: "", inputs, outputs, attributes }) as OnnxModel["graph"]["nodes"][number];

function graph(parts: Pick<OnnxModel["graph"], "nodes" | "inputs" | "outputs">): Uint8Array {
  const opsets = [{ domain: "", version: 17 }];
  return encodeModel({
    irVersion: 8,
    producer: "facehand",
    opsets,
    metadata: {},
    graph: { name: "g", initializers: [], ...parts },
  });
}

/** y = |x|, z = -x. */
export const SIGNS = graph({
  nodes: [node("Abs", ["x"], ["y"]), node("Neg", ["x"], ["z"])],
  inputs: [{ name: "x", dtype: "float32", dims: ["n"] }],
  outputs: ["y", "z"].map((name) => ({ name, dtype: "float32" as const, dims: ["n"] })),
});

const SIDE_PX = 4;
/** The mean of each image's bytes. */
const MEANS = graph({
  nodes: [
    node("Cast", ["images"], ["floats"], { to: { int: 1 } }),
    node("ReduceMean", ["floats"], ["logits"], { axes: { ints: [1, 2, 3] }, keepdims: { int: 0 } }),
  ],
  inputs: [{ name: "images", dtype: "uint8", dims: ["n", SIDE_PX, SIDE_PX, 3] }],
  outputs: [{ name: "logits", dtype: "float32", dims: ["n"] }],
});

const vector = (data: unknown, dims: unknown = [(data as Float32Array).length]) =>
  ({ x: { type: "float32", dims, data } }) as unknown as Tensors;

/** What no session may be given, and its error. */
const BAD_FEEDS: readonly (() => Tensors)[] = [
  () => ({}),
  () => ({ w: new Tensor("float32", Float32Array.of(1), [1]) }),
  () => null as unknown as Tensors,
  () => vector(new Float32Array(3), [4]),
  () => vector(new Float32Array(3), [3, 1]),
  () => vector(new Float32Array(3), [Number.NaN]),
  () => vector(new Float32Array(3), [-3]),
  () => vector(new Float32Array(3), [2 ** 60]),
  () => vector(new Float32Array(new SharedArrayBuffer(12))),
  () => vector([1, 2, 3]),
  () => vector(new Float64Array(3)),
  () => vector(gone(Float32Array, 3), [3]),
  () => ({ x: new Tensor("uint8", Uint8Array.of(1), [1]) }),
  () => vector(undefined, [1]),
];

/** An array whose memory was given away. */
function gone<A extends Float32Array | Uint8Array>(kind: new (length: number) => A, length: number): A {
  const array = new kind(length);
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  return array;
}

async function useSession(session: Session, random: Random, closed: boolean, what: string): Verdict {
  const draw = random.int(10);
  if (draw < 3) {
    const bad = BAD_FEEDS[random.int(BAD_FEEDS.length)]!;
    return refuses(session.run(bad()), `${what}: bad tensors ${bad}`, closed ? ["RELEASED"] : []);
  }
  const x = Float32Array.from({ length: random.int(9) }, () => random.int(200) - 100);
  const wanted = { y: x.map(Math.abs), z: x.map((value) => -value) };
  const input = new Tensor("float32", x, [x.length]);
  if (draw === 3) {
    const short = { y: new Tensor("float32", new Float32Array(x.length + 1), [x.length + 1]) };
    const run = session.run({ x: input }, short);
    if (closed) return refuses(run, what, ["RELEASED"]);
    return (await settles(run, what)) === undefined
      ? undefined
      : refuses(run, `${what}: long output`, ["RUN_FAILED"]);
  }
  const fetches = [
    undefined,
    ["y"],
    ["z", "y", "z"],
    { y: input },
    { z: new Tensor("float32", new Float32Array(x.length), [x.length]) },
  ];
  const run = session.run({ x: input }, fetches[random.int(fetches.length)]);
  const given = draw === 4 && x.length > 0;
  if (given) structuredClone(x.buffer, { transfer: [x.buffer as ArrayBuffer] });
  if (closed) return refuses(run, what, ["RELEASED"]);
  if (given) return refuses(run, `${what}: memory given away`, ["TENSOR"]);
  try {
    const out = await run;
    for (const [name, { data }] of Object.entries(out)) {
      const right = wanted[name as "y" | "z"];
      if ((data as Float32Array).some((value, i) => value !== right[i]!))
        return `${what}: ${name} is [${data}], not [${right}]`;
    }
    return undefined;
  } catch (error) {
    return `${what}: expected values, got ${text(error)}`;
  }
}

const OPTIONS = [
  { threads: 1 },
  { threads: 1, memoryPattern: true },
  { threads: 1, optimization: "basic" },
  { threads: 2 },
] as const;
const BAD_MODELS: readonly (() => Uint8Array)[] = [
  () => new Uint8Array(0),
  () => Uint8Array.of(1, 2, 3),
  () => SIGNS.subarray(0, SIGNS.length - 9),
  () => "model" as unknown as Uint8Array,
  () => new Uint8Array(new SharedArrayBuffer(8)),
];

/** Sessions by both ways, and models that cannot be opened. */
async function openSession(random: Random): Promise<Subject | undefined> {
  const draw = random.int(20);
  if (draw < 3) {
    const bad = createSession(BAD_MODELS[random.int(BAD_MODELS.length)]!(), { threads: 1 });
    const fault = await refuses(bad, "a bad model", ["MODEL_REFUSED", "MODEL_BYTES"]);
    if (fault !== undefined) throw new Error(fault);
    return undefined;
  }
  const options = OPTIONS[draw === 3 ? 3 : random.int(3)]!;
  const session = await (draw < 8
    ? openBinding(SIGNS, options).then(ownSession)
    : createSession(SIGNS, options));
  const name = draw < 8 ? "binding" : "session";
  return { name, use: (r, closed) => useSession(session, r, closed, name), close: () => session.release() };
}

/** Pictures that are none. */
export const BAD_IMAGES: readonly (() => RgbImage)[] = [
  () => ({ width: 0, height: 0, data: new Uint8Array(0) }),
  () => ({ width: Number.NaN, height: 2, data: new Uint8Array(12) }),
  () => ({ width: 2, height: -2, data: new Uint8Array(12) }),
  () => ({ width: 2, height: 2, data: new Uint8Array(11) }),
  () => ({ width: 2, height: 2, data: new Uint8Array(16) }),
  () => ({ width: 1.5, height: 2, data: new Uint8Array(9) }),
  () => ({ width: 2 ** 31, height: 2, data: new Uint8Array(12) }),
  () => ({ width: 2, height: 2, data: new Uint8Array(new SharedArrayBuffer(12)) }),
  () => ({ width: 2, height: 2, data: gone(Uint8Array, 12) }),
  () => ({ width: 2, height: 2, data: new Float32Array(12) as unknown as Uint8Array }),
  () => ({ width: 2, height: 2 }) as RgbImage,
  () => undefined as unknown as RgbImage,
];

/** A picture of one grey, of odd sides. */
export function greyImage(random: Random, mostPx = 9): RgbImage {
  const [width, height] = [1 + random.int(mostPx), 1 + random.int(mostPx)];
  return { width, height, data: new Uint8Array(width * height * 3).fill(random.int(256)) };
}

async function usePredictor(predictor: Predictor, random: Random, closed: boolean): Verdict {
  const draw = random.int(8);
  if (draw < 2) {
    const bad = BAD_IMAGES[random.int(BAD_IMAGES.length)]!;
    return refuses(
      predictor.predict([bad()], "auto"),
      `predictor: bad image ${bad}`,
      closed ? ["RELEASED"] : [],
    );
  }
  if (draw === 2) {
    const pixels = new Uint8Array([0, 1, 3 * SIDE_PX ** 2 - 1][random.int(3)]!);
    return refuses(
      predictor.predictPixels(pixels, ["auto"]),
      "predictor: bad pixels",
      closed ? ["RELEASED"] : [],
    );
  }
  if (draw === 3)
    return refuses(
      predictor
        .predict([], "foot" as never)
        .then(() => predictor.predict([greyImage(random)], "foot" as never)),
      "predictor: bad modality",
      closed ? ["RELEASED"] : [],
    );
  const images = Array.from({ length: random.int(5) }, () => greyImage(random));
  const answers = predictor.predict(images, "auto");
  if (closed) return refuses(answers, "predictor", ["RELEASED"]);
  try {
    const logits = (await answers).map(({ logit }) => logit);
    const right = images.map(({ data }) => data[0]!);
    return logits.join() === right.join() ? undefined : `predictor: logits are ${logits}, not ${right}`;
  } catch (error) {
    return `predictor: expected answers, got ${text(error)}`;
  }
}

async function openMeans(random: Random): Promise<Subject> {
  const session = await createSession(MEANS, { threads: 1 });
  const facts = { arch: "umcc", flag: false, pixels: { sizePx: SIDE_PX } } as unknown as ModelFacts;
  const predictor = sessionPredictor(session, { facts, batchSize: 1 + random.int(3), needsFlag: false });
  return {
    name: "predictor",
    use: (r, closed) => usePredictor(predictor, r, closed),
    close: () => predictor.close(),
  };
}

/** What takes no time to open. */
export const QUICK: readonly Opener[] = [openSession, openSession, openMeans];
