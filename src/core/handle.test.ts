import { describe, expect, it } from "vitest";
import { closeAll, Handle, OpenList, openAll } from "./handle.ts";

/** A promise that a test settles. */
function later<T = void>() {
  let settle!: { resolve: (value: T) => void; reject: (error: unknown) => void };
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
}

/** Something that can be closed, and counts how often it is. */
function closable(fails = false) {
  const made = {
    closed: 0,
    close: async () => {
      made.closed++;
      if (fails) throw new Error("cannot close");
    },
  };
  return made;
}

const turns = async (count = 5) => {
  for (let i = 0; i < count; i++) await Promise.resolve();
};

describe("Handle", () => {
  it("is freed once, when all that use it have ended, and refuses what comes after", async () => {
    const freed: string[] = [];
    const handle = new Handle("thing", () => freed.push("freed"));
    expect(handle.state).toBe("open");
    const [one, two] = [later<number>(), later<number>()];
    const uses = [handle.use(() => one.promise), handle.use(() => two.promise)];
    expect(handle.state).toBe("running");
    const released = [handle.release(), handle.release()];
    expect(handle.state).toBe("released");
    let begun = false;
    await expect(
      handle.use(() => {
        begun = true;
      }),
    ).rejects.toMatchObject({
      kind: "input",
      code: "RELEASED",
      message: "Expected an open thing, got one that is closed",
    });
    expect(begun).toBe(false);
    one.resolve(1);
    await turns();
    expect(freed).toEqual([]);
    two.reject(new Error("failed"));
    expect(await Promise.allSettled(uses)).toMatchObject([{ value: 1 }, { reason: { message: "failed" } }]);
    await Promise.all(released);
    await handle.release();
    expect(freed).toEqual(["freed"]);
  });

  it("is open again after a use, and is not used by what fails at once", async () => {
    const handle = new Handle("thing", () => undefined);
    await expect(
      handle.use(() => {
        throw new Error("at once");
      }),
    ).rejects.toThrow("at once");
    expect(await handle.use(() => 7)).toBe(7);
    expect(handle.state).toBe("open");
    await handle.release();
  });

  it("reports a release that fails to everybody who waits for it", async () => {
    const handle = new Handle("thing", () => Promise.reject(new Error("stuck")));
    await expect(handle.release()).rejects.toThrow("stuck");
    await expect(handle.release()).rejects.toThrow("stuck");
  });
});

describe("openAll", () => {
  it("gives what was opened, in order", async () => {
    const [a, b] = [closable(), closable()];
    expect(await openAll([Promise.resolve(a), Promise.resolve(b)])).toEqual([a, b]);
    expect([a.closed, b.closed]).toEqual([0, 0]);
  });

  it("closes what was opened, then or later, if one fails", async () => {
    const [early, late] = [closable(), closable()];
    const slow = later<typeof late>();
    const all = openAll([Promise.resolve(early), Promise.reject(new Error("no model")), slow.promise]);
    all.catch(() => undefined);
    await turns();
    slow.resolve(late);
    await expect(all).rejects.toThrow("no model");
    expect([early.closed, late.closed]).toEqual([1, 1]);
  });
});

describe("closeAll and OpenList", () => {
  it("close all of them, also after one that cannot be closed", async () => {
    const all = [closable(), closable(true), closable()];
    await expect(closeAll([...all, undefined])).rejects.toThrow("cannot close");
    expect(all.map(({ closed }) => closed)).toEqual([1, 1, 1]);
    const list = new OpenList();
    const last = list.add(closable());
    list.add(undefined);
    await list.close();
    expect(last.closed).toBe(1);
  });
});
