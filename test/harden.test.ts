// What runs the campaigns of harden/: faults are reported and repeat, and neither a worker that dies nor a kill of the whole
// loses what was tried. Of processes, as it is used.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { dealShares } from "../harden/shares.ts";
import { rangesOf, readState } from "../harden/state.ts";
import { writeTable } from "../harden/table.ts";
import { CAMPAIGNS } from "./harden-campaigns.ts";
import { makePrograms } from "./programs.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const programs = await makePrograms("harden/run", "harden/worker", "test/harden-campaigns");
const FIXTURE = programs.path("test/harden-campaigns");
const dir = mkdtempSync(join(tmpdir(), "facehand-test-harden-"));
afterAll(() => {
  rmSync(dir, { recursive: true });
  programs.remove();
});
const stateOf = (name: string) => join(dir, `${name}.jsonl`);

const argv = (state: string, ...args: readonly string[]) => [
  ...[programs.path("harden/run"), "--campaigns", FIXTURE, "--state", stateOf(state)],
  ...args,
];
function harden(state: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, argv(state, ...args), {
    cwd: ROOT,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}
const tallyOf = (state: string, name: string) => readState(stateOf(state)).tally(name);

/** True if a process is there and runs. */
function runs(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && !/\) [ZX] /.test(readFileSync(path, "utf8"));
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

describe("npm run harden", () => {
  it("ends with 0 without a fault, counts, and continues after what was tried", () => {
    const first = harden("holds", "--only", "holds", "--attempts", "3", "--jobs", "1");
    expect([first.status, first.stderr]).toEqual([0, ""]);
    expect(first.stdout).toMatch(/\| what holds \| 15 +\| 10 +\| 0 +\| 12 +\|/);
    expect(first.stdout.trim().split("\n").at(-1)).toBe("0 faults in 15 tried");
    appendFileSync(stateOf("holds"), '{"campaign":"holds","code"'); // as a kill leaves it
    const second = harden("holds", "--only", "holds", "--attempts", "2", "--jobs", "1");
    expect(second.stdout).toContain("0 faults in 25 tried");
    expect([...tallyOf("holds", "holds").seeds].sort()).toEqual([0, 1, 2, 3, 4]);
    const fresh = harden("holds", "--only", "holds", "--attempts", "1", "--fresh");
    expect(fresh.stdout).toContain("0 faults in 5 tried");
  });

  it("reports a fault with the command that repeats it, escaped, and fails until it is gone", () => {
    const made = harden("breaks", "--only", "breaks", "--attempts", "5");
    expect(made.status).toBe(70);
    const [fault] = /^Expected .*$/m.exec(made.stdout.slice(made.stdout.indexOf("| kind")))!;
    expect(fault).toMatch(/^Expected \\u001b\[2J nothing, got \d+$/);
    expect(made.stdout).toContain("  npm run harden -- --only breaks --seed 3\n");
    for (const _ of [1, 2]) {
      const again = harden("none", "--only", "breaks", "--seed", "3");
      expect([again.status, again.stdout.replace("\u001b", "\\u001b")]).toEqual([
        70,
        `${fault}\nbreaks, seed 3: 1 faults\n`,
      ]);
    }
    expect(harden("none", "--only", "breaks", "--seed", "4").status).toBe(0);
    expect(existsSync(stateOf("none"))).toBe(false);
    expect(harden("breaks", "--only", "breaks", "--attempts", "1").status).toBe(70);
  });

  it("tries what showed a fault of other code first", () => {
    harden("other", "--only", "breaks", "--attempts", "5");
    writeFileSync(
      stateOf("other"),
      readFileSync(stateOf("other"), "utf8").replace(/"code":"\w+"/g, '"code":"other"'),
    );
    harden("other", "--only", "breaks", "--attempts", "1");
    expect([...tallyOf("other", "breaks").seeds]).toEqual([3]);
  });

  it("takes a worker that dies, hangs or throws for a fault of its seed, and continues", () => {
    const made = harden(
      "wrong",
      ...["dies", "hangs", "throws"].flatMap((name) => ["--only", name]),
      "--attempts",
      "4",
    );
    expect(made.status).toBe(70);
    const [died] = tallyOf("wrong", "dies").faults;
    expect(died).toMatchObject({ seed: 2, text: expect.stringContaining("its process ended (SIGKILL)") });
    expect(runs(Number(/left (\d+)/.exec(died!.text)![1]))).toBe(false);
    expect(tallyOf("wrong", "dies")).toMatchObject({ tried: 4, seeds: new Set([0, 1, 2, 3]) });
    expect(tallyOf("wrong", "hangs").faults).toEqual([
      { seed: 1, text: "Expected the attempt to end, got: no answer within 3 s" },
    ]);
    expect(tallyOf("wrong", "hangs").tried).toBe(4);
    const thrown = tallyOf("wrong", "throws").faults.map(({ text }) => text.split("\n")[0]);
    expect(thrown).toEqual(Array(4).fill("the campaign itself failed: Error: no such thing"));
  });

  it("fails for a campaign that does not open, and reports why one cannot run here", () => {
    const shut = harden("shut", "--only", "shut");
    expect([shut.status, tallyOf("shut", "shut").faults.length]).toEqual([70, 1]);
    expect(shut.stdout).toContain("no way in");
    const away = harden("away", "--only", "away");
    expect([away.status, away.stdout]).toEqual([0, expect.stringContaining("skipped: needs a moon")]);
    const asked = harden("away", "--only", "away", "--seed", "1");
    expect([asked.status, asked.stderr]).toEqual([2, "Expected away to run here, got: needs a moon\n"]);
  });

  it.each(["SIGKILL", "SIGINT"] as const)("continues after %s, with nothing left running", async (signal) => {
    const child = spawn(process.execPath, argv(signal, "--only", "waits", "--jobs", "1"), {
      cwd: ROOT,
      stdio: "pipe",
    });
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
    await until(() => existsSync(stateOf(signal)) && readFileSync(stateOf(signal), "utf8").includes("seeds"));
    const [worker] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8")
      .trim()
      .split(" ")
      .map(Number)
      .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("worker.js"));
    const ended = once(child, "close");
    child.kill(signal);
    const [code] = await ended;
    expect(code).toBe(signal === "SIGINT" ? 130 : null);
    if (signal === "SIGINT") expect(printed).toMatch(/0 faults in \d+ tried\n$/);
    await until(() => !runs(worker!));
    const before = tallyOf(signal, "waits").seeds.size;
    expect(before).toBeGreaterThan(0);
    expect(harden(signal, "--only", "waits", "--attempts", "1", "--jobs", "1").status).toBe(0);
    expect(tallyOf(signal, "waits").seeds).toEqual(new Set(Array.from({ length: before + 1 }, (_, i) => i)));
  });

  it("refuses unknown names, flags and numbers with exit code 2", () => {
    const refused = (...args: readonly string[]) => {
      const { status, stderr } = harden("none", ...args);
      expect(status).toBe(2);
      return stderr;
    };
    expect(refused("--only", "hold")).toBe(
      `Expected one of ${CAMPAIGNS.map(({ name }) => name).join(", ")} for --only, got "hold"\nTry: npm run harden -- --only holds\n`,
    );
    expect(refused("--minuts", "3")).toContain("Unknown option '--minuts'\nTry: npm run harden -- --help");
    expect(refused("--minutes", "0")).toBe('Expected minutes above 0 for --minutes, got "0"\n');
    expect(refused("--jobs", "x")).toBe('Expected a whole number from 1 on for --jobs, got "x"\n');
    expect(refused("--seed", "3")).toContain("Expected one --only NAME for --seed");
  });

  it("writes the table of the newest code between the markers", () => {
    harden("table", "--only", "holds", "--attempts", "2", "--jobs", "1");
    const document = join(dir, "hardening.md");
    writeFileSync(
      document,
      "# H\n\n<!-- table: npm run harden -- --table -->\nold\n<!-- /table -->\nafter\n",
    );
    writeTable(stateOf("table"), CAMPAIGNS.slice(0, 1), document);
    const text = readFileSync(document, "utf8");
    expect(text).toMatch(
      /^# H\n\n<!-- table[^\n]*-->\n\nCommit \w{7}( with changes)?, \d{4}-\d\d-\d\d, .* cores, /,
    );
    expect(text).toMatch(
      /\n\| what holds \| 10 +\| 10 +\| 0 +\| 11 +\| 0\.0 +\|\n\n0 faults in 10 tried\.\n\n<!-- \/table -->\nafter\n$/,
    );
    writeFileSync(document, "# H\n");
    expect(() => writeTable(stateOf("table"), CAMPAIGNS, document)).toThrow(
      /^Expected <!-- table: .* for its table, got nothing/,
    );
    expect(() => writeTable(stateOf("nothing"), CAMPAIGNS, document)).toThrow(
      /^Expected what was tried at .*, got no such file$/,
    );
  });
});

describe("the time of the cores", () => {
  it("is dealt out by weight, whole", () => {
    const [a, b, c] = [{ weight: 3 }, {}, { weight: 2 }];
    const weights = (cores: number) =>
      dealShares([a!, b!, c!], cores).map((list) => list.map((one) => one.weight));
    expect(weights(1)).toEqual([[3, 1, 2]]);
    expect(weights(2)).toEqual([[3], [1, 2]]);
    expect(weights(3)).toEqual([[2], [1, 1], [2]]);
    expect(weights(4)).toEqual([[1.5], [1.5], [1, 0.5], [1.5]]);
  });
});

describe("seeds in the state file", () => {
  it("are ranges", () => {
    expect(rangesOf([5, 1, 2, 9, 3, 2])).toEqual([
      [1, 3],
      [5, 5],
      [9, 9],
    ]);
  });
});
