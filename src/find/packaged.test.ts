import { describe, expect, it } from "vitest";
import { sha256 } from "../machine/files.ts";
import { checkPackaged, PACKAGED_MODELS } from "./models.ts";
import { readPackaged, unpackAsset } from "./packaged.ts";

const loader = (table: unknown) =>
  `(function () {\n  throw new Error("this script is never run");\n  loadPackage(${JSON.stringify(table)});\n})();`;
const file = (filename: string, start: number, end: number) => ({ filename, start, end });
const TABLE = { files: [file("/a/one.txt", 0, 3), file("/b/two.bin", 3, 5)], remote_package_size: 5 };
const DATA = Uint8Array.of(1, 2, 3, 4, 5);

describe("unpackAsset", () => {
  it("cuts a file out of the data, by its table", () => {
    expect(unpackAsset(loader(TABLE), DATA, "one.txt")).toEqual(Uint8Array.of(1, 2, 3));
    expect(unpackAsset(loader(TABLE), DATA, "two.bin")).toEqual(Uint8Array.of(4, 5));
  });

  const beyond = { files: [file("/b/two.bin", 3, 6)], remote_package_size: 5 };
  it.each([
    ["a script without a table", "void 0;", DATA, /^Expected a table of packed files for two.bin, got/],
    ["data cut short", loader(TABLE), DATA.subarray(1), /^Expected 5 packed bytes for two.bin, got 4/],
    [
      "a file not packed",
      loader({ ...TABLE, files: [] }),
      DATA,
      /^Expected an entry in the table for two.bin/,
    ],
    ["a range beyond the data", loader(beyond), DATA, /^Expected a range inside the data for two.bin/],
  ])("refuses %s", (_, script, data, message) => {
    expect(() => unpackAsset(script, data, "two.bin")).toThrow(
      expect.objectContaining({ code: "PACKED_ASSETS", message: expect.stringMatching(message) }),
    );
  });

  it("refuses a table of another shape", () => {
    expect(() => unpackAsset(loader({ files: 1 }), DATA, "x")).toThrow(
      expect.objectContaining({ code: "JSON_SCHEMA" }),
    );
  });
});

describe("the packaged models", () => {
  it.each(PACKAGED_MODELS)("%s: the file that this code decodes, and no other is taken", async (model) => {
    const file = await readPackaged(model);
    expect(sha256(file.bytes)).toBe(file.sha256);
    expect(checkPackaged(model, file)).toBe(file);
    for (const other of PACKAGED_MODELS.filter((one) => one !== model))
      expect(() => checkPackaged(other, file)).toThrow(
        /^Expected sha256 [0-9a-f]{64} for the .* got "[0-9a-f]{64}"/,
      );
  });

  it("are refused by the name of what they find, with the code of its flag", async () => {
    const [faces, palms] = await Promise.all([readPackaged("faces"), readPackaged("palms")]);
    expect(palms.bytes).toHaveLength(1_985_440);
    expect(() => checkPackaged("palms", faces)).toThrow(
      expect.objectContaining({
        code: "HAND_MODEL",
        message: expect.stringMatching(/^Expected sha256 e9a4aadd.* for the hand detector, got "99bf94/),
      }),
    );
    expect(() => checkPackaged("faces", palms)).toThrow(
      expect.objectContaining({
        code: "FACE_MODEL",
        message: expect.stringMatching(/^Expected sha256 99bf94.* for the face detector, got "e9a4aadd/),
      }),
    );
    expect(() => checkPackaged("landmarks", palms)).toThrow(
      expect.objectContaining({
        code: "HAND_MODEL",
        message: expect.stringMatching(/^Expected sha256 d7fde8ac.* for the hand landmark model, got "e9a4/),
      }),
    );
  });
});
