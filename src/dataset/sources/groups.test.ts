import { expect, it } from "vitest";
import { ageBucket, checkAgeEdges } from "./groups.ts";

it.each([
  [0, "0-2"],
  [2.99, "0-2"],
  [3, "3-9"],
  [9, "3-9"],
  [10, "10-19"],
  [19, "10-19"],
  [20, "20-29"],
  [29.9, "20-29"],
  [40.51, "40-49"],
  [69, "60-69"],
  [70, "70+"],
  [116, "70+"],
])("puts %s years into %s", (years, bucket) => {
  expect(ageBucket(years)).toBe(bucket);
});

it.each([
  [17.9, "0-17"],
  [18, "18"],
  [19, "19-64"],
  [65, "65+"],
])("puts %s years into %s by other edges", (years, bucket) => {
  expect(ageBucket(years, [0, 18, 19, 65])).toBe(bucket);
});

it.each([[[]], [[1, 18]], [[0, 18, 18]], [[0, 18.5]], [[0, 131]]])("refuses the edges %j", (edges) => {
  expect(() => checkAgeEdges(edges)).toThrow(
    `Expected whole years that begin with 0 and rise, up to 130, for --age-edges, got "${edges.join(",")}"`,
  );
});

it.each([-1, 131, Number.NaN])("refuses %s", (years) => {
  expect(() => ageBucket(years)).toThrow(`Age ${years} is no age`);
});
