// The example of a page (examples/page) with the packed file of facehand, in a real browser: bundled by Vite, and as it is, by its
// import map. Both give the probability that Node gives.
import { spawnSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import type { Browser } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFinder } from "../../src/find/open.ts";
import { openLocalPredictor } from "../../src/predict/local.ts";
import { predictPhoto } from "../../src/predict/photo.ts";
import { packed } from "../packed.ts";
import { laySample } from "../sample.ts";
import { ROOT } from "../source.ts";
import { writeTiny } from "../tiny-model.ts";
import { CHROMIUM } from "./browser.ts";
import { sharedBrowser } from "./chromium.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

let dir: string;
let checkpoint: string;
let photo: string;
/** What Node predicts of the photo. */
let wanted: number;
let server: Server;
let browser: Browser;

/** A project that has the example, the packed file, what that depends on, and onnxruntime-web; nothing else is found from there. */
async function layProject(place: string): Promise<void> {
  const modules = join(place, "node_modules");
  await cp(join(ROOT, "examples/page"), place, { recursive: true });
  await mkdir(join(modules, "facehand"), { recursive: true });
  const { path } = await packed();
  const { status, stderr } = spawnSync("tar", ["-xzf", path, "--strip-components=1"], {
    cwd: join(modules, "facehand"),
    encoding: "utf8",
  });
  expect(status, stderr).toBe(0);
  const { dependencies } = JSON.parse(await readFile(join(modules, "facehand/package.json"), "utf8"));
  for (const name of [...Object.keys(dependencies), "onnxruntime-web"]) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(ROOT, "node_modules", name), join(modules, name), "junction");
  }
}

/** A plain file server. */
function files(root: string): Server {
  return createServer(async ({ url }, answer) => {
    const file = join(root, decodeURIComponent(new URL(url!, "http://x").pathname));
    if (!(await stat(file).catch(() => undefined))?.isFile()) return answer.writeHead(404).end();
    answer.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
    createReadStream(file).pipe(answer);
  });
}

async function predictHere(): Promise<number> {
  const model = await openLocalPredictor(checkpoint, { threads: 1 });
  const finder = await openFinder({ modalities: ["face"] });
  const [face] = await predictPhoto(photo, { model, finder, modality: "face" });
  await Promise.all([model.close(), finder.close()]);
  return face!.probability;
}

/** Does what a visitor does, and gives what the page then says. */
async function visit(path: string): Promise<string> {
  const page = await browser.newPage();
  const [faults, asked]: [string[], string[]] = [[], []];
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  page.on("pageerror", ({ message }) => void faults.push(message));
  page.on("console", (line) => void (line.type() === "error" && faults.push(line.text())));
  page.on("request", (request) => void asked.push(request.url()));
  await page.route("**/favicon.ico", (route) => route.fulfill({ contentType: "image/x-icon", body: "" }));
  await page.goto(`${origin}/${path}`);
  expect(await page.textContent("body")).toContain("It is nobody's sex, gender or identity.");
  await page.setInputFiles("#checkpoint", checkpoint);
  await page.setInputFiles("#photo", photo);
  await page.waitForFunction(
    () => !/^(Choose|Predicting)/.test(document.getElementById("answer")!.textContent),
  );
  const said = await page.textContent("#answer");
  expect(faults).toEqual([]);
  expect(asked.filter((url) => !url.startsWith(origin) && !url.startsWith("blob:"))).toEqual([]);
  await page.close();
  return said!;
}

function expectWanted(said: string): void {
  const [, number] = /^Probability of male, as recorded in the training labels: (0\.\d{6})$/.exec(said) ?? [];
  expect(Math.abs(Number(number ?? said) - wanted), said).toBeLessThan(1e-5);
}

describe.skipIf(CHROMIUM === undefined)("the example of a page", () => {
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "facehand-page-"));
    checkpoint = join(dir, "tiny.safetensors");
    await writeTiny(checkpoint);
    await laySample(join(dir, "sample"), { subjects: 4, framesPerSubject: 1, seed: 1 });
    const drawn = await readdir(join(dir, "sample"), { recursive: true });
    photo = join(dir, "sample", drawn.filter((name) => name.endsWith(".jpg")).sort()[0]!);
    wanted = await predictHere();
    await layProject(join(dir, "project"));
    server = files(join(dir, "project"));
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    browser = await sharedBrowser();
  });
  afterAll(async () => {
    server?.close();
    await rm(dir, { recursive: true, force: true });
  });

  it("predicts as Node does from plain modules, by its import map", async () => {
    expectWanted(await visit("index.html"));
  });

  it("predicts as Node does when Vite has bundled it", async () => {
    const root = join(dir, "project");
    await build({ root, base: "./", configFile: false, logLevel: "error", build: { target: "es2022" } });
    expectWanted(await visit("dist/index.html"));
  });
});
