/** Coloured digits: a colour that tells more about the label than the shape does, until its meaning changes. */

import { expectOptions, expectArguments } from "@curv/linsolve";
import { DomainError, ShapeError, stack, tensor, where, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import type { Environment } from "./environment.js";
import { grid, imagesAsPixels } from "./images.js";

/** Options of {@link coloredDigits}. */
export interface ColoredDigitsOptions {
  /** Of the flips. The same key gives the same environment. */
  readonly key: random.Key;
  /** Probability e with which the colour is not the label. The paper trains on 0.2 and 0.1, and tests on 0.9. */
  readonly colorFlip: number;
  /** Probability with which the label is not that of the digit. Default 0.25. */
  readonly labelFlip?: number;
  /** Both channels show the digit: the environment without the shortcut. Default false. */
  readonly grayscale?: boolean;
}

/** Coloured digits with what is known of how they were made. */
export interface ColoredDigits extends Environment {
  /** [n, 2 · (h/2) · (w/2)], channel after channel. */
  readonly x: Tensor;
  /** Labels after the flips, 0 or 1, of x's dtype [n]. */
  readonly y: Tensor;
  /** Channel that shows the digit, 0 or 1, int32 [n]. */
  readonly color: Tensor;
}

/**
 * Binary labels from digits with noise, and a colour that agrees with the label with probability 1 − e. The label is [digit < 5], flipped
 * with probability `labelFlip`; the colour is the label, flipped with probability `colorFlip`. Images are sub-sampled by 2 and stand in the
 * channel of their colour; the other channel is zero.
 *
 * Only the shape has the same relation to the label in all environments, and it reaches 1 − `labelFlip` at most.
 *
 * @param images - Grey values, [n, h, w] or [n, h·w] of square images, float. h and w even.
 * @param labels - The digits, 0 to 9, one for each image.
 * @throws ShapeError for images that do not fit; DomainError for a probability outside [0, 1], or labels that are no digits.
 * Source: Arjovsky et al. (2019), section 5.2, and the scripts of Hemati et al. (2023).
 */
export function coloredDigits(images: Tensor, labels: ArrayLike<number>, options: ColoredDigitsOptions): ColoredDigits {
  expectArguments("coloredDigits", { labels: [labels, "numbers"] });
  expectOptions("coloredDigits", options, { colorFlip: "number", labelFlip: "number" });
  const { key, colorFlip, labelFlip = 0.25, grayscale = false } = options;
  expectArguments("coloredDigits", { "options.key": [key, "key"] });
  const { pixels, height, width } = imagesAsPixels(images, labels, "coloredDigits");
  checkProbability(colorFlip, "colorFlip");
  checkProbability(labelFlip, "labelFlip");
  if (height % 2 !== 0 || width % 2 !== 0) {
    throw new ShapeError(`coloredDigits: images are ${height} × ${width}; wants even sides.`);
  }
  const n = labels.length;
  const [labelKey, colorKey] = random.split(key);
  const flips = (k: random.Key, p: number): Tensor => random.bernoulli(k, p, { shape: [n] }).cast("int32");
  const xor = (a: Tensor, b: Tensor): Tensor => a.notEqual(b).cast("int32");
  const shape = tensor(Int32Array.from({ length: n }, (_, i) => (labels[i] < 5 ? 1 : 0)));
  const y = xor(shape, flips(labelKey, labelFlip));
  const color = xor(y, flips(colorKey, colorFlip));

  const small = grid(pixels, height, width).slice(null, [0, height, 2], [0, width, 2]).reshape(n, -1);
  const shown = (channel: number): Tensor => (grayscale ? small : where(color.equal(channel).expandDims(1), small, 0));
  return { x: stack([shown(0), shown(1)], 1).reshape(n, -1), y: y.cast(pixels.dtype), color };
}

/** Options of {@link imbalancedSplit}. */
export interface ImbalancedSplitOptions {
  /** Of the order. */
  readonly key: random.Key;
  /** Share of the digits below 5 that the first part gets; it gets the rest's share of the others. Default 0.97. */
  readonly share?: number;
}

/**
 * Places of digits in two parts with different shares of labels: the first gets 97 % of the digits below 5 and 3 % of the others, the second
 * the rest.
 *
 * (The authors' script means the same, but counts its shares in all digits, so that its second environment has none below 5.)
 *
 * @throws DomainError for a share outside (0, 1), or a part that would be empty.
 * Source: the label-shift experiment of Hemati et al. (2023).
 */
export function imbalancedSplit(
  labels: ArrayLike<number>,
  options: ImbalancedSplitOptions,
): readonly [first: Int32Array, second: Int32Array] {
  expectArguments("imbalancedSplit", { labels: [labels, "numbers"] });
  expectOptions("imbalancedSplit", options, { share: "number" });
  const { key, share = 0.97 } = options;
  expectArguments("imbalancedSplit", { "options.key": [key, "key"] });
  if (!(share > 0 && share < 1)) throw new DomainError(`imbalancedSplit: share is ${share}; wants a number in (0, 1).`);
  const order = random.permutation(key, labels.length).dataSync();
  const places = Array.from(order);
  const [low, high] = [places.filter((i) => labels[i] < 5), places.filter((i) => labels[i] >= 5)];
  const [a, b] = [Math.round(share * low.length), Math.round((1 - share) * high.length)];
  const parts = [
    [...low.slice(0, a), ...high.slice(0, b)],
    [...low.slice(a), ...high.slice(b)],
  ];
  if (parts.some((part) => part.length === 0)) {
    throw new DomainError(`imbalancedSplit: the ${labels.length} labels with share ${share} leave a part empty.`);
  }
  return [Int32Array.from(parts[0]), Int32Array.from(parts[1])];
}

function checkProbability(p: number, name: string): void {
  if (p >= 0 && p <= 1) return;
  throw new DomainError(`coloredDigits: ${name} is ${String(p)}; wants a probability.`);
}
