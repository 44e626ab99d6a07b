// Locks between processes: one writer a path however it is spelled, the dead make room, an owner that was taken for dead
// learns of it, and nothing is left behind.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { codeArgs, moduleOf } from "../../test/process.ts";
import { lockHolder, takeLock, withLock, withLocks } from "./lock.ts";

let dir = "";
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), "facehand-lock-")));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(dir, { recursive: true });
});

/** vi.waitFor gives up after a second by itself. */
const IN_TIME = { timeout: 50_000 };
const path = () => join(dir, "runs", "one");
const take = () => takeLock(path(), "the run");
const NONCE = "0123456789abcdef";
/** Files of locks, wherever they lie. */
const left = async () =>
  (await readdir(dir, { recursive: true })).filter((name) => name.includes("facehand-lock"));

/** A process with this module; `work` runs in it with `takeLock` and `path`. */
function child(work: string) {
  const code = `
    import { takeLock } from ${moduleOf("machine/lock.ts")};
    const path = ${JSON.stringify(path())};
    ${work}`;
  return spawn(process.execPath, codeArgs(code), { stdio: ["pipe", "pipe", "inherit"] });
}

/** The files of a ticket of another owner, as they would lie there. */
async function ticketOf(holder: object, state = "1\nheld\n"): Promise<string> {
  await mkdir(join(dir, "runs"), { recursive: true });
  const ticket = join(dir, "runs", `.one.facehand-lock-${NONCE}`);
  await writeFile(ticket, JSON.stringify({ since: "noon", started: null, ...holder }));
  await writeFile(`${ticket}.n`, state);
  return ticket;
}

describe("a lock", () => {
  it("keeps others out until it is released, and leaves nothing", async () => {
    const lock = await take();
    await expect(take()).rejects.toMatchObject({
      kind: "input",
      code: "LOCKED",
      hint: "wait for it, or stop it; what it has done stays",
    });
    await expect(take()).rejects.toThrow(
      new RegExp(`^Expected the run to be free, got process ${process.pid} on .+ that works on it since 20`),
    );
    expect((await lockHolder(path()))?.pid).toBe(process.pid);
    expect((await readdir(join(dir, "runs"))).every((name) => name.startsWith(".one.facehand-lock-"))).toBe(
      true,
    );
    await lock.release();
    expect(await lockHolder(path())).toBeUndefined();
    expect(await readdir(dir)).toEqual([]); // the folder that was made for it went with it
  });

  it("has one winner among many at once, again and again", async () => {
    for (let round = 0; round < 10; round++) {
      const results = await Promise.allSettled(Array.from({ length: 12 }, take));
      const won = results.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
      const lost = results.flatMap((one) => (one.status === "rejected" ? [one.reason.code] : []));
      expect([won.length, new Set(lost)]).toEqual([1, new Set(["LOCKED"])]);
      await won[0]!.release();
      expect(await left()).toEqual([]);
    }
  });

  it("has one winner among processes at once, and never two holders", { timeout: 60_000 }, async () => {
    // Each takes and releases as fast as it can; a folder that two had made at once would be a fault.
    const work = `
      import { mkdirSync, rmdirSync } from "node:fs";
      let won = 0;
      for (let i = 0; i < 60; i++) {
        try {
          const lock = await takeLock(path, "the run");
          mkdirSync(path + " busy");
          await new Promise((done) => setImmediate(done));
          rmdirSync(path + " busy");
          await lock.release();
          won++;
        } catch (error) {
          if (error.code !== "LOCKED") throw error;
        }
      }
      process.stdout.write(String(won));`;
    const children = [child(work), child(work), child(work)];
    const ends = await Promise.all(
      children.map(async (one) => {
        let text = "";
        one.stdout.on("data", (part) => {
          text += part;
        });
        const [code] = await once(one, "close");
        return { code, won: Number(text) };
      }),
    );
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(Math.min(...ends.map(({ won }) => won))).toBeGreaterThan(0);
    expect(await left()).toEqual([]);
  });

  it("is owned by a living process, and free once that is killed by kill -9", async () => {
    const holder = child(
      `await takeLock(path, "the run"); process.stdout.write("taken"); setInterval(() => 0, 1e6);`,
    );
    await once(holder.stdout, "data");
    await expect(take()).rejects.toThrow(`got process ${holder.pid} on`);
    const gone = once(holder, "exit");
    holder.kill("SIGKILL");
    await gone;
    expect((await readdir(join(dir, "runs"))).length).toBe(2); // its ticket and its number
    const lock = await take();
    expect((await lockHolder(path()))?.pid).toBe(process.pid);
    await lock.release();
    expect(await readdir(join(dir, "runs"))).toEqual([]);
  });

  it("goes with a process that ends by process.exit", async () => {
    const holder = child(`await takeLock(path, "the run"); process.exit(0);`);
    await once(holder, "exit");
    expect(await readdir(join(dir, "runs"))).toEqual([]);
  });

  it("is waited for where that is asked, and the wait ends with the signal", async () => {
    const lock = await take();
    const stop = new AbortController();
    const waiting = withLock(path(), "the run", async () => "mine", { wait: stop.signal });
    await lock.release();
    expect(await waiting).toBe("mine");
    const again = await take();
    const stopped = withLock(path(), "the run", async () => "mine", { wait: stop.signal });
    stop.abort();
    await expect(stopped).rejects.toThrow("Stopped while another process worked on the run");
    await again.release();
  });
});

