// Published folders with SHA256SUMS: on disk, at an address, on Drive. The bundle of a derivation: test/cli/release.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeDrive, startDrive } from "../../test/drive.ts";
import { hashOf } from "../../test/hub.ts";
import { PUBLISHED } from "./published.ts";
import { fetchLink, fetchMetrics } from "./sets.ts";

const FILES = { "a.bin": "the first file", "more/b.txt": "the second file" } as const;
const FOLDER = "1sharedfolder0000";
let drive: FakeDrive;
let dir = "";
const at = (...names: string[]) => join(dir, ...names);
const wait = { waitMs: 1 };

/** The same files on disk, on a server and on Drive. */
async function publish(files: Readonly<Record<string, string>>): Promise<void> {
  await rm(at("there"), { recursive: true, force: true });
  drive.plain.clear();
  const ids: { id: string; name: string; folder?: boolean }[] = [];
  const inner: { id: string; name: string }[] = [];
  for (const [name, text] of Object.entries(files)) {
    const bytes = Buffer.from(text);
    await mkdir(join(at("there", name), ".."), { recursive: true });
    await writeFile(at("there", name), bytes);
    drive.plain.set(`/p/${name}`, bytes);
    const id = `1file${hashOf(Buffer.from(name)).slice(0, 20)}`;
    drive.files.set(id, { name, bytes });
    const [last, above] = name.split("/").reverse();
    if (above === undefined) ids.push({ id, name });
    else inner.push({ id, name: last! });
  }
  drive.folders.set("1innerfolder00000", inner);
  drive.folders.set(FOLDER, [...ids, { id: "1innerfolder00000", name: "more", folder: true }]);
}
const sumsOf = (files: Readonly<Record<string, string>>) =>
  Object.entries(files)
    .map(([name, text]) => `${hashOf(Buffer.from(text))}  ${name}\n`)
    .join("");

beforeEach(async () => {
  drive = await startDrive();
  dir = await mkdtemp(join(tmpdir(), "facehand-sums-"));
  await publish({ ...FILES, SHA256SUMS: sumsOf(FILES) });
});
afterEach(async () => {
  await drive.close();
  await rm(dir, { recursive: true });
});

const PLACES = {
  "a folder": () => at("there"),
  "an address": () => `${drive.origin}/p/`,
  "the address of the list": () => `${drive.origin}/p/SHA256SUMS?token=1`,
  "a folder of Drive": () => `drive-folder:${FOLDER}`,
} as const;

describe.each(Object.entries(PLACES))("%s with SHA256SUMS", (kind, place) => {
  const get = () => fetchLink(place(), at("out"), { ...wait, driveEndpoint: drive.endpoint });

  it("comes whole, and again is checked", async () => {
    const { files } = await get();
    expect(files.map(({ name }) => name).sort()).toEqual(["SHA256SUMS", "a.bin", "more/b.txt"]);
    expect(await readFile(at("out", "more", "b.txt"), "utf8")).toBe(FILES["more/b.txt"]);
    expect((await get()).files.every(({ kept }) => kept)).toBe(true);
  });

  it("is refused when a file does not match the list, and that file is removed", async () => {
    await publish({ ...FILES, "a.bin": "the first fill", SHA256SUMS: sumsOf(FILES) });
    const [expected, got] = [FILES["a.bin"], "the first fill"].map((text) => hashOf(Buffer.from(text)));
    const fault = await get().catch((error: unknown) => error);
    expect(fault).toMatchObject({ kind: "remote", code: "REMOTE_CHECKSUM" });
    const { message, hint } = fault as { message: string; hint: string };
    expect(message).toContain(`Expected SHA-256 ${expected} for `);
    expect(message).toContain(`, got "${got}"`);
    if (kind !== "a folder of Drive") expect(message).toContain("a.bin");
    expect(hint).toContain("what came was removed");
    for (const name of ["a.bin", "a.bin.part"]) expect(existsSync(at("out", name))).toBe(false);
  });

  it("is refused when it was published anew in between", async () => {
    await get();
    await rm(at("out", "a.bin"));
    const files = { ...FILES, "a.bin": "the first filx" };
    await publish({ ...files, SHA256SUMS: sumsOf(files) });
    await expect(get()).rejects.toMatchObject({ code: "REMOTE_CHECKSUM" }); // the list is the one that came
    await rm(at("out", "SHA256SUMS"));
    await expect(get()).rejects.toMatchObject({ code: "REMOTE_CHECKSUM" });
  });
});

describe("SHA256SUMS", () => {
  it("of a shared folder has to name its files, and no others", async () => {
    const get = () =>
      fetchLink(`drive-folder:${FOLDER}`, at("out"), { ...wait, driveEndpoint: drive.endpoint });
    await publish({ ...FILES, "me.jpg": "x", SHA256SUMS: sumsOf(FILES) });
    await expect(get()).rejects.toThrow(
      "Expected the folder to hold the files that its SHA256SUMS names, got me.jpg, which it does not name",
    );
    await publish({ "a.bin": FILES["a.bin"], SHA256SUMS: sumsOf(FILES) });
    await expect(get()).rejects.toThrow("got no more/b.txt in the folder");
    expect(await readdir(at("out"))).not.toContain("a.bin");
  });

  it("is wanted in a folder or at an address that ends in /", async () => {
    await publish(FILES);
    await expect(fetchLink(at("there"), at("out"), wait)).rejects.toThrow(
      `Expected a file of the mirror at ${at("there", "SHA256SUMS")}, got no such file`,
    );
    const error = await fetchLink(`${drive.origin}/p/`, at("out"), wait).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "REMOTE_NOT_FOUND", hint: "the mirror has to hold SHA256SUMS" });
  });

  it("in a mirror counts for the files that it names", async () => {
    const { name } = PUBLISHED.metrics;
    for (const mirror of [at("there"), `${drive.origin}/p`]) {
      const get = () => fetchMetrics(at("out"), { ...wait, mirror });
      await publish({ [name]: "a,b\n", SHA256SUMS: sumsOf({ [name]: "a,c\n" }) });
      await expect(get()).rejects.toMatchObject({ code: "REMOTE_CHECKSUM" });
      expect(existsSync(at("out", name))).toBe(false);
      await publish({ [name]: "a,b\n", SHA256SUMS: sumsOf({ [name]: "a,b\n" }) });
      expect((await get()).files[0]!.sha256).toBe(hashOf(Buffer.from("a,b\n")));
      await rm(at("out", name));
      await publish({ [name]: "a,d\n", SHA256SUMS: sumsOf({ [name]: "a,d\n" }) });
      await expect(get()).rejects.toMatchObject({
        code: "FETCHED_OTHER",
        message: expect.stringMatching(/^Expected SHA-256 .*, as it came before, for .*, got "/),
      });
      await publish({ [name]: "a,b\n", SHA256SUMS: "nothing\n" });
      await expect(get()).rejects.toMatchObject({ code: "SUMS_LINE" });
      await rm(at("out"), { recursive: true });
    }
  });
});
