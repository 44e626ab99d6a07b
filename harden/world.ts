// What the commands under attack work on: a few drawn people, and all that follows from them, each made when it is first
// asked for. A server on this machine has what can be fetched. Nothing in it may change: `changed` lists what did.
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { copyFile, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import yazl from "yazl";
import { PUBLISHED } from "../src/fetch/published.ts";
import type { Cli } from "./cli.ts";
import { readTree } from "./trees.ts";

/** Side of the crops, px. */
const SIZE = "32";
const SHARES = ["--val", "0.2", "--test", "0.2"];
/** A training that takes a moment. */
export const TINY = [
  ...["--arch", "umcc", "--tag", "test_efficientnet.none_F0_An_Lb_Z0", "--image-size", "32", "--batch", "8"],
  ...["--threads", "1", "--workers", "1"],
];
/** Pretrained weights that the server has. */
export const PRETRAINED = "test_efficientnet.r160_in1k";

/** The folders; each is made once. */
export interface World {
  readonly cli: Cli;
  /** The server's address. */
  readonly origin: string;
  raw(): Promise<string>;
  /** Flags of `derive` but for --out. */
  derivation(): Promise<readonly string[]>;
  pairs(): Promise<string>;
  shards(): Promise<readonly string[]>;
  exported(kind: string): Promise<string>;
  bundle(): Promise<string>;
  /** A folder with what is published of derived HaGRID, archive and tables. */
  mirror(): Promise<string>;
  /** A trained run. */
  run(): Promise<string>;
  study(): Promise<string>;
  /** Decisions that erase one subject. */
  erasing(): Promise<string>;
  /** A log of judgements. */
  judged(): Promise<string>;
  key(): Promise<string>;
  /** Has the server give out the folder of the bundle, or the pretrained weights. */
  serve(what: "bundle" | "pretrained"): Promise<void>;
  /** What is not as it was made. */
  changed(): Promise<string[]>;
  close(): Promise<void>;
}

/** Flags of `release bundle` but for --out. */
export const RELEASE = [
  ...["--licence", "drawn", "--release", "1.0.0", "--date", "2026-11-24", "--creator", "Nobody"],
  ...["--url", "https://example.org/p"],
];

/** Flags of `study run` but for its data and --out. */
export const STUDY = [
  ...["--backbone", "test_efficientnet.none", "--image-size", "32", "--epochs", "1", "--batch", "8"],
  ...["--seeds", "1", "--only", "arch=umcc", "--threads", "1", "--workers", "1"],
];

/** Opens a world in a folder. */
export async function openWorld(dir: string, cli: Cli): Promise<World> {
  await mkdir(dir, { recursive: true });
  const at = (name: string) => join(dir, name);
  const trees = new Map<string, ReadonlyMap<string, string>>();
  const made = new Map<string, Promise<string>>();
  const once = (name: string, make: (path: string) => Promise<unknown>): Promise<string> => {
    const known = made.get(name);
    if (known !== undefined) return known;
    const path = at(name);
    const making = make(path).then(async () => {
      trees.set(path, await readTree(path, []));
      return path;
    });
    made.set(name, making);
    return making;
  };
  const { files, origin, close } = await startServer();
  process.env["HF_ENDPOINT"] = origin;
  process.env["XDG_CACHE_HOME"] = at("cache");
  const must = cli.must;
  const world: World = {
    ...{ cli, origin, close },
    raw: () => once("raw", (out) => must("data", "sample", "--subjects", "6", "--frames", "1", "--out", out)),
    async derivation() {
      const raw = await world.raw();
      const faces = ["--face-landmarks", join(raw, "face_landmarks.json")];
      return ["--hagrid", raw, "--gestures", "all", ...faces, "--size", SIZE, ...SHARES];
    },
    pairs: () => once("pairs", async (out) => must("derive", ...(await world.derivation()), "--out", out)),
    shards: () =>
      Promise.all(
        [1, 2].map((n) =>
          once(`shard${n}`, async (out) =>
            must("derive", ...(await world.derivation()), "--shard", `${n}/2`, "--out", out),
          ),
        ),
      ),
    exported: (kind) =>
      once(kind, async (out) => must("data", "export", await world.pairs(), `--${kind}`, "--out", out)),
    bundle: () =>
      once("bundle", async (out) => must("release", "bundle", await world.pairs(), ...RELEASE, "--out", out)),
    mirror: () => once("mirror", async (out) => layMirror(await world.pairs(), out)),
    run: () =>
      once("run", async (out) =>
        must("train", ...TINY, "--epochs", "1", "--data", `pairs:${await world.pairs()}`, "--out", out),
      ),
    study: () =>
      once("study", async (out) =>
        must("study", "run", "seeds", ...STUDY, "--data", `pairs:${await world.pairs()}`, "--out", out),
      ),
    erasing: () =>
      once("erasing.csv", async (path) => writeFile(path, await erasingOne(await world.pairs()))),
    key: () => once("bundle.key", (path) => writeFile(path, "k".repeat(40))),
    judged: () => once("judged.jsonl", async (path) => writeFile(path, judgedLine())),
    async serve(what) {
      if (what === "bundle") await addFolder(files, "/bundle", await world.bundle());
      else await addPretrained(files, await world.run());
    },
    async changed() {
      const found: string[] = [];
      for (const [path, before] of trees) {
        const now = await readTree(path, []);
        for (const name of new Set([...before.keys(), ...now.keys()]))
          if (before.get(name) !== now.get(name)) found.push(join(path, name));
      }
      return found;
    },
  };
  return world;
}

/** A log of one judgement: it is resolved without reading the pairs. */
function judgedLine(): string {
  const pictures = ["hand", "face"];
  const seen = { label: true, predictions: false, judgements: false, pictures };
  const what = {
    recorded: { gender: "female" },
    asked: ["gender"],
    seen,
    choice: "relabel",
    to: { gender: "male" },
  };
  const who = { annotator: "one", when: "2026-03-31T12:00:00Z", image_id: "p1", user_id: "s1", ms: 900 };
  return `${JSON.stringify({ id: "1", ...who, ...what })}\n`;
}

/** The subject of a dataset's first row. */
export async function firstSubject(pairs: string): Promise<string> {
  const [header, row] = (await readFile(join(pairs, "train.csv"), "utf8")).split("\n");
  return row!.split(",")[header!.split(",").indexOf("user_id")]!;
}

async function erasingOne(pairs: string): Promise<string> {
  const subject = await firstSubject(pairs);
  return `who,when,what,why,image_id,user_id\nNobody,2026-02-02,erase,a wish,,${subject}\n`;
}

/** What upstream published, made of our pairs. */
async function layMirror(pairs: string, out: string): Promise<void> {
  await mkdir(out);
  for (const { name } of PUBLISHED.derivedHagrid.csv) await copyFile(join(pairs, name), join(out, name));
  const images = join(pairs, "images", "content", "aligned_dataset");
  const zip = new yazl.ZipFile();
  const written = finished(zip.outputStream.pipe(createWriteStream(join(out, "aligned_dataset.zip"))));
  for (const name of (await readdir(images, { recursive: true })).sort())
    if ((await stat(join(images, name))).isFile())
      zip.addFile(join(images, name), `content/aligned_dataset/${name}`);
  zip.end();
  await written;
}

async function addFolder(files: Map<string, Buffer>, below: string, dir: string): Promise<void> {
  for (const name of await readdir(dir, { recursive: true }))
    if ((await stat(join(dir, name))).isFile())
      files.set(`${below}/${name}`, await readFile(join(dir, name)));
}

/** Any tensors will do: only training reads their names. */
async function addPretrained(files: Map<string, Buffer>, run: string): Promise<void> {
  const base = `/timm/${PRETRAINED}/resolve/main`;
  const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
  const pretrained = { input_size: [3, 160, 160], interpolation: "bicubic", crop_pct: 0.95, ...half };
  const config = { architecture: "test_efficientnet", pretrained_cfg: pretrained };
  files.set(`${base}/config.json`, Buffer.from(JSON.stringify(config)));
  files.set(`${base}/model.safetensors`, await readFile(join(run, "checkpoints", "best.safetensors")));
}

/** A server that does what it should: ranges with a strong validator. */
async function startServer() {
  const files = new Map<string, Buffer>();
  const server = createServer((request, response) => answer(files, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { files, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

function answer(
  files: ReadonlyMap<string, Buffer>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const bytes = files.get(decodeURIComponent(new URL(request.url!, "http://x").pathname));
  if (bytes === undefined) {
    response.writeHead(404).end();
    return;
  }
  const etag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"`;
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1];
  const valid = request.headers["if-range"] === undefined || request.headers["if-range"] === etag;
  const from = asked === undefined || !valid ? 0 : Number(asked);
  const body = bytes.subarray(from);
  const range = from === 0 ? {} : { "Content-Range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
  response.writeHead(from === 0 ? 200 : 206, {
    ...{ ETag: etag, "Accept-Ranges": "bytes", "Content-Length": body.length, ...range },
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
