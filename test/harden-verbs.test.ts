// The campaign of kills attacks every verb that writes: one that is added is added there too, or the reason stands here.
import { expect, it } from "vitest";
import { VERBS } from "../harden/verbs.ts";
import { FLAG_TABLE } from "./cli/flag-table.ts";

/** Flags by which a verb writes. */
const WRITING = ["--out", "--apply", "--onnx", "--csv", "--pictures"];
/** Verbs that have such a flag and are not attacked by it. */
const OTHERS: Readonly<Record<string, string>> = {
  "study plan": "it only checks whether there is a study at --out",
};

it("knows every verb that writes", () => {
  const writing = Object.entries(FLAG_TABLE)
    .filter(([, flags]) => WRITING.some((flag) => flags[flag] !== undefined))
    .map(([verb]) => verb);
  const isAttacked = (verb: string) =>
    VERBS.some(({ name }) => name === verb || name.startsWith(`${verb} `) || name.startsWith(`${verb},`));
  expect(writing.filter((verb) => !isAttacked(verb) && OTHERS[verb] === undefined)).toEqual([]);
  expect(writing.length).toBeGreaterThan(20);
});

it("names each of its commands once", () => {
  expect(new Set(VERBS.map(({ name }) => name)).size).toBe(VERBS.length);
});
