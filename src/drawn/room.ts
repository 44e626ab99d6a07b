// The room behind a drawn person: wall, and a few things on it.
import type { Random } from "../core/random.ts";
import { curve, el, ellipse, hex, mix, path, type Rgb, stroke } from "./svg.ts";

const WALLS: readonly Rgb[] = [
  [222, 214, 200],
  [190, 202, 208],
  [168, 186, 170],
  [206, 180, 164],
  [120, 128, 140],
  [232, 230, 226],
  [148, 120, 108],
];

/** Background of a 384 x 512 frame. */
export function drawRoom(random: Random): string {
  const wall = random.pick(WALLS);
  const stop = (offset: number, color: Rgb) => el("stop", { offset, "stop-color": hex(color) });
  const shade = el(
    "linearGradient",
    { id: "wall", x1: 0, y1: 0, x2: random.uniform(0, 1), y2: 1 },
    stop(0, mix(wall, [255, 255, 255], 0.2)) + stop(1, mix(wall, [0, 0, 0], random.uniform(0.1, 0.4))),
  );
  const things = random
    .shuffle([drawWindow, drawPicture, drawShelf, drawPlant, drawDoor])
    .slice(0, 1 + random.int(3));
  const spots = random.shuffle([0, 130, 258]);
  return [
    el("defs", {}, shade),
    el("rect", { width: 384, height: 512, fill: "url(#wall)" }),
    ...things.map((thing, i) =>
      el("g", { transform: `translate(${spots[i]} 0)` }, thing(random.split("thing", i))),
    ),
  ].join("");
}

function anyColor(random: Random, lightness = 1): Rgb {
  return [0, 1, 2].map(() => lightness * random.uniform(40, 230)) as unknown as Rgb;
}

function drawWindow(random: Random): string {
  const [w, h, y] = [random.uniform(80, 130), random.uniform(120, 220), random.uniform(10, 60)];
  const sky = mix([170, 210, 245], [250, 230, 190], random.next());
  const bars = { stroke: "#f4f2ee", "stroke-width": 5 };
  return [
    el("rect", { x: 0, y, width: w, height: h, fill: hex(sky), ...bars }),
    el("path", { d: `M${w / 2} ${y}V${y + h}M0 ${y + h / 2}H${w}`, ...bars }),
  ].join("");
}

function drawPicture(random: Random): string {
  const [w, h, y] = [random.uniform(50, 100), random.uniform(50, 110), random.uniform(20, 120)];
  const frame = hex(anyColor(random, 0.6));
  return [
    el("rect", {
      x: 10,
      y,
      width: w,
      height: h,
      fill: hex(anyColor(random)),
      stroke: frame,
      "stroke-width": 5,
    }),
    ellipse([10 + w * random.uniform(0.3, 0.7), y + h * 0.5], w * 0.22, h * 0.2, {
      fill: hex(anyColor(random)),
    }),
  ].join("");
}

function drawShelf(random: Random): string {
  const y = random.uniform(70, 190);
  const parts = [el("rect", { x: 0, y, width: 125, height: 7, fill: "#6d4a30" })];
  for (let x = 4; x < 112; ) {
    const [w, h] = [random.uniform(6, 15), random.uniform(28, 52)];
    parts.push(el("rect", { x, y: y - h, width: w, height: h, fill: hex(anyColor(random, 0.9)) }));
    x += w + 1;
  }
  return parts.join("");
}

function drawPlant(random: Random): string {
  const top = random.uniform(170, 260);
  const green = mix([40, 92, 48], [110, 140, 60], random.next());
  const leaves = Array.from({ length: 9 }, (_, i) => {
    const lean = (i - 4) * random.uniform(9, 15);
    const tip = top + Math.abs(i - 4) * 16;
    return stroke(
      curve([
        [62, 400],
        [62 + lean * 0.4, (tip + 400) / 2],
        [62 + lean, tip],
      ]),
      hex(mix(green, [0, 0, 0], i % 2 ? 0.2 : 0)),
      10,
    );
  });
  return leaves.join("") + path("M38 400H86L80 470H44Z", { fill: "#a8603c" });
}

function drawDoor(random: Random): string {
  const wood = mix([140, 96, 60], [235, 232, 224], random.next());
  const edge = hex(mix(wood, [0, 0, 0], 0.4));
  return [
    el("rect", { x: 8, y: 40, width: 110, height: 480, fill: hex(wood), stroke: edge, "stroke-width": 4 }),
    el("rect", { x: 26, y: 70, width: 74, height: 150, fill: "none", stroke: edge, "stroke-width": 2.5 }),
    ellipse([22, 300], 5, 5, { fill: "#c9a24a" }),
  ].join("");
}
