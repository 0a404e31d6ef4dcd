/** Two generated landscapes, for those who give no pictures: noon in the hills, and dusk. */

import * as random from "@curv/tensor/random";
import type { Picture } from "./picture.js";

type Rgb = readonly [number, number, number];

interface Scene {
  /** Colours of the sky, from top to horizon. */
  readonly sky: readonly Rgb[];
  readonly sun: { readonly x: number; readonly y: number; readonly radius: number; readonly colour: Rgb };
  /** Ridges from far to near. */
  readonly ridges: readonly { readonly top: number; readonly height: number; readonly colours: readonly [Rgb, Rgb] }[];
}

const noon: Scene = {
  sky: [
    [64, 130, 205],
    [128, 182, 230],
    [214, 232, 242],
  ],
  sun: { x: 0.8, y: 0.14, radius: 0.05, colour: [255, 252, 235] },
  ridges: [
    { top: 0.5, height: 0.12, colours: [[128, 158, 178], [150, 178, 180]] }, // prettier-ignore
    { top: 0.62, height: 0.1, colours: [[92, 136, 98], [120, 160, 92]] }, // prettier-ignore
    { top: 0.75, height: 0.07, colours: [[70, 118, 52], [122, 158, 60]] }, // prettier-ignore
    { top: 0.9, height: 0.05, colours: [[52, 88, 36], [150, 150, 66]] }, // prettier-ignore
  ],
};

const dusk: Scene = {
  sky: [
    [38, 34, 84],
    [128, 62, 118],
    [238, 122, 84],
    [255, 202, 112],
  ],
  sun: { x: 0.3, y: 0.44, radius: 0.07, colour: [255, 236, 170] },
  ridges: [
    { top: 0.56, height: 0.16, colours: [[150, 78, 112], [196, 100, 100]] }, // prettier-ignore
    { top: 0.7, height: 0.1, colours: [[92, 46, 88], [128, 60, 84]] }, // prettier-ignore
    { top: 0.84, height: 0.08, colours: [[44, 26, 58], [70, 36, 60]] }, // prettier-ignore
  ],
};

/** The pair, `width` pixels wide and two thirds as high. The key decides ridges and grain. */
export function scenes(key: random.Key, width: number): { source: Picture; target: Picture } {
  const [first, second] = random.split(key, 2);
  return { source: paint(noon, first, width), target: paint(dusk, second, width) };
}

function paint({ sky, sun, ridges }: Scene, key: random.Key, width: number): Picture {
  const height = Math.round((2 * width) / 3);
  const [grainKey, ...ridgeKeys] = random.split(key, ridges.length + 1);
  const grain = random.normal(grainKey, { shape: [height * width], dtype: "float64" }).dataSync();
  const lines = ridges.map(({ top, height: tall }, k) => ridgeLine(ridgeKeys[k], width, top, tall));
  const data = new Uint8Array(4 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = [x / width, y / height];
      // The nearest ridge hides those behind it.
      const k = lines.findLastIndex((line) => v >= line[x]);
      const colour =
        k === -1 ? skyColour(sky, sun, u, v) : mix(...ridges[k].colours, Math.min(1, 5 * (v - lines[k][x])));
      const shade = (k === -1 ? 2 : 7) * grain[y * width + x];
      const at = 4 * (y * width + x);
      for (let c = 0; c < 3; c++) data[at + c] = Math.min(255, Math.max(0, Math.round(colour[c] + shade)));
      data[at + 3] = 255;
    }
  }
  return { width, height, data };
}

/** A sum of waves whose heights fall with their frequency. */
function ridgeLine(key: random.Key, width: number, top: number, height: number): Float64Array {
  const waves = 12;
  const [phases, heights] = random
    .split(key, 2)
    .map((k) => random.uniform(k, { shape: [waves], dtype: "float64" }).dataSync());
  return Float64Array.from({ length: width }, (_, x) => {
    let sum = 0;
    for (let k = 0; k < waves; k++) {
      sum += ((heights[k] + 0.5) * Math.sin(2 * Math.PI * (phases[k] + (1 + k) * 0.9 * (x / width)))) / (1 + k) ** 1.2;
    }
    return top + (height * sum) / 2;
  });
}

function skyColour(sky: Scene["sky"], { x, y, radius, colour }: Scene["sun"], u: number, v: number): Rgb {
  const at = Math.min(0.999, v / 0.65) * (sky.length - 1);
  const below = Math.floor(at);
  const ground = mix(sky[below], sky[below + 1], at - below);
  const distance = Math.hypot(u - x, (v - y) / 1.5) / radius;
  return mix(ground, colour, distance < 1 ? 1 : Math.exp(1 - distance) * 0.7);
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  return [0, 1, 2].map((c) => from[c] + share * (to[c] - from[c])) as unknown as Rgb;
}
