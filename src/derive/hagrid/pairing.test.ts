import { describe, expect, it } from "vitest";
import { chooseHand, chooseOwner } from "./pairing.ts";

const box = (x: number, y: number, width: number, height: number) => ({ x, y, width, height });
const face = (x: number, y: number, side: number, score = 0.9) => ({ score, box: box(x, y, side, side) });
const HAND = box(100, 100, 60, 60); // centre 130, 130
const LIMITS = { minScore: 0.6, minPx: 28 };
const choose = (faces: ReturnType<typeof face>[], hand = HAND) => chooseOwner(faces, hand, LIMITS);

describe("chooseHand", () => {
  it("takes the box with the gesture's label, not the idle hand that comes first", () => {
    const boxes = [box(0, 0, 0.5, 0.5), box(0.5, 0.5, 0.1, 0.1)];
    expect(chooseHand({ boxes, labels: ["no_gesture", "palm"], gesture: "palm" })).toBe(1);
  });

  it("takes the larger hand of a gesture of two, whose boxes have one label", () => {
    const boxes = [box(0.2, 0.4, 0.2, 0.2), box(0.5, 0.4, 0.2, 0.25)];
    expect(chooseHand({ boxes, labels: ["hand_heart", "hand_heart"], gesture: "hand_heart" })).toBe(1);
  });

  it("takes the largest of several, and none if no label fits", () => {
    const boxes = [box(0, 0, 0.1, 0.1), box(0.5, 0.5, 0.3, 0.2), box(0, 0, 0.1, 0.2)];
    expect(chooseHand({ boxes, labels: ["palm", "palm", "palm"], gesture: "palm" })).toBe(1);
    expect(chooseHand({ boxes, labels: ["stop", "stop", "stop"], gesture: "palm" })).toBeUndefined();
  });
});

describe("chooseOwner", () => {
  it("fits a usual pair perfectly: sizes 1.04, centres up to 1.16 heights apart", () => {
    const usual = face(130 - 29 + 50, 130 - 29, 60 / 1.04); // 50 px apart
    const found = choose([usual]);
    expect(found?.face).toBe(usual);
    expect(found?.fit).toBeLessThan(0.1);
    expect(found).not.toHaveProperty("lead");
  });

  it("counts sizes in standard deviations of their logarithm, and reach beyond the usual in its own", () => {
    const twice = choose([face(130 - 60, 130 - 60, 120)])!; // ratio 0.5, reach 0
    expect(twice.fit).toBeCloseTo(Math.log(1.04 / 0.5) / 0.19, 6);
    const far = choose([face(130 - 30 + 3 * 60, 130 - 30, 60)])!; // ratio 1, reach 3
    expect(far.fit).toBeCloseTo(Math.hypot((3 - 1.16) / 0.34, Math.log(1 / 1.04) / 0.19), 6);
  });

  it("takes the face of fitting size, though a small one in the background is nearer", () => {
    const owner = face(200, 80, 60);
    const bystander = face(120, 90, 30);
    const found = choose([bystander, owner])!;
    expect(found.face).toBe(owner);
    expect(found.lead).toBeGreaterThan(1.5);
  });

  it("has no lead where the hand may be either person's", () => {
    const left = face(40, 100, 60); // centre 70, 130
    const right = face(161, 100, 60); // centre 191, 130
    expect(choose([left, right])).toMatchObject({ face: left });
    expect(choose([left, right])?.lead).toBeLessThan(0.1);
  });

  it("prefers faces within the limits, and takes others only where there is none", () => {
    const unsure = face(150, 100, 58, 0.4);
    const small = face(150, 100, 20);
    const farther = face(250, 100, 58);
    expect(choose([unsure, small, farther])).toEqual({ face: farther, fit: expect.any(Number) });
    expect(choose([unsure, small])?.face).toBe(unsure);
    expect(choose([])).toBeUndefined();
  });

  it("does the same to a mirrored frame", () => {
    const mirror = ({ score, box: b }: ReturnType<typeof face>) => ({
      score,
      box: { ...b, x: 400 - b.x - b.width },
    });
    const faces = [face(200, 80, 60), face(120, 20, 44)];
    const direct = choose(faces)!;
    const mirrored = choose(faces.map(mirror), { ...HAND, x: 400 - 160 })!;
    expect(mirrored.face).toEqual(mirror(direct.face));
    expect(mirrored.fit).toBeCloseTo(direct.fit, 10);
  });
});
