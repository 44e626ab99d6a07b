// The drawn people of the built-in sample: traits that belong to a subject, not to a frame.
// One latent trait, shifted by the recorded sex, moves face and hand traits together; the two groups overlap on
// purpose. These numbers are invented: they state nothing about real people.

import { Random } from "../core/random.ts";
import type { Sex } from "../core/vocabulary.ts";
import { sha256 } from "../machine/files.ts";
import { mix, type Rgb, skinOf } from "./svg.ts";

/** ITA classes with the middle of each, degrees (cuts 55/41/28/10/-30). */
const SKIN_CLASSES = [
  ["very light", 60],
  ["light", 48],
  ["intermediate", 34],
  ["tan", 19],
  ["brown", -10],
  ["dark", -42],
] as const;

export const HAIR_STYLES = ["bald", "receding", "buzz", "short", "curly", "bob", "bun", "long"] as const;
export type HairStyle = (typeof HAIR_STYLES)[number];

const HAIR_COLORS: readonly Rgb[] = [
  [28, 24, 24],
  [48, 34, 28],
  [84, 56, 38],
  [128, 88, 52],
  [188, 152, 96],
  [136, 62, 36],
];
const POLISH: readonly Rgb[] = [
  [190, 30, 50],
  [226, 110, 150],
  [120, 30, 90],
  [40, 70, 140],
  [240, 200, 190],
];

/** Proportions are relative to 1 = average unless noted. */
export interface Person {
  /** 64 hex digits. */
  readonly userId: string;
  readonly sex: Sex;
  readonly ageYears: number;
  readonly skinClass: string;
  readonly skin: Rgb;
  readonly hair: {
    readonly style: HairStyle;
    readonly color: Rgb;
    readonly fringe: boolean;
    readonly part: number;
  };
  readonly face: {
    readonly length: number;
    readonly jaw: number;
    readonly chin: number;
    readonly brow: number;
    readonly eye: number;
    readonly nose: number;
    readonly lips: number;
    /** 0 = the skin's own colour, 1 = painted. */
    readonly lipRed: number;
    readonly lashes: number;
    /** 0 none, about .35 stubble, 1 full. */
    readonly beard: number;
    readonly iris: Rgb;
    readonly glasses: boolean;
    readonly earrings: boolean;
  };
  readonly hand: {
    readonly breadth: number;
    readonly thickness: number;
    /** Ring finger over index finger. */
    readonly ring: number;
    /** Free edge of the nails, of a finger's width. */
    readonly nails: number;
    readonly polish: Rgb | undefined;
    readonly jewel: boolean;
    readonly hairy: boolean;
  };
  readonly shoulders: number;
  readonly clothes: { readonly color: Rgb; readonly neck: "round" | "v" | "collar"; readonly sleeve: number };
}

/**
 * The drawn person number `index` of a seed. Sexes alternate, so every sample has both.
 *
 * @example drawPerson(42, 0).sex // "female"
 */
export function drawPerson(seed: number, index: number): Person {
  const random = Random.of(seed).split("person", index);
  const sex: Sex = index % 2 === 0 ? "female" : "male";
  const trait = (sex === "male" ? 1 : -1) + 0.45 * random.normal(); // > 0: drawn rather as the male group
  const ageYears = Math.round(18 + 58 * random.next() ** 2);
  const [skinClass, middle] = random.pick(SKIN_CLASSES);
  return {
    userId: sha256(`drawn person ${index} of seed ${seed}`),
    sex,
    ageYears,
    skinClass,
    skin: skinOf(middle + random.uniform(-4, 4)),
    hair: drawHairTraits(random.split("hair"), trait, ageYears, middle),
    face: drawFaceTraits(random.split("face"), trait),
    hand: drawHandTraits(random.split("hand"), trait),
    shoulders: around(random, 1, 0.07 * trait, 0.04),
    clothes: {
      color: mix(
        [60, 70, 95],
        [random.uniform(20, 230), random.uniform(20, 230), random.uniform(20, 230)],
        0.75,
      ),
      neck: random.pick(["round", "v", "collar"] as const),
      sleeve: random.pick([0.25, 0.55, 0.85]),
    },
  };
}

/** base + shift + sd * normal, within three sd of base + shift. */
function around(random: Random, base: number, shift: number, sd: number): number {
  return base + shift + sd * Math.min(Math.max(random.normal(), -3), 3);
}

/** Chance that rises with the trait: 0.5 at `middle`. */
function chance(random: Random, trait: number, middle: number, most = 1): boolean {
  return random.next() < most / (1 + Math.exp(-3 * (trait - middle)));
}

function drawHairTraits(random: Random, trait: number, age: number, ita: number): Person["hair"] {
  const lengthy = -trait + 0.7 * random.normal();
  const bald = trait > 0.3 && random.next() < 0.08 + 0.3 * Math.max(0, (age - 35) / 40);
  const style: HairStyle = bald
    ? random.pick(["bald", "receding"] as const)
    : lengthy > 0.9
      ? "long"
      : lengthy > 0.2
        ? random.pick(["bob", "bun", "long", "curly"] as const)
        : random.pick(lengthy < -1.1 ? (["buzz", "short"] as const) : (["short", "short", "curly"] as const));
  const dark = ita < 20 ? 2 : HAIR_COLORS.length;
  const grey = Math.min(1, Math.max(0, (age - 42) / 25 + 0.25 * random.normal()));
  return {
    style,
    color: mix(HAIR_COLORS[random.int(dark)]!, [196, 194, 190], 0.85 * grey),
    fringe: random.next() < 0.3,
    part: random.uniform(-0.25, 0.25),
  };
}

function drawFaceTraits(random: Random, trait: number): Person["face"] {
  const bearded = chance(random, trait, 0.9, 0.7);
  const painted = chance(random, -trait, 0.8, 0.8);
  return {
    length: around(random, 1, 0.02 * trait, 0.03),
    jaw: around(random, 1, 0.07 * trait, 0.035),
    chin: around(random, 1, 0.12 * trait, 0.07),
    brow: around(random, 1, 0.28 * trait, 0.14),
    eye: around(random, 1, -0.08 * trait, 0.05),
    nose: around(random, 1, 0.08 * trait, 0.07),
    lips: around(random, 1, -0.14 * trait, 0.09),
    lipRed: painted ? random.uniform(0.5, 1) : random.uniform(0, 0.15),
    lashes: Math.max(0.4, around(random, 1, -0.35 * trait, 0.2)),
    beard: bearded ? random.pick([0.35, 0.4, 0.9, 1]) : 0,
    iris: random.pick<Rgb>([
      [70, 44, 28],
      [92, 66, 40],
      [72, 100, 120],
      [86, 104, 70],
    ]),
    glasses: random.next() < 0.22,
    earrings: chance(random, -trait, 0.9, 0.8),
  };
}

function drawHandTraits(random: Random, trait: number): Person["hand"] {
  const groomed = chance(random, -trait, 0.7, 0.9);
  return {
    breadth: around(random, 1, 0.075 * trait, 0.04),
    thickness: around(random, 1, 0.11 * trait, 0.05),
    ring: around(random, 1, 0.03 * trait, 0.02),
    nails: groomed ? random.uniform(0.25, 0.8) : random.uniform(0.02, 0.12),
    polish: groomed && random.next() < 0.65 ? random.pick(POLISH) : undefined,
    jewel: random.next() < 0.25,
    hairy: chance(random, trait, 0.9, 0.7),
  };
}
