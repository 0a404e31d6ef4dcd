/**
 * One pass of Stockham's self-sorting transform, for each radix.
 *
 * A pass of radix r reads x as [r, m, s] and writes y as [m, r, s] (row-major, n = r·m·s):
 * y[p, k, q] = w^(pk) Σ_j x[j, p, q]·e^(−2πijk/r), with w = e^(−2πi/(rm)); `w` holds w^(pk) at (r − 1)·p + k − 1.
 * Passes with s = 1, r₁, r₁r₂, … give the transform in natural order, so there is no bit reversal. Source: Van Loan,
 * Computational Frameworks for the Fast Fourier Transform (1992), §1.7.
 */

/** A vector of complex numbers. */
export interface Split {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

export interface Stage {
  readonly radix: number;
  readonly m: number;
  readonly s: number;
  readonly w: Split;
  /** For radices without a pass of their own. */
  readonly generic: Generic | null;
}

export interface Generic {
  /** e^(−2πik/r), k < r. */
  readonly roots: Split;
  /** Room for x_j + x_(r−j) and x_j − x_(r−j), j ≤ (r − 1)/2. */
  readonly sums: Split;
  readonly differences: Split;
}

const sin60 = 0.8660254037844386; // √3/2
const cos72 = 0.30901699437494745; // (√5 − 1)/4
const cos144 = -0.8090169943749475; // −(√5 + 1)/4
const sin72 = 0.9510565162951535;
const sin144 = 0.5877852522924731;

/** One pass from x (from index x0 on) to y (from y0 on). */
export function runStage(stage: Stage, x: Split, x0: number, y: Split, y0: number): void {
  const { radix, m, s, w } = stage;
  if (radix === 4) pass4(m, s, w.re, w.im, x.re, x.im, x0, y.re, y.im, y0);
  else if (radix === 2) pass2(m, s, w.re, w.im, x.re, x.im, x0, y.re, y.im, y0);
  else if (radix === 3) pass3(m, s, w.re, w.im, x.re, x.im, x0, y.re, y.im, y0);
  else if (radix === 5) pass5(m, s, w.re, w.im, x.re, x.im, x0, y.re, y.im, y0);
  else if (stage.generic !== null) passGeneric(stage, stage.generic, x, x0, y, y0);
}

type A = Float64Array;

function pass2(m: number, s: number, wr: A, wi: A, xr: A, xi: A, x0: number, yr: A, yi: A, y0: number): void {
  const half = m * s;
  for (let p = 0; p < m; p++) {
    const c = wr[p];
    const d = wi[p];
    const end = x0 + (p + 1) * s;
    for (let i = x0 + p * s, o = y0 + 2 * p * s; i < end; i++, o++) {
      const ar = xr[i];
      const ai = xi[i];
      const br = xr[i + half];
      const bi = xi[i + half];
      yr[o] = ar + br;
      yi[o] = ai + bi;
      const dr = ar - br;
      const di = ai - bi;
      yr[o + s] = dr * c - di * d;
      yi[o + s] = dr * d + di * c;
    }
  }
}

function pass3(m: number, s: number, wr: A, wi: A, xr: A, xi: A, x0: number, yr: A, yi: A, y0: number): void {
  const third = m * s;
  for (let p = 0; p < m; p++) {
    const c1 = wr[2 * p];
    const d1 = wi[2 * p];
    const c2 = wr[2 * p + 1];
    const d2 = wi[2 * p + 1];
    const end = x0 + (p + 1) * s;
    for (let i = x0 + p * s, o = y0 + 3 * p * s; i < end; i++, o++) {
      const ar = xr[i];
      const ai = xi[i];
      const br = xr[i + third];
      const bi = xi[i + third];
      const cr = xr[i + 2 * third];
      const ci = xi[i + 2 * third];
      const tr = br + cr;
      const ti = bi + ci;
      const ur = ar - 0.5 * tr;
      const ui = ai - 0.5 * ti;
      const vr = sin60 * (bi - ci); // −i·sin60·(b − c)
      const vi = sin60 * (cr - br);
      yr[o] = ar + tr;
      yi[o] = ai + ti;
      const er = ur + vr;
      const ei = ui + vi;
      yr[o + s] = er * c1 - ei * d1;
      yi[o + s] = er * d1 + ei * c1;
      const fr = ur - vr;
      const fi = ui - vi;
      yr[o + 2 * s] = fr * c2 - fi * d2;
      yi[o + 2 * s] = fr * d2 + fi * c2;
    }
  }
}

function pass4(m: number, s: number, wr: A, wi: A, xr: A, xi: A, x0: number, yr: A, yi: A, y0: number): void {
  const quarter = m * s;
  for (let p = 0; p < m; p++) {
    const c1 = wr[3 * p];
    const d1 = wi[3 * p];
    const c2 = wr[3 * p + 1];
    const d2 = wi[3 * p + 1];
    const c3 = wr[3 * p + 2];
    const d3 = wi[3 * p + 2];
    const end = x0 + (p + 1) * s;
    for (let i = x0 + p * s, o = y0 + 4 * p * s; i < end; i++, o++) {
      const ar = xr[i];
      const ai = xi[i];
      const br = xr[i + quarter];
      const bi = xi[i + quarter];
      const cr = xr[i + 2 * quarter];
      const ci = xi[i + 2 * quarter];
      const dr = xr[i + 3 * quarter];
      const di = xi[i + 3 * quarter];
      const sr = ar + cr;
      const si = ai + ci;
      const tr = ar - cr;
      const ti = ai - ci;
      const ur = br + dr;
      const ui = bi + di;
      const vr = bi - di; // −i·(b − d)
      const vi = dr - br;
      yr[o] = sr + ur;
      yi[o] = si + ui;
      const er = tr + vr;
      const ei = ti + vi;
      yr[o + s] = er * c1 - ei * d1;
      yi[o + s] = er * d1 + ei * c1;
      const fr = sr - ur;
      const fi = si - ui;
      yr[o + 2 * s] = fr * c2 - fi * d2;
      yi[o + 2 * s] = fr * d2 + fi * c2;
      const gr = tr - vr;
      const gi = ti - vi;
      yr[o + 3 * s] = gr * c3 - gi * d3;
      yi[o + 3 * s] = gr * d3 + gi * c3;
    }
  }
}

function pass5(m: number, s: number, wr: A, wi: A, xr: A, xi: A, x0: number, yr: A, yi: A, y0: number): void {
  const fifth = m * s;
  for (let p = 0; p < m; p++) {
    const t = 4 * p;
    const end = x0 + (p + 1) * s;
    for (let i = x0 + p * s, o = y0 + 5 * p * s; i < end; i++, o++) {
      const ar = xr[i];
      const ai = xi[i];
      const br = xr[i + fifth];
      const bi = xi[i + fifth];
      const cr = xr[i + 2 * fifth];
      const ci = xi[i + 2 * fifth];
      const dr = xr[i + 3 * fifth];
      const di = xi[i + 3 * fifth];
      const er = xr[i + 4 * fifth];
      const ei = xi[i + 4 * fifth];
      const s1r = br + er;
      const s1i = bi + ei;
      const s2r = cr + dr;
      const s2i = ci + di;
      const d1r = br - er;
      const d1i = bi - ei;
      const d2r = cr - dr;
      const d2i = ci - di;
      yr[o] = ar + s1r + s2r;
      yi[o] = ai + s1i + s2i;
      const ur = ar + (cos72 * s1r + cos144 * s2r);
      const ui = ai + (cos72 * s1i + cos144 * s2i);
      const vr = sin72 * d1i + sin144 * d2i; // −i·(sin72·d1 + sin144·d2)
      const vi = -(sin72 * d1r + sin144 * d2r);
      const pr = ar + (cos144 * s1r + cos72 * s2r);
      const pi = ai + (cos144 * s1i + cos72 * s2i);
      const qr = sin144 * d1i - sin72 * d2i;
      const qi = sin72 * d2r - sin144 * d1r;
      const k1r = ur + vr;
      const k1i = ui + vi;
      yr[o + s] = k1r * wr[t] - k1i * wi[t];
      yi[o + s] = k1r * wi[t] + k1i * wr[t];
      const k2r = pr + qr;
      const k2i = pi + qi;
      yr[o + 2 * s] = k2r * wr[t + 1] - k2i * wi[t + 1];
      yi[o + 2 * s] = k2r * wi[t + 1] + k2i * wr[t + 1];
      const k3r = pr - qr;
      const k3i = pi - qi;
      yr[o + 3 * s] = k3r * wr[t + 2] - k3i * wi[t + 2];
      yi[o + 3 * s] = k3r * wi[t + 2] + k3i * wr[t + 2];
      const k4r = ur - vr;
      const k4i = ui - vi;
      yr[o + 4 * s] = k4r * wr[t + 3] - k4i * wi[t + 3];
      yi[o + 4 * s] = k4r * wi[t + 3] + k4i * wr[t + 3];
    }
  }
}

/** Any odd radix r in r² operations: the pairs x_j ± x_(r−j) halve the products. */
function passGeneric(stage: Stage, generic: Generic, x: Split, x0: number, y: Split, y0: number): void {
  const { radix: r, m, s, w } = stage;
  const { roots } = generic;
  const { re: sumRe, im: sumIm } = generic.sums;
  const { re: differenceRe, im: differenceIm } = generic.differences;
  const { re: xr, im: xi } = x;
  const { re: yr, im: yi } = y;
  const step = m * s;
  const half = (r - 1) / 2;
  for (let p = 0; p < m; p++) {
    for (let q = 0; q < s; q++) {
      const i = x0 + p * s + q;
      const o = y0 + r * p * s + q;
      const ar = xr[i];
      const ai = xi[i];
      let totalRe = ar;
      let totalIm = ai;
      for (let j = 0; j < half; j++) {
        const a = i + (j + 1) * step;
        const b = i + (r - 1 - j) * step;
        totalRe += sumRe[j] = xr[a] + xr[b];
        totalIm += sumIm[j] = xi[a] + xi[b];
        differenceRe[j] = xr[a] - xr[b];
        differenceIm[j] = xi[a] - xi[b];
      }
      yr[o] = totalRe;
      yi[o] = totalIm;
      for (let k = 1; k <= half; k++) {
        let cr = ar;
        let ci = ai;
        let dr = 0;
        let di = 0;
        for (let j = 0, at = k; j < half; j++, at = at + k >= r ? at + k - r : at + k) {
          const c = roots.re[at];
          const d = roots.im[at];
          cr += c * sumRe[j];
          ci += c * sumIm[j];
          dr -= d * differenceIm[j]; // i·d·difference
          di += d * differenceRe[j];
        }
        const t = (r - 1) * p + k - 1;
        const u = (r - 1) * p + r - k - 1;
        const er = cr + dr;
        const ei = ci + di;
        yr[o + k * s] = er * w.re[t] - ei * w.im[t];
        yi[o + k * s] = er * w.im[t] + ei * w.re[t];
        const fr = cr - dr;
        const fi = ci - di;
        yr[o + (r - k) * s] = fr * w.re[u] - fi * w.im[u];
        yi[o + (r - k) * s] = fr * w.im[u] + fi * w.re[u];
      }
    }
  }
}
