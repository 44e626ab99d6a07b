// Random programs of pickle opcodes that name only what torch's files may name, in all three layouts: what changes of bytes
// hardly ever reach. Calls are given what they read more often than chance would.
import type { Random } from "../src/core/random.ts";
import {
  blob,
  call,
  dict,
  get,
  global,
  int,
  LAYOUTS,
  layOut,
  list,
  ops,
  pickle,
  put,
  storage,
  tensor,
  text,
  tuple,
} from "../test/pickles.ts";

const NAMES = [
  ...["OrderedDict", "Counter", "defaultdict"].map((name) => ["collections", name] as const),
  ...["set", "frozenset", "complex", "bytearray", "dict", "list", "int", "float"].map(
    (name) => ["builtins", name] as const,
  ),
  ["_codecs", "encode"],
  ["argparse", "Namespace"],
  ["types", "SimpleNamespace"],
  ["pathlib", "PosixPath"],
  ["pathlib", "WindowsPath"],
  ...["Size", "device", "float16", "Tensor", "FloatStorage", "per_tensor_affine"].map(
    (name) => ["torch", name] as const,
  ),
  ["torch.serialization", "_get_layout"],
  ...[
    ...["_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter"],
    ...["_rebuild_parameter_with_state", "_rebuild_device_tensor_from_cpu_tensor", "_rebuild_sparse_tensor"],
    ...["_rebuild_qtensor", "_rebuild_meta_tensor_no_storage", "_rebuild_wrapper_subclass"],
  ].map((name) => ["torch._utils", name] as const),
  ["torch._tensor", "_rebuild_from_type_v2"],
  ["numpy", "dtype"],
  ["numpy", "ndarray"],
  ["numpy.core.multiarray", "scalar"],
  ["numpy.core.multiarray", "_reconstruct"],
  ["numpy.core.numeric", "_frombuffer"],
] as const;

const KEYS = [
  "state_dict",
  "model",
  "model_ema",
  "callbacks",
  "ema.w",
  "n_averaged",
  "shadow_params",
  "optimizer",
  "w",
];
/** Opcodes without arguments. */
const PLAIN = "N\x88\x89}])\x8f(0122\x85\x86\x87tldasue\x91\x90\x94bRR\x81Q";

/** A small file that may do anything a pickle can. */
export function randomPickle(random: Random): Uint8Array {
  const value = random.int(3) === 0 ? program(random) : model(random);
  const storages = { 0: new Float32Array(4), 1: new Float32Array(random.int(3)) };
  return layOut(random.pick(LAYOUTS), pickle(value), storages);
}

/** Opcodes by chance. */
function program(random: Random): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let n = 1 + random.int(40); n > 0; n--) {
    const way = random.int(6);
    if (way < 2) parts.push(leaf(random, 2));
    else if (way === 2) parts.push(random.int(2) === 0 ? put(random.int(4)) : get(random.int(4)));
    else if (way === 3) parts.push(again(random));
    else parts.push(ops(random.pick([...PLAIN])));
  }
  return ops(...parts);
}

/** Calls with what the memo holds, many times. */
function again(random: Random): Uint8Array {
  const make = ops(name(random), put(0), "0", leaf(random, 2), put(1), "0");
  const body = random.pick([
    "h\x00h\x01R0",
    "h\x00h\x01\x85R0",
    "h\x01h\x01\x86\x94",
    "h\x00)Rh\x01b0",
    "h\x012u",
    "](h\x01h\x01e",
  ]);
  return ops(make, ops(body.repeat(random.pick([1, 10, 2000, 10_000]))));
}

/** A dict as checkpoints are, with values of every kind in it. */
function model(random: Random, depth = 3): Uint8Array {
  const items: Uint8Array[] = [];
  for (let n = random.int(5); n >= 0; n--) {
    items.push(text(random.int(3) === 0 ? random.pick(KEYS) : `k${n}`));
    items.push(depth > 0 && random.int(3) === 0 ? model(random, depth - 1) : leaf(random, 3));
  }
  return dict(...items, ...(random.int(4) === 0 ? [leaf(random, 1), get(random.int(4))] : []));
}

const name = (random: Random) => global(...(random.pick(NAMES) as readonly [string, string]));
const size = (random: Random) => random.pick([0, 1, 2, 3, -1, 1 << 20, 0x7fffffff]);

function leaf(random: Random, depth: number): Uint8Array {
  const inner = () => leaf(random, depth - 1);
  const some = () => Array.from({ length: random.int(4) }, () => (depth > 0 ? inner() : int(size(random))));
  const sizes = () => Array.from({ length: random.pick([0, 1, 2, 2, 3, 66]) }, () => size(random));
  const shape = sizes();
  const ways: readonly (() => Uint8Array)[] = [
    () => int(size(random)),
    () => text(random.pick(["", "cpu", "latin1", "f4", "C", "x".repeat(3000)])),
    () => blob(Buffer.alloc(random.pick([0, 2, 8, 4000]), 1)),
    () => ops("\x8a", 8, Buffer.alloc(8, random.int(256))),
    () => ops(random.pick(["N", "\x88", "\x89", "}", "]", ")", "\x8f"])),
    () => tuple(...some()),
    () => list(...some()),
    () => call(name(random), ...some()),
    () => call(name(random), list(...some())),
    () => ops(inner(), put(random.int(4))),
    () => ops(call(name(random)), inner(), "b"),
    () => storage(random.pick(["0", "1", "2"]), random.pick([4, 0, 1, 1 << 30])),
    () =>
      tensor(
        storage("0", 4),
        shape,
        random.int(2) === 0 ? shape.map(() => random.int(3)) : sizes(),
        random.int(3),
      ),
  ];
  return random.pick(depth > 0 ? ways : ways.slice(0, 5))();
}
