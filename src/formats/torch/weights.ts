// Which weights of a PyTorch file are meant, where it has trained ones and an average of them (EMA, SWA).
// Source: timm's models/_helpers.py (load_state_dict), whose choice is the default; averages as timm, torch_ema, torch's
// AveragedModel and Lightning's callbacks store them. Invariant: the choice is reported, and what is asked for is there.
import { unexpected } from "../../core/errors.ts";
import { TorchTensor } from "./tensors.ts";
import { flatten, join, nameOf, noStateDict, STATE_DICT_KEYS, type TorchValue, Walk } from "./tree.ts";

/** Which weights of a file were taken. */
export interface WeightsTaken {
  /** Dotted path in the file; empty for the file itself. */
  readonly from: string;
  /** Whether they are an average over training steps. */
  readonly average: boolean;
  /** Paths of the other weights in the file. */
  readonly others: readonly string[];
}

/** The tensors of a choice, and what was chosen. */
export interface Chosen {
  readonly tensors: Map<string, TorchTensor>;
  readonly taken: WeightsTaken;
}

interface Candidate {
  readonly from: string;
  readonly tensors: () => Map<string, TorchTensor>;
}

/** Names of what holds an average: `state_dict_ema`, `ema_model`, `EMACallback`, `average_model_state`. */
const AVERAGE = /(^|[^A-Za-z])(ema|swa)([^a-z]|$)|EMA|Ema(?![a-z])|SWA|[Aa]verag|[Ss]hadow/;
/** timm's keys of averages, which its load_checkpoint takes before the trained weights. */
const TIMM_AVERAGES = ["state_dict_ema", "model_ema"];
/** Lightning's WeightAveraging keeps the average as `state_dict` and what was trained here. */
const LIGHTNING_TRAINED = "current_model_state";
/** torch_ema's list of averaged parameters, in the order of model.parameters(). */
const SHADOW = "shadow_params";
/** The number of averaged steps beside an AveragedModel of torch. */
const AVERAGED_STEPS = "n_averaged";
/** Running statistics and counters, which are no parameters. */
const BUFFERS = [".running_mean", ".running_var", ".num_batches_tracked"];
/** Parts of training checkpoints that hold tensors of other kinds. */
const OTHER_PARTS = /^(optim|lr_|scheduler|amp|scaler|loops|hparams|hyper)/;
const MAX_DEPTH = 6;

/**
 * The weights of a file's tree.
 *
 * @param ema - true: the average; false: what was trained; undefined: as timm's load_checkpoint, that is the average
 *   under `state_dict_ema` or `model_ema`, and else `state_dict` or `model`, whatever it holds
 * @param where - file name for messages
 * @throws AppError("input", "EMA") if what is asked for is not in the file, or not one thing
 * @throws AppError("data", "TORCH_STATE_DICT") if there is no state dict
 */
export function chooseWeights(tree: TorchValue, where: string, ema: boolean | undefined): Chosen {
  if (!(tree instanceof Map)) throw noStateDict("a state dict", tree, where);
  const { trained, averages } = candidates(tree, { where, walk: new Walk(tree, where) });
  const preferred = TIMM_AVERAGES.filter((key) => tree.get(key) instanceof Map)
    .map((key) => averages.find(({ from }) => from === key))
    .find(Boolean);
  const chosen = pick({ trained, averages, preferred }, ema, where);
  const others = [...(trained === undefined ? [] : [trained]), ...averages].filter((c) => c !== chosen);
  const average = chosen !== trained;
  return {
    tensors: chosen.tensors(),
    taken: { from: chosen.from, average, others: others.map((c) => c.from) },
  };
}

interface Found {
  readonly trained: Candidate | undefined;
  readonly averages: readonly Candidate[];
}

function pick(
  { trained, averages, preferred }: Found & { readonly preferred: Candidate | undefined },
  ema: boolean | undefined,
  where: string,
): Candidate {
  const [only] = averages;
  if (ema === false && trained !== undefined) return trained;
  if (ema === undefined) {
    const usual = averages.find(({ from }) => from === "state_dict"); // Lightning's average
    const first = preferred ?? usual ?? trained;
    if (first !== undefined) return first;
  }
  if (ema !== false && preferred !== undefined) return preferred;
  if (ema !== false && averages.length === 1) return only!;
  const names = [trained, ...averages]
    .filter((c) => c !== undefined)
    .map(({ from }) => from || "the file itself");
  throw unexpected("input", {
    code: "EMA",
    expected: ema === false ? "weights that are no average" : "one average of weights (EMA)",
    name: ema === false ? "--no-ema" : "--ema",
    got: averages.length === 0 ? undefined : names.join(", "),
    where,
    hint:
      ema === false
        ? "leave it out: the file has the average alone"
        : "leave it out, or save the one you mean alone",
  });
}

/** The file, for messages, and the steps that may still be taken in its tree. */
interface Place {
  readonly where: string;
  readonly walk: Walk;
}

