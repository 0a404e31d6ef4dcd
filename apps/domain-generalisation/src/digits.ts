/** The handwritten digits in an order of a key's, and as a tensor of images. */

import { loadDigits, select, side, type Digits } from "app-frame/digits";
import { tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";

/** All digits, in an order that the key decides. */
export async function shuffledDigits(key: random.Key): Promise<Digits> {
  const digits = await loadDigits();
  return select(digits, random.permutation(key, digits.count).dataSync());
}

/** The images as a tensor, [n, 28, 28]. */
export function asImages({ count, images }: Digits): Tensor {
  return tensor(images, { shape: [count, side, side] });
}
