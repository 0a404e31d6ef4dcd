/** The handwritten digits split, shuffled, moved about, and as tensors. */

import { pixels, select, side, type Digits } from "app-frame/digits";
import { tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";

/** Images and labels as tensors: float32 [n, 784], int32 [n]. */
export interface Batch {
  readonly images: Tensor;
  readonly labels: Tensor;
}

/** Digits in random order, the last `heldOut` of them apart. */
export function splitDigits(digits: Digits, key: random.Key, heldOut: number): { train: Digits; test: Digits } {
  const order = shuffled(key, digits.count);
  const cut = digits.count - heldOut;
  return { train: select(digits, order.subarray(0, cut)), test: select(digits, order.subarray(cut)) };
}

/** 0 … n − 1 in random order. */
export function shuffled(key: random.Key, n: number): Int32Array {
  return random.permutation(key, n).dataSync() as Int32Array;
}

export function asBatch({ count, images, labels }: Digits): Batch {
  return { images: tensor(images, { shape: [count, pixels] }), labels: tensor(labels) };
}

/** Each image moved by up to `reach` pixels across and down, at random: digits do not change their meaning with their place. */
export function jitter({ count, images, labels }: Digits, key: random.Key, reach = 1): Digits {
  const moves = random.randint(key, -reach, reach + 1, { shape: [count, 2] }).dataSync();
  const moved = new Float32Array(images.length);
  for (let i = 0; i < count; i++) {
    const [dx, dy] = [moves[2 * i], moves[2 * i + 1]];
    for (let row = Math.max(0, dy); row < side + Math.min(0, dy); row++) {
      const from = i * pixels + (row - dy) * side;
      const to = i * pixels + row * side;
      for (let column = Math.max(0, dx); column < side + Math.min(0, dx); column++) {
        moved[to + column] = images[from + column - dx];
      }
    }
  }
  return { count, images: moved, labels };
}
