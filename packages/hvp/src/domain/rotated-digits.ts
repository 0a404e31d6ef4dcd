/** Rotated digits: the environments differ in how the digits are turned. */

import { expectArguments } from "@curv/linsolve";
import { DomainError, take, tensor, type Tensor } from "@curv/tensor";
import type { Environment } from "./environment.js";
import { imagesAsPixels } from "./images.js";

/** Options of {@link rotatedDigits}. */
export interface RotatedDigitsOptions {
  /** Angle, counter-clockwise. The paper's benchmark has 0, 15, 30, 45, 60, 75. */
  readonly degrees: number;
}

/**
 * Digits turned about the centre of their images, with bilinear interpolation and zeros from outside, and their labels 0 to 9.
 *
 * @param images - Grey values, [n, h, w] or [n, h·w] of square images, float.
 * @param labels - The digits, one for each image.
 * @returns x of shape [n, h·w], y int32 [n].
 * @throws ShapeError for images that do not fit; DomainError for an angle that is not finite, or labels that are no digits.
 * Source: Ghifary et al. (2015), RotatedMNIST; as in DomainBed (Gulrajani & Lopez-Paz, 2021).
 */
export function rotatedDigits(images: Tensor, labels: ArrayLike<number>, options: RotatedDigitsOptions): Environment {
  expectArguments("rotatedDigits", { labels: [labels, "numbers"], options: [options, "options"] });
  const { degrees } = options;
  const { pixels, height, width } = imagesAsPixels(images, labels, "rotatedDigits");
  if (!Number.isFinite(degrees)) throw new DomainError(`rotatedDigits: degrees is ${degrees}; wants a finite number.`);
  const corners = sources(height, width, (degrees * Math.PI) / 180);
  const parts = corners.map(({ places, weights }) =>
    take(pixels, tensor(places), 1).mul(tensor(weights, { dtype: pixels.dtype })),
  );
  return { x: parts.reduce((a, b) => a.add(b)), y: tensor(Int32Array.from(labels)) };
}

/** For each pixel of the turned image the four of the original that it is interpolated from. */
function sources(
  height: number,
  width: number,
  angle: number,
): readonly { readonly places: Int32Array; readonly weights: Float64Array }[] {
  const corners = [0, 1, 2, 3].map(() => ({
    places: new Int32Array(height * width),
    weights: new Float64Array(height * width),
  }));
  // Exact for multiples of a right angle.
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)].map((v) => (Math.abs(v) < 1e-15 ? 0 : v));
  const [middleRow, middleColumn] = [(height - 1) / 2, (width - 1) / 2];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      // Back along the turn; rows count downwards.
      const [dx, dy] = [column - middleColumn, middleRow - row];
      const fromColumn = middleColumn + cos * dx + sin * dy;
      const fromRow = middleRow - (cos * dy - sin * dx);
      const [top, left] = [Math.floor(fromRow), Math.floor(fromColumn)];
      const [down, right] = [fromRow - top, fromColumn - left];
      const at = row * width + column;
      corners.forEach(({ places, weights }, corner) => {
        const [below, beside] = [corner >> 1, corner & 1];
        const [r, c] = [top + below, left + beside];
        if (r < 0 || r >= height || c < 0 || c >= width) return;
        places[at] = r * width + c;
        weights[at] = (below === 1 ? down : 1 - down) * (beside === 1 ? right : 1 - right);
      });
    }
  }
  return corners;
}