describe("an owner", () => {
  const own = async () => {
    const lock = await take();
    const name = (await readdir(join(dir, "runs"))).find((each) => !each.endsWith(".n"))!;
    const holder = JSON.parse(await readFile(join(dir, "runs", name), "utf8"));
    await lock.release();
    return holder;
  };

  it("is dead if its process id was given to another process since", async () => {
    await ticketOf({ ...(await own()), started: "1" });
    await (await take()).release();
    expect(await readdir(join(dir, "runs"))).toEqual([]);
  });

  it("of a container with the same name and other process ids is one of another machine", async () => {
    const { host, machine } = await own();
    await ticketOf({ pid: 999_999_999, host, machine: `${machine} elsewhere` });
    await expect(take()).rejects.toThrow("got process 999999999 on");
  });

  it("on another machine counts while it is heard of; the message states when it stops counting", async () => {
    const ticket = await ticketOf({ pid: 1, host: "elsewhere", machine: "elsewhere" });
    await expect(take()).rejects.toThrow("got process 1 on elsewhere that works on it since noon");
    await expect(take()).rejects.toMatchObject({
      hint: expect.stringMatching(
        /^wait for it, or stop it; if it has died there, it counts as dead in \d\d s$/,
      ),
    });
    const before = new Date(Date.now() - 100_000);
    await utimes(ticket, before, before);
    await (await take()).release();
    expect(await readdir(join(dir, "runs"))).toEqual([]);
  });

  it("learns that another one took its place, and publishes nothing then", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    let lost: AbortSignal | undefined;
    const work = withLock(path(), "the run", async (lock) => {
      lost = lock.lost;
      for (const name of await readdir(join(dir, "runs"))) await rm(join(dir, "runs", name)); // as a taker does
      expect(lost.aborted).toBe(false);
      await vi.advanceTimersByTimeAsync(10_000);
      await vi.waitFor(() => expect(lost!.aborted).toBe(true), IN_TIME);
      await lock.check();
    });
    await expect(work).rejects.toMatchObject({
      kind: "input",
      code: "LOCK_LOST",
      message:
        "Expected to keep the run, got another process that took it: this one was not heard of for 90 s",
    });
  });

  it("that beats keeps its ticket young, with the same words in it", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const lock = await take();
    const ticket = join(
      dir,
      "runs",
      (await readdir(join(dir, "runs"))).find((name) => !name.endsWith(".n"))!,
    );
    const text = await readFile(ticket, "utf8");
    const before = new Date(Date.now() - 100_000);
    await utimes(ticket, before, before);
    await vi.advanceTimersByTimeAsync(10_000);
    const { stat } = await import("node:fs/promises");
    await vi.waitFor(
      async () => expect((await stat(ticket)).mtimeMs).toBeGreaterThan(before.getTime() + 50_000),
      IN_TIME,
    );
    expect(await readFile(ticket, "utf8")).toBe(text);
    await lock.release();
  });

  it("that was killed before it had its number does not count, nor does what it had not finished", async () => {
    const ticket = await ticketOf({ pid: 999_999_999, host: "x", machine: (await own()).machine });
    await rm(`${ticket}.n`);
    await writeFile(join(dir, "runs", ".one.facehand-lock-00000000000000aa.new"), "{");
    await writeFile(join(dir, "runs", ".one.facehand-lock-00000000000000bb.n"), "3\n");
    await writeFile(join(dir, "runs", ".one.facehand-lock-mine"), "somebody's");
    await (await take()).release();
    expect(await readdir(join(dir, "runs"))).toEqual([".one.facehand-lock-mine"]);
  });
});

