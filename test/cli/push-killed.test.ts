// Pushes killed with -9: between two objects, and while the hub commits. The repository is as it was before, what the hub has is
// not sent again, and the same command ends with everything there and nothing left in the cache.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { drawPairs } from "../drawn.ts";
import { type Hub, startHub, type Trick } from "../hub.ts";
import { commitOf, pathsOf } from "../hub-repos.ts";
import { PROGRAM } from "../process.ts";
import { ROOT } from "../source.ts";
import { runCli } from "./run.ts";

let hub: Hub;
let dir = "";
const at = (name: string) => join(dir, name);

beforeAll(async () => {
  hub = await startHub();
  dir = await mkdtemp(join(tmpdir(), "facehand-push-killed-"));
  vi.stubEnv("HF_ENDPOINT", hub.endpoint);
  vi.stubEnv("HF_TOKEN", hub.writer);
  vi.stubEnv("XDG_CACHE_HOME", at("cache"));
  await drawPairs(at("pairs"), { train: 4, val: 2, test: 2 });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await hub.close();
  await rm(dir, { recursive: true });
});

async function done(...argv: readonly string[]): Promise<string> {
  const { code, stderr, stdout } = await runCli(...argv);
  expect(code, stderr).toBe(0);
  return stdout;
}

/** Runs a command in a process of its own until it is to be killed. */
async function killedWhen(argv: readonly string[], isTime: () => boolean): Promise<void> {
  const child: ChildProcess = spawn(process.execPath, [PROGRAM, ...argv], { cwd: ROOT, stdio: "ignore" });
  const ended = once(child, "exit");
  while (!isTime() && child.exitCode === null) await sleep(2);
  child.kill("SIGKILL");
  await ended;
  expect(child.signalCode).toBe("SIGKILL");
}

it("model push, killed when one of its two objects is there", { timeout: 120_000 }, async () => {
  await done(
    ...["train", "--arch", "umcc", "--tag", "test_efficientnet.none_F0_An_Lb_Z0", "--image-size", "32"],
    ...[
      "--epochs",
      "1",
      "--batch",
      "4",
      "--threads",
      "1",
      "--workers",
      "1",
      "--data",
      `pairs:${at("pairs")}`,
    ],
    ...["--out", at("run")],
  );
  const argv = ["model", "push", "hf:me/umcc", at("run"), "--licence", "cc-by-sa-4.0"];
  const held: Trick = () => true; // of the object that comes first, nothing is answered
  hub.traps.push({ path: /^\/lfs\//, trick: held });
  await killedWhen(argv, () => hub.repos.get("me/umcc")?.objects.size === 1);
  const repo = hub.repos.get("me/umcc")!;
  expect(pathsOf(repo)).toEqual([".gitattributes"]);
  expect(existsSync(at("cache/facehand/push/me--umcc"))).toBe(true); // it had no time to clear
  const sizes = new Map<string, number>(
    JSON.parse(await done(...argv, "--dry-run", "--json")).sent.map(
      ({ sha256, sizeBytes }: { sha256: string; sizeBytes: number }) => [sha256, sizeBytes],
    ),
  );
  const [there] = repo.objects.keys();
  const before = hub.putBytes;
  await done(...argv);
  const [other] = [...repo.objects.keys()].filter((oid) => oid !== there);
  expect(hub.putBytes - before).toBe(sizes.get(other!));
  expect(pathsOf(repo)).toEqual(expect.arrayContaining(["model.onnx", "model.safetensors", "README.md"]));
  expect(await readdir(at("cache/facehand/push"))).toEqual([]);
});

it("release push, killed while the hub commits, before and after it did", { timeout: 120_000 }, async () => {
  await done(
    ...[
      "release",
      "bundle",
      at("pairs"),
      "--licence",
      "hagrid",
      "--release",
      "1.0.0",
      "--date",
      "2026-11-24",
    ],
    ...["--creator", "Nobody", "--url", "https://example.org/p", "--out", at("bundle")],
  );
  const argv = ["release", "push", "hf:datasets/me/pairs", at("bundle")];
  const state = { asked: false, answered: false };
  const before: Trick = () => {
    state.asked = true;
    return true;
  };
  hub.traps.push({ path: /\/commit\/main$/, trick: before });
  await killedWhen(argv, () => state.asked);
  const repo = hub.repos.get("datasets/me/pairs")!;
  expect([pathsOf(repo), repo.objects.size > 0]).toEqual([[".gitattributes"], true]);
  const sent = hub.putBytes;
  const after: Trick = (_request, response) => {
    response.writeHead = () => response;
    response.end = () => {
      state.answered = true; // committed, and never answered
      return response;
    };
    return false;
  };
  hub.traps.push({ path: /\/commit\/main$/, trick: after });
  await killedWhen(argv, () => state.answered);
  expect([hub.putBytes, repo.commits.size]).toEqual([sent, 2]);
  const entries = await readdir(at("bundle"), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).length;
  expect(await done(...argv)).toContain(`has all ${files} files already`);
  expect([hub.putBytes, repo.commits.size, commitOf(repo, "main")!.files.size]).toEqual([sent, 2, files + 1]);
});
