// Output that goes away or fills up: the work is done all the same, and the exit code says whether a result was printed.
// Real processes of dist/ and real pipes: `| head`, `| true`, closed streams, /dev/full.
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aPair, layPairs } from "../dataset.ts";
import { moduleOf, PROGRAM } from "../process.ts";
import { runCli } from "./run.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const isPosix = process.platform !== "win32" && existsSync("/dev/full");
let dir = "";
const at = (name: string) => join(dir, name);

/** Without colours, which a test runner (FORCE_COLOR) or a build machine (CI) may ask for. */
const PLAIN_ENV = { ...process.env, NO_COLOR: "1" };

/** Runs a shell line; `facehand` stands for the command line of the sources, $? is that of the whole line. */
function shell(line: string) {
  const { status, stdout, stderr } = spawnSync(
    "bash",
    ["-c", `facehand() { node "${PROGRAM}" "$@"; }\n${line}`],
    {
      cwd: ROOT,
      encoding: "utf8",
      env: PLAIN_ENV,
    },
  );
  return { code: status, stdout, stderr };
}

/** How the command itself ended, of a pipe. */
const ofPipe = (line: string) => shell(`${line}; exit \${PIPESTATUS[0]}`);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-streams-"));
  writeFileSync(at("file"), "x");
  await layPairs(at("pairs"), {
    train: Array.from({ length: 900 }, (_, n) => aPair(`a${n}`, `u${n}`)),
    val: [aPair("c", "v3")],
    test: [],
  });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe.runIf(isPosix)("standard output", () => {
  it("that nobody reads to its end is no fault: the reader has what it wanted", () => {
    const show = `facehand data show ${at("pairs")} --rows 900`;
    expect(ofPipe(`${show} | head -n 1`)).toEqual({ code: 0, stdout: `${at("pairs")}\n`, stderr: "" });
    expect(ofPipe(`${show} | true`)).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("that is closed is none, as /dev/null is", () => {
    expect(shell(`facehand data show ${at("pairs")} >&-`)).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(shell(`facehand data show ${at("pairs")} >&- 2>&- <&-`).code).toBe(0);
  });

  it.each(["data show PAIRS", "--help", "data --help", "--version"])(
    "3: facehand %s > /dev/full",
    (words) => {
      const { code, stderr } = shell(`facehand ${words.replace("PAIRS", at("pairs"))} > /dev/full`);
      expect([words, code]).toEqual([words, 3]);
      expect(stderr).toMatch(
        /^Expected to print the whole result, got "?ENOSPC: [^\n]*\(standard output\)\nTry: free some/,
      );
    },
  );

  it("that is full does not end the work: the folder is there, whole", async () => {
    const sample = `facehand data sample --subjects 2 --frames 1 --out ${at("full")}`;
    expect(shell(`${sample} > /dev/full`).code).toBe(3);
    expect(await readdir(at("full"))).toContain("sample.json");
  });
});

describe.runIf(isPosix)("standard error", () => {
  it("that is full or closed takes nothing from the exit code", () => {
    expect(shell(`facehand data show ${at("none")} 2> /dev/full`)).toEqual({
      code: 3,
      stdout: "",
      stderr: "",
    });
    expect(shell(`facehand data show ${at("none")} 2>&-`).code).toBe(3);
    expect(ofPipe(`facehand data show ${at("none")} 2>&1 | true`).code).toBe(3);
  });

  it("that nobody reads does not end a training, nor a study", async () => {
    const tiny = "--image-size 32 --epochs 1 --batch 8 --threads 1 --workers 1";
    await runCli("data", "sample", "--subjects", "12", "--frames", "1", "--out", at("raw"));
    const landmarks = ["--face-landmarks", at("raw/face_landmarks.json")];
    await runCli("derive", "--hagrid", at("raw"), "--gestures", "all", ...landmarks, "--out", at("set"));
    const train = `facehand train --arch umcc --tag test_efficientnet.none_F0_An_Lb_Z0 ${tiny}`;
    expect(ofPipe(`${train} --data pairs:${at("set")} --out ${at("run")} 2>&1 | true`)).toEqual({
      code: 0,
      stdout: "",
      stderr: "",
    });
    expect((await readFile(at("run/log.jsonl"), "utf8")).trimEnd().split("\n")).toHaveLength(1);
    const study = `facehand study run seeds --backbone test_efficientnet.none --only arch=umcc --seeds 1 ${tiny}`;
    expect(ofPipe(`${study} --data pairs:${at("set")} --out ${at("study")} 2>&1 | head -n 1`).code).toBe(0);
    expect((await runCli("study", "status", at("study"))).stdout).toContain("0 missing");
  }, 180_000);
});

describe("what nothing caught", () => {
  /** A verb is under way while the fault comes from elsewhere. */
  const during = (fault: string) =>
    shell(`cat > ${at("fault.mjs")} <<'END'
const { run } = await import(${moduleOf("cli/main.ts")});
const ended = run(["data", "check", ${JSON.stringify(at("pairs"))}]);
${fault}
process.exitCode = await ended;
END
node ${at("fault.mjs")}`);

  it.runIf(isPosix)("70: says what happened and where to report it, once", () => {
    for (const fault of [
      'setImmediate(() => { throw new Error("bo\\nom\\u202e"); });',
      'void Promise.reject(new Error("bo\\nom\\u202e"));',
    ]) {
      const { code, stdout, stderr } = during(fault);
      expect([code, stdout]).toEqual([70, ""]);
      expect(stderr).toMatch(
        /^This is a fault of facehand, not of your input\.\nError: bo\\nom\\u202e\n\s+at /,
      );
      expect(stderr.trimEnd().split("\n").at(-1)).toMatch(/^Please report it .*facehand doctor/);
    }
  });

  it.runIf(isPosix)("3: of what the system refused, even in a stream without a reader of its faults", () => {
    const { code, stderr } = during(
      `(await import("node:fs")).createWriteStream(${JSON.stringify(at("file/x"))}).write("x");`,
    );
    expect(code).toBe(3);
    expect(stderr).toMatch(/^Expected to open .*file\/x, got ENOTDIR: [^\n]*\nTry: check every part/);
  });
});