describe("a disk without room for another file", () => {
  const mounted = (options: string) =>
    spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", dir]).status === 0;
  const isRoot = process.getuid?.() === 0 && process.platform === "linux";

  it.skipIf(!isRoot)(
    "leaves no ticket of a living process, and is named (only root mounts a disk)",
    async () => {
      expect(mounted("nr_inodes=3")).toBe(true);
      try {
        const run = join(dir, "run");
        await writeFile(join(dir, "other"), ""); // with the root and a ticket that is all; its number has no room
        await expect(takeLock(run, "the run")).rejects.toThrow(`Expected to write ${run}, got ENOSPC`);
        expect(await readdir(dir)).toEqual(["other"]);
        await rm(join(dir, "other"));
        await (await takeLock(run, "the run")).release();
      } finally {
        spawnSync("umount", [dir]);
      }
    },
  );
});

describe("spellings of one path", () => {
  it("meet: relative, with a slash at the end, in other case, composed otherwise, through links", async () => {
    await mkdir(path(), { recursive: true });
    await symlink(join(dir, "runs"), join(dir, "linked"));
    await symlink(path(), join(dir, "alias"));
    const spellings = [
      relative(process.cwd(), path()),
      `${path()}/`,
      join(dir, "runs", "..", "runs", "one"),
      join(dir, "runs", "ONE"),
      join(dir, "linked", "one"),
      join(dir, "alias"),
    ];
    const lock = await take();
    for (const spelling of spellings)
      await expect(takeLock(spelling, "it")).rejects.toMatchObject({ code: "LOCKED" });
    await lock.release();
    const composed = await takeLock(join(dir, "\u00e4"), "it");
    await expect(takeLock(join(dir, "a\u0308"), "it")).rejects.toMatchObject({ code: "LOCKED" });
    await composed.release();
  });

  it("of long names and of neighbours do not", async () => {
    const long = "x".repeat(250);
    const locks = [
      await take(),
      await takeLock(join(dir, "runs", "one-2"), "it"),
      await takeLock(join(dir, long), "it"),
    ];
    await expect(takeLock(join(dir, long), "it")).rejects.toMatchObject({ code: "LOCKED" });
    for (const lock of locks) await lock.release();
    expect(await left()).toEqual([]);
  });
});

describe("withLock", () => {
  it("lets work that owns a lock take it again, also below, and nobody else", async () => {
    await withLock(path(), "the run", async (outer) => {
      const inner = withLock(`${path()}/`, "the same", async (lock) => lock);
      expect(await inner).toBe(outer);
      expect(await withLock(join(path(), "predictions"), "below", async () => "free")).toBe("free");
    });
    let letGo = (): void => undefined;
    const until = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const other = withLock(path(), "the run", () => until);
    await vi.waitFor(async () => expect((await lockHolder(path()))?.pid).toBe(process.pid), IN_TIME);
    await expect(withLock(path(), "the run", async () => undefined)).rejects.toMatchObject({
      code: "LOCKED",
    });
    letGo();
    await other;
  });

  it("takes several at once, or none", async () => {
    const [a, b] = [join(dir, "a"), join(dir, "b")];
    await withLocks(
      [a, b],
      (name) => name,
      async () => {
        await expect(take().then((lock) => lock.release())).resolves.toBeUndefined();
        expect([(await lockHolder(a))?.pid, (await lockHolder(b))?.pid]).toEqual([process.pid, process.pid]);
      },
    );
    const other = await takeLock(b, "b");
    await expect(
      withLocks(
        [a, b],
        (name) => name,
        async () => undefined,
      ),
    ).rejects.toMatchObject({ code: "LOCKED" });
    expect(await lockHolder(a)).toBeUndefined();
    await other.release();
    expect(await readdir(dir)).toEqual([]);
  });

  it("makes no folder of what it locks, and none where it may not", async () => {
    await expect(withLock(path(), "the run", async () => Promise.reject(new Error("no")))).rejects.toThrow(
      "no",
    );
    expect(await readdir(dir)).toEqual([]);
    await writeFile(join(dir, "file"), "x");
    await expect(takeLock(join(dir, "file", "out"), "it")).rejects.toMatchObject({ code: "WRITE_FAILED" });
  });

  it.skipIf(process.getuid?.() === 0)(
    "locks within a folder whose neighbours may not be written",
    async () => {
      await mkdir(path(), { recursive: true });
      await chmod(join(dir, "runs"), 0o555);
      const lock = await take();
      expect((await readdir(path())).length).toBe(2);
      await expect(take()).rejects.toMatchObject({ code: "LOCKED" });
      await lock.release();
      expect(await readdir(path())).toEqual([]);
      await chmod(join(dir, "runs"), 0o755);
    },
  );
});
