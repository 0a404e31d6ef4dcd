/** Grey images as rows of pixels. */

import { DomainError, DTypeError, isFloat, isTensor, ShapeError, type Tensor } from "@curv/tensor";

/** Images as [n, h·w], with their sides. Refuses labels that are no digits, and other numbers of labels than of images. */
export function imagesAsPixels(
  images: Tensor,
  labels: ArrayLike<number>,
  caller: string,
): { readonly pixels: Tensor; readonly height: number; readonly width: number } {
  if (!isTensor(images) || !isFloat(images.dtype)) {
    throw new DTypeError(
      `${caller}: images are ${isTensor(images) ? images.dtype : typeof images}; wants float32 or float64.`,
    );
  }
  const n = images.shape[0];
  const side = Math.sqrt(images.shape[1]);
  if (images.size === 0 || (images.rank !== 3 && !(images.rank === 2 && Number.isInteger(side)))) {
    throw new ShapeError(
      `${caller}: images have shape [${images.shape.join(", ")}]; wants [n, h, w], or [n, h·h] for square ones.`,
    );
  }
  const [height, width] = images.rank === 3 ? images.shape.slice(1) : [side, side];
  if (labels.length !== n) throw new ShapeError(`${caller}: ${n} images, but ${labels.length} labels.`);
  for (let i = 0; i < n; i++) {
    if (Number.isInteger(labels[i]) && labels[i] >= 0 && labels[i] <= 9) continue;
    throw new DomainError(`${caller}: labels[${i}] is ${labels[i]}; wants a digit, 0 to 9.`);
  }
  return { pixels: images.reshape(n, height * width), height, width };
}

/** Rows of pixels as images, [n, h, w]. */
export function grid(pixels: Tensor, height: number, width: number): Tensor {
  return pixels.reshape(pixels.shape[0], height, width);
}
