/** Cameras store pictures as the sensor saw them, and say in the EXIF data how to turn them. */

import type { Picture } from "./picture.js";

const orientationTag = 0x0112;

/**
 * The orientation 1 … 8 that EXIF data name; 1, upright, where they name none.
 *
 * @param exif - A TIFF header with its directory; the decoder may leave bytes of 0 in front.
 * Source: EXIF 2.32, §4.6.4.
 */
export function orientationOf(exif: Uint8Array): number {
  const start = exif.findIndex((byte) => byte !== 0);
  if (start === -1 || exif.length < start + 14) return 1;
  const view = new DataView(exif.buffer, exif.byteOffset + start, exif.byteLength - start);
  const little = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > view.byteLength) return 1;
  const entries = view.getUint16(directory, little);
  for (let k = 0; k < entries; k++) {
    const entry = directory + 2 + 12 * k;
    if (entry + 12 > view.byteLength) return 1;
    if (view.getUint16(entry, little) !== orientationTag) continue;
    const value = view.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/** The picture turned and mirrored so that it stands upright. */
export function upright(picture: Picture, orientation: number): Picture {
  if (orientation === 1) return picture;
  const { width, height, data } = picture;
  const isTurned = orientation >= 5;
  const [w, h] = isTurned ? [height, width] : [width, height];
  const source = new Uint32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
  const out = new Uint32Array(w * h);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      // Where the pixel comes from: exchange of the axes first, then mirrors of the stored picture.
      const [u, v] = isTurned ? [y, x] : [x, y];
      const mirrorX = [2, 3, 7, 8].includes(orientation);
      const mirrorY = [3, 4, 6, 7].includes(orientation);
      out[y * w + x] = source[(mirrorY ? height - 1 - v : v) * width + (mirrorX ? width - 1 - u : u)];
    }
  }
  return { width: w, height: h, data: new Uint8Array(out.buffer) };
}