function candidates(tree: Map<TorchValue, TorchValue>, place: Place): Found {
  const key = STATE_DICT_KEYS.find((name) => tree.get(name) instanceof Map);
  const outside = [...tree].filter(([name]) => name !== key && !OTHER_PARTS.test(nameOf(name)));
  // Without a key for the model, the file itself is the state dict, and only what is declared otherwise is not part of it.
  const beside =
    key === undefined ? outside.filter(([name, value]) => isBeside(nameOf(name), value)) : outside;
  const apart = new Set(beside.map(([name]) => name));
  const root = key === undefined ? new Map([...tree].filter(([name]) => !apart.has(name))) : tree.get(key);
  const inside = splitInside(root as Map<TorchValue, TorchValue>, key ?? "", place);
  const current = key === "state_dict" ? tree.get(LIGHTNING_TRAINED) : undefined;
  const swapped = current instanceof Map && inside.trained !== undefined;
  const trained = swapped ? dictAt(LIGHTNING_TRAINED, current, place) : inside.trained;
  const search = { ...place, trained, depth: 1 };
  const averages = beside.flatMap(([name, value]) => findAverages(value, nameOf(name), search));
  const all = [...(swapped ? [inside.trained!] : []), ...averages, ...inside.averages];
  // A file without tensors gets the error of a state dict: what is there instead.
  return { trained: trained ?? (all.length === 0 ? dictAt("", tree, place) : undefined), averages: all };
}

function isBeside(name: string, value: TorchValue): boolean {
  return value instanceof Map && (name === "callbacks" || AVERAGE.test(name) || value.has(SHADOW));
}

function dictAt(from: string, dict: TorchValue, { where, walk }: Place): Candidate {
  return { from, tensors: () => flatten(dict, where, true, walk) };
}

interface Search extends Place {
  readonly trained: Candidate | undefined;
  readonly depth: number;
}

/** Averages in a part of the file: where a name on the way marks them, down to the dict that holds the tensors. */
function findAverages(value: TorchValue, from: string, search: Search): Candidate[] {
  if (!(value instanceof Map) || search.depth > MAX_DEPTH) return [];
  search.walk.step(from, 1 + value.size);
  const deeper = { ...search, depth: search.depth + 1 };
  const shadow = value.get(SHADOW);
  if (Array.isArray(shadow)) return [shadowAverage(join(from, SHADOW), shadow, search)];
  const named = AVERAGE.test(from);
  const entries = withoutNumbers(value);
  const direct = [...entries.values()].some((inner) => inner instanceof TorchTensor);
  if (named && direct) return [dictAt(from, entries, search)];
  const inner = [...value].filter(([key]) => {
    const wrapper = AVERAGE.test(nameOf(key)) || STATE_DICT_KEYS.some((name) => name === key);
    return named ? wrapper : !OTHER_PARTS.test(nameOf(key));
  });
  const found = inner.flatMap(([key, part]) => findAverages(part, join(from, key), deeper));
  if (found.length > 0 || !named || flatten(entries, search.where, false, search.walk).size === 0)
    return found;
  return [dictAt(from, entries, search)];
}

/** Decay and numbers of steps beside averaged tensors. */
function withoutNumbers(value: Map<TorchValue, TorchValue>): Map<TorchValue, TorchValue> {
  const isNote = (v: TorchValue) => v === null || typeof v === "number" || typeof v === "boolean";
  return new Map([...value].filter(([key, v]) => !isNote(v) && key !== AVERAGED_STEPS));
}

/** torch_ema's averages are parameters alone: the trained weights name them, and supply the running statistics. */
function shadowAverage(from: string, values: readonly TorchValue[], { where, trained }: Search): Candidate {
  const tensors = () => {
    const all = new Map(trained?.tensors());
    const names = [...all.keys()].filter((name) => !BUFFERS.some((end) => name.endsWith(end)));
    for (const [i, name] of names.entries()) {
      const value = values[i];
      const fits = value instanceof TorchTensor && String(value.shape) === String(all.get(name)!.shape);
      if (!fits || names.length !== values.length) {
        const expected = `the model's ${names.length} parameters in their order at ${from}`;
        throw noStateDict(expected, `${values.length} tensors that do not fit at ${name}`, where);
      }
      all.set(name, value);
    }
    if (names.length > 0) return all;
    throw noStateDict(`the trained weights that ${from} averages`, null, where);
  };
  return { from, tensors };
}

/** A state dict by its names: an average may be a module beside the trained one (`ema_model.`), or all of it. */
function splitInside(root: Map<TorchValue, TorchValue>, from: string, place: Place): Found {
  const parts = new Map([...root].filter(([key]) => !OTHER_PARTS.test(nameOf(key))));
  if (flatten(parts, place.where, false, place.walk).size === 0) {
    // An empty dict is reported as such where it is wanted; beside an average it counts as none.
    return { trained: from === "" ? undefined : dictAt(from, root, place), averages: [] };
  }
  if (root.has(AVERAGED_STEPS))
    return { trained: undefined, averages: [dictAt(from, withoutNumbers(root), place)] };
  const rest = new Map<TorchValue, TorchValue>();
  const averaged = new Map<string, Map<TorchValue, TorchValue>>();
  for (const [key, value] of root) {
    const name = nameOf(key);
    const head = name.split(".", 1)[0]!;
    if (!AVERAGE.test(head)) rest.set(key, value);
    else averaged.set(head, (averaged.get(head) ?? new Map()).set(name.slice(head.length + 1), value));
  }
  const averages = [...averaged].map(([head, below]) =>
    dictAt(join(from, head), withoutNumbers(below), place),
  );
  const trained = averaged.size > 0 && rest.size === 0 ? undefined : dictAt(from, rest, place);
  return { trained, averages };
}
