import { describe, expect, it } from "vitest";
import { plainCell, plainRow, tableCsv } from "./format-csv.ts";

describe("tables for people", () => {
  it.each([
    "=1+1",
    "+cmd",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "-cmd|'/c calc'!A0",
    "\uff1d1",
    "+",
    "=",
    "-x",
  ])("guard %j", (text) => {
    if (text === "+")
      expect(plainCell(text)).toBe(text); // nothing to calculate
    else expect(plainCell(text)).toBe(`'${text}`);
  });

  it.each([
    "-0.021",
    "-",
    "+3",
    "-2e-5",
    "-1,024",
    "-0.021 ± 0.003",
    "-0.021 [-0.030, 0.012]",
    "-0.1 [?, ?]",
    "0.9*",
    "a=b",
    "",
  ])("leave %j: a figure, or no formula", (text) => expect(plainCell(text)).toBe(text));

  it("hold in headers, rows and numbers", () => {
    expect(tableCsv(["=a", "b"], [["@x", "-1"]])).toBe("'=a,b\n'@x,-1\n");
    expect(plainRow({ image: "=x.jpg", probability: -1 })).toEqual({ image: "'=x.jpg", probability: -1 });
  });
});
