/** Oklab: colours as points whose distances are about those that the eye sees. */

/** Linear light to the cone responses, and their cube roots to lightness and the two colour axes. */
const toCones = [
  [0.4122214708, 0.5363325363, 0.0514459929],
  [0.2119034982, 0.6806995451, 0.1073969566],
  [0.0883024619, 0.2817188376, 0.6299787005],
];
const toLab = [
  [0.2104542553, 0.793617785, -0.0040720468],
  [1.9779984951, -2.428592205, 0.4505937099],
  [0.0259040371, 0.7827717662, -0.808675766],
];
const fromLab = [
  [1, 0.3963377774, 0.2158037573],
  [1, -0.1055613458, -0.0638541728],
  [1, -0.0894841775, -1.291485548],
];
const fromCones = [
  [4.0767416621, -3.3077115913, 0.2309699292],
  [-1.2684380046, 2.6097574011, -0.3413193965],
  [-0.0041960863, -0.7034186147, 1.707614701],
];

type Triple = readonly [number, number, number];

function times(matrix: readonly (readonly number[])[], [x, y, z]: Triple): [number, number, number] {
  const row = ([a, b, c]: readonly number[]): number => a * x + b * y + c * z;
  return [row(matrix[0]), row(matrix[1]), row(matrix[2])];
}

const linear = Float64Array.from({ length: 256 }, (_, k) => {
  const s = k / 255;
  return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
});

function gamma(light: number): number {
  const s = light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055;
  return Math.round(255 * Math.min(1, Math.max(0, s)));
}

/**
 * Lightness in [0, 1], green to red, blue to yellow.
 *
 * @param red - 0 … 255, sRGB, like green and blue.
 * Source: B. Ottosson, A perceptual color space for image processing (2020).
 */
export function toOklab(red: number, green: number, blue: number): [number, number, number] {
  const [l, m, s] = times(toCones, [linear[red], linear[green], linear[blue]]);
  return times(toLab, [Math.cbrt(l), Math.cbrt(m), Math.cbrt(s)]);
}

/** The nearest 8-bit sRGB colour; what lies outside is cut off channel by channel. */
export function fromOklab(lightness: number, a: number, b: number): [number, number, number] {
  const [l, m, s] = times(fromLab, [lightness, a, b]);
  const [red, green, blue] = times(fromCones, [l ** 3, m ** 3, s ** 3]);
  return [gamma(red), gamma(green), gamma(blue)];
}
