import { expect, it } from "vitest";
import type { Value } from "../graph.ts";
import { add, input, mul } from "../ops.ts";
import { cutBelow } from "./cut.ts";

const of = (name: string) => input(name, [2]);
const cut = (outputs: Value[], images: Value, ...still: Value[]) =>
  cutBelow(outputs, new Set([images]), new Set(still));

it("cuts where what is learnt meets what follows from the images alone", () => {
  const [images, frozen, learnt] = [of("images"), of("frozen"), of("learnt")];
  const below = mul(images, frozen);
  const skip = add(below, frozen);
  const above = add(mul(skip, learnt), below);
  expect(cut([above], images, frozen)).toEqual([skip, below]);
});

it("counts what is drawn as changing", () => {
  const [images, frozen, noise] = [of("images"), of("frozen"), of("noise")];
  const below = mul(images, frozen);
  const drawn = mul(below, noise);
  expect(cut([mul(drawn, frozen)], images, frozen)).toEqual([below]);
});

it("takes results that nothing learns in too", () => {
  const [images, frozen] = [of("images"), of("frozen")];
  const below = mul(images, frozen);
  expect(cut([below], images, frozen)).toEqual([below]);
});

it("does not cut below all parameters, nor above what stays without images", () => {
  const [images, frozen, learnt] = [of("images"), of("frozen"), of("learnt")];
  expect(cut([mul(mul(images, images), learnt)], images, frozen)).toEqual([]);
  expect(cut([mul(add(images, images), mul(frozen, learnt))], images, frozen)).toEqual([]);
});
