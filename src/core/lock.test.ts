// Locks between processes: one holder, the dead make room, a holder that was taken for dead is told.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { lockHolder, takeLock } from "./lock.ts";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-lock-"));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(dir, { recursive: true });
});

const path = () => join(dir, "locks", "runner");
const take = () => takeLock(path(), "the study");

/** Another process that takes the lock and keeps it until it is killed. */
async function otherHolder() {
  const code = `
    import { takeLock } from ${JSON.stringify(new URL("./lock.ts", import.meta.url).href)};
    await takeLock(${JSON.stringify(path())}, "the study");
    process.stdout.write("held");
    setInterval(() => undefined, 1000);`;
  const child = spawn(
    process.execPath,
    ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", code],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  await once(child.stdout, "data");
  return child;
}

describe("takeLock", () => {
  it("keeps others out until it is released", async () => {
    const lock = await take();
    await expect(take()).rejects.toMatchObject({ kind: "input", code: "LOCKED" });
    await expect(take()).rejects.toThrow(
      new RegExp(
        `^Expected the study to be free, got process ${process.pid} on .+ that works on it since 20`,
      ),
    );
    expect((await lockHolder(path()))?.pid).toBe(process.pid);
    await lock.release();
    expect(await lockHolder(path())).toBeUndefined();
    await (await take()).release();
  });

  it("has one winner among many at once", async () => {
    const results = await Promise.allSettled(Array.from({ length: 20 }, take));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("is kept by a living process, and free once that is killed by kill -9", async () => {
    const child = await otherHolder();
    await expect(take()).rejects.toThrow(`got process ${child.pid} on`);
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    const lock = await take();
    expect((await lockHolder(path()))?.pid).toBe(process.pid);
    await lock.release();
  });

  it("is free if the process id was given to another process since", async () => {
    await (await take()).release();
    const [name] = await readdir(join(dir, "locks"));
    const holder = { pid: process.pid, host: (await import("node:os")).hostname(), started: "1", since: "" };
    await writeFile(join(dir, "locks", name!), JSON.stringify(holder));
    await (await take()).release();
  });

  it("of another machine is kept while it is touched, and free after that", async () => {
    const own = join(dir, "locks", "runner-1.lock");
    await (await take()).release();
    await writeFile(own, JSON.stringify({ pid: 1, host: "elsewhere", started: null, since: "noon" }));
    await expect(take()).rejects.toThrow("got process 1 on elsewhere that works on it since noon");
    const before = new Date(Date.now() - 100_000);
    await utimes(own, before, before);
    await (await take()).release();
  });

  it("tells a holder that another one took its place, and leaves one file", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const lock = await take();
    await writeFile(join(dir, "locks", "runner-7.lock"), "");
    expect(lock.lost.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(10_000);
    await vi.waitFor(() => expect(lock.lost.aborted).toBe(true));
    await lock.release();
    const before = new Date(Date.now() - 100_000);
    await utimes(join(dir, "locks", "runner-7.lock"), before, before);
    await take();
    expect(await readdir(join(dir, "locks"))).toEqual(["runner-8.lock"]);
    expect(JSON.parse(await readFile(join(dir, "locks", "runner-8.lock"), "utf8")).pid).toBe(process.pid);
  });
});
