import { describe, expect, it } from "vitest";
import { chooseHand, chooseOwner } from "./pairing.ts";

const box = (x: number, y: number, width: number, height: number) => ({ x, y, width, height });
const face = (x: number, y: number, side: number, score = 0.9) => ({ score, box: box(x, y, side, side) });
const HAND = box(100, 100, 60, 60); // centre 130, 130

describe("chooseHand", () => {
  it("takes the box with the gesture's label, not the idle hand that comes first", () => {
    const boxes = [box(0, 0, 0.5, 0.5), box(0.5, 0.5, 0.1, 0.1)];
    expect(chooseHand({ boxes, labels: ["no_gesture", "palm"], gesture: "palm" })).toBe(1);
  });

  it("takes the largest of several, and none if no label fits", () => {
    const boxes = [box(0, 0, 0.1, 0.1), box(0.5, 0.5, 0.3, 0.2), box(0, 0, 0.1, 0.2)];
    expect(chooseHand({ boxes, labels: ["palm", "palm", "palm"], gesture: "palm" })).toBe(1);
    expect(chooseHand({ boxes, labels: ["stop", "stop", "stop"], gesture: "palm" })).toBeUndefined();
  });
});

describe("chooseOwner", () => {
  it("takes the only face however far it is", () => {
    const only = face(900, 900, 50);
    expect(chooseOwner([only], HAND)).toEqual({ face: only });
  });

  it("measures distance in heights of the face: a small face in the background is far", () => {
    const owner = face(200, 80, 100); // 120 px away, 1.2 heights
    const bystander = face(150, 20, 30); // 100 px away, 3.2 heights
    expect(chooseOwner([bystander, owner], HAND)).toEqual({ face: owner });
  });

  it("removes a frame whose hand may be either person's", () => {
    const left = face(0, 80, 80); // centre 40, 120
    const right = face(190, 80, 80); // centre 230, 120
    expect(chooseOwner([left, right], HAND)).toEqual({
      reason: "ambiguous_face",
      detail: "2 faces, reach 1.13, 1.26",
    });
  });

  it("removes a frame with several faces out of reach", () => {
    expect(chooseOwner([face(400, 100, 30), face(900, 100, 30)], HAND)).toMatchObject({
      reason: "ambiguous_face",
    });
  });

  it("names what is wrong with the detections", () => {
    expect(chooseOwner([], HAND)).toEqual({ reason: "no_face", detail: "" });
    expect(chooseOwner([face(0, 0, 50, 0.4), face(0, 0, 50, 0.2)], HAND)).toEqual({
      reason: "low_face_score",
      detail: "best score 0.400",
    });
    expect(chooseOwner([face(0, 0, 27, 0.9), face(0, 0, 90, 0.1)], HAND)).toEqual({
      reason: "face_too_small",
      detail: "largest 27.0 px",
    });
  });
});
