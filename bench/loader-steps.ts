// Where does a picture's time in `loader` go? `npm run bench -- loader-steps`: processor time, for each picture and step the least of
// several rounds, as other work on the machine only adds to it. peer/loader_steps.py does the same to PyTorch's side.
import { augmentationOf } from "../src/dataset/loader/order.ts";
import { readBytesNow } from "../src/machine/files.ts";
import { augmentedIn } from "../src/pixels/fast/augment.ts";
import { decodedIn } from "../src/pixels/fast/decode.ts";
import { type Code, openMemory, SimdMemory } from "../src/pixels/fast/memory.ts";
import { FULL_AUGMENT } from "../src/pixels/jitter.ts";
import { images } from "./loader.ts";
import { aligned } from "./table.ts";

const PICTURES = 128;
const ROUNDS = 20;
const REST = "calls, tables, drawing of numbers";
/** Exports of the SIMD code, by the step that they do. */
const STEPS: Readonly<Record<string, string>> = {
  ...{ decodeJpeg: "JPEG to planes", colourPart: "planes to colours" },
  ...{ jitter: "colour jitter", jitterAndAdd: "colour jitter", jitterFurther: "colour jitter" },
  ...{ turnAndShrink: "rotate, mirror, resize rows", shrinkColumns: "resize columns" },
};

/** Prints the table. */
export async function loaderSteps(sizePx: number): Promise<void> {
  const least = new Map<string, number[]>();
  const laps = new Map<string, number>();
  let last = process.cpuUsage();
  const lap = (name: string) => {
    const { user, system } = process.cpuUsage(last);
    laps.set(name, (laps.get(name) ?? 0) + (user + system) / 1000);
    last = process.cpuUsage();
  };
  const prepare = preparing(sizePx, lap);
  const paths = (await images()).slice(0, PICTURES);
  for (let k = 0; k < ROUNDS * PICTURES; k++) {
    laps.clear();
    last = process.cpuUsage();
    prepare(paths[k % PICTURES]!);
    for (const [name, ms] of laps) {
      const own = least.get(name) ?? [];
      own[k % PICTURES] = Math.min(own[k % PICTURES] ?? ms, ms);
      least.set(name, own);
    }
  }
  const mean = (own: number[]) => own.reduce((sum, ms) => sum + ms, 0) / PICTURES; // without those that do no such step
  const steps = [...least].map(([name, own]): [string, number] => [name, mean(own)]);
  const rows = [...steps, ["all", steps.reduce((sum, [, ms]) => sum + ms, 0)] as const];
  console.log(aligned([["step", "ms a picture"], ...rows.map(([name, ms]) => [name, ms.toFixed(2)])]));
}

/** What worker.ts does with a picture, by code that tells when it has worked. */
function preparing(sizePx: number, lap: (name: string) => void): (path: string) => void {
  const timed = <T extends object>(exports: T): T => {
    const entries = Object.entries(exports).map(([name, own]) => {
      const call = (...values: unknown[]) => {
        lap(REST);
        const result = own(...values);
        lap(STEPS[name]!);
        return result;
      };
      return [name, STEPS[name] === undefined ? own : call];
    });
    return Object.fromEntries(entries) as T;
  };
  const memory = new (class extends SimdMemory {
    override joined = (module: WebAssembly.Module) => timed(super.joined(module));
  })(timed<Code>(openMemory()!.code));
  const out = new Uint8Array(sizePx * sizePx * 3);
  return (path) => {
    const file = readBytesNow(path, "an image");
    lap("read the file");
    memory.free = memory.start;
    const region = decodedIn(memory, file)!;
    const drawn = augmentationOf({ seed: 0, augment: FULL_AUGMENT }, 0, path);
    const at = augmentedIn(memory, region, drawn, sizePx)!;
    lap(REST);
    out.set(memory.pixels(at, { width: sizePx, height: sizePx }));
    lap("copy");
  };
}
