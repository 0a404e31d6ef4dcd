/** Pictures in memory. */

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and alpha of each pixel, row after row; sRGB, 8 bits each. */
  readonly data: Uint8Array;
}

/** Whether some pixel is not opaque. */
export function hasAlpha({ data }: Picture): boolean {
  for (let k = 3; k < data.length; k += 4) if (data[k] !== 255) return true;
  return false;
}

/** A picture that is at most `side` pixels wide and high: means of the pixels, weighted by their alpha. */
export function reduced(picture: Picture, side: number): Picture {
  const { width, height, data } = picture;
  const scale = Math.min(1, side / Math.max(width, height));
  if (scale === 1) return picture;
  const [w, h] = [width, height].map((length) => Math.max(1, Math.round(length * scale)));
  const sums = new Float64Array(4 * w * h);
  const counts = new Float64Array(w * h);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * h) / height) * w;
    for (let x = 0; x < width; x++) {
      const to = row + Math.floor((x * w) / width);
      const from = 4 * (y * width + x);
      const alpha = data[from + 3];
      for (let c = 0; c < 3; c++) sums[4 * to + c] += alpha * data[from + c];
      sums[4 * to + 3] += alpha;
      counts[to]++;
    }
  }
  const small = new Uint8Array(4 * w * h);
  for (let k = 0; k < w * h; k++) {
    const alpha = sums[4 * k + 3];
    for (let c = 0; c < 3; c++) small[4 * k + c] = alpha === 0 ? 0 : Math.round(sums[4 * k + c] / alpha);
    small[4 * k + 3] = Math.round(alpha / counts[k]);
  }
  return { width: w, height: h, data: small };
}
