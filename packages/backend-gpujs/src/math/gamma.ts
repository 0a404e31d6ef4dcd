/** log Γ and its derivative. */

import type { Definition } from "../source-functions.js";

export const gamma: readonly Definition[] = [
  // log Γ(½ + t)/((t − ½)(t − 3/2)), 0 ≤ t < 5/2.
  [
    "c_lgammaCentre",
    ["t"],
    `
  let p = 0.7631532572329335 + t * (4.672246175841777 + t * (11.19102756188774 + t * (13.337162493153363 + t * (8.334852754941274
    + t * (2.648111486492485 + t * (0.38257405508667464 + t * (0.01913578944596217 + t * (0.00009746716667002932 - t * 7.32011051382755e-7))))))));
  let q = 1.0 + t * (6.886145268256626 + t * (18.9835975907835 + t * (26.87352595701379 + t * (20.877719064900806
    + t * (8.848617529000803 + t * (1.9230584878587236 + t * (0.18615512208340537 + t * 0.005703006650822365)))))));
  return p / q;`,
  ],
  [
    "c_lgammaPositive",
    ["x"],
    `
  let y = x;
  let inside = 1.0;
  for (let i = 0; i < 5; i++) {
    if (y >= 3.0) { y = y - 1.0; inside = inside * y; }
  }
  if (x < 0.5 || x >= 8.0) { inside = x; }
  let l = c_log(inside);
  if (x >= 8.0) {
    let u = 1.0 / x;
    let z = u * u;
    let s = 0.0833333333333333 + z * (-0.0027777777776146844 + z * 0.0007936506685518719);
    return x * (l - 1.0) - (0.5 * l - (0.9189385332046727 + u * s));
  }
  let centre = y - 0.5;
  if (x < 0.5) { y = x + 1.0; centre = x + 0.5; l = -l; }
  return l + (y - 1.0) * (y - 2.0) * c_lgammaCentre(centre);`,
  ],
  // Below 1e-9 both sides are −log |x| to half a unit.
  [
    "c_lgamma",
    ["x"],
    `
  if (!(x > 0.0 || x <= 0.0)) { return x; }
  let a = Math.abs(x);
  if (a > 3.4028234663852886e38) { return a; }
  if (x <= 0.0 && Math.floor(a) === a) { let zero = a - a; return 1.0 / (zero * zero); }
  let p = c_lgammaPositive(a);
  if (x > 0.0 || a < 1e-9) { return p; }
  return c_log(3.1415927410125732 / (a * Math.abs(c_sinPi(a)))) - p;`,
  ],
  // ψ(1 + t) for 0 ≤ t < 2; the zero minus 1 is in two parts.
  [
    "c_digammaCentre",
    ["t"],
    `
  let p = 1.2503801375034054 + t * (1.9498456036594 + t * (1.084485810523111 + t * (0.26772612385290745 + t * (0.02898871122753205
    + t * (0.0011013106827647279 + t * (0.000003894284764409974 - t * 2.845133404891948e-8))))));
  let q = 1.0 + t * (2.242949068161724 + t * (1.7986939711386347 + t * (0.6652781785028306 + t * (0.11872575481766111
    + t * (0.009439619274774514 + t * 0.00024713153718790174)))));
  return ((t - 0.46163213253021240) - 0.00000001243814996) * (p / q);`,
  ],
  [
    "c_digammaPositive",
    ["x"],
    `
  if (x < 1.0) { return c_digammaCentre(x) - 1.0 / x; }
  if (x >= 8.0) {
    let u = 1.0 / x;
    let z = u * u;
    let s = 0.08333333333333288 + z * (-0.008333333331227035 + z * 0.003968252371965597);
    return c_log(x) - (0.5 * u + z * s);
  }
  let sum = 0.0;
  let y = x;
  for (let i = 0; i < 5; i++) {
    if (y >= 3.0) { y = y - 1.0; sum = sum + 1.0 / y; }
  }
  return sum + c_digammaCentre(y - 1.0);`,
  ],
  [
    "c_digamma",
    ["x"],
    `
  if (x > 0.0) { return c_digammaPositive(x); }
  if (x === 0.0) { return -1.0 / x; }
  let a = -x;
  if (!(Math.floor(a) < a)) { return (x - x) / (x - x); }
  let next = 0.0;
  if (a < 2.0) { next = c_digammaCentre(a); } else { next = c_digammaPositive(a) + 1.0 / a; }
  return next + 3.1415927410125732 * c_cotPi(a);`,
  ],
];
