"""Fits the polynomials and rational functions of src/cpu/math: Remez exchange in 50 digits, then rounding.

    python fit-minimax.py            # every fit of the table at the end
    python fit-minimax.py asin64     # one of them

A fit approximates g(t) on [lo, hi] by P(t) or P(t)/Q(t), Q(0) = 1, and minimises max |w(t)·(g(t) - fit(t))|, where the
weight w turns an error of g into a relative error of the function that g belongs to. Coefficients are printed lowest
power first, already rounded to the precision that they are used in; to keep the rounding from spoiling the fit, they
are rounded one at a time, lowest power first, and the others are fitted again after each.

The exchange runs on a grid of Chebyshev points, dense enough that the maximum between two points is nowhere seen.
Needs mpmath only.
"""

import struct
import sys
from dataclasses import dataclass
from typing import Callable

import mpmath as mp

mp.mp.dps = 50
GRID = 1200


@dataclass
class Fit:
    """What to fit; `degree` of P, `denominator` the degree of Q (0: a polynomial)."""

    g: Callable
    weight: Callable
    lo: object
    hi: object
    degree: int
    bits: int
    denominator: int = 0


def rounded(x, bits: int):
    """x to the nearest float64 or float32."""
    y = float(x)
    return mp.mpf(y if bits == 53 else struct.unpack("f", struct.pack("f", y))[0])


def horner(c, t):
    y = mp.mpf(0)
    for a in reversed(c):
        y = y * t + a
    return y


class Exchange:
    """Remez's second algorithm on a grid, with some coefficients of P and Q held fixed."""

    def __init__(self, fit: Fit):
        lo, hi = mp.mpf(fit.lo), mp.mpf(fit.hi)
        self.fit = fit
        self.t = [(lo + hi) / 2 - (hi - lo) / 2 * mp.cos(mp.pi * (i + mp.mpf(1) / 2) / GRID) for i in range(GRID)]
        self.g = [mp.mpf(fit.g(t)) for t in self.t]
        self.w = [mp.mpf(fit.weight(t)) for t in self.t]

    def error(self, p, q):
        return [w * (horner(p, t) / horner(q, t) - g) for t, g, w in zip(self.t, self.g, self.w)]

    def worst(self, p, q):
        return max(abs(v) for v in self.error(p, q))

    def unknowns(self, fixed_p, fixed_q):
        free_p = [j for j in range(self.fit.degree + 1) if j not in fixed_p]
        free_q = [j for j in range(1, self.fit.denominator + 1) if j not in fixed_q]
        return free_p, free_q

    def assemble(self, x, free_p, free_q, fixed_p, fixed_q):
        p = [fixed_p.get(j, mp.mpf(0)) for j in range(self.fit.degree + 1)]
        q = [mp.mpf(1)] + [fixed_q.get(j, mp.mpf(0)) for j in range(1, self.fit.denominator + 1)]
        for col, j in enumerate(free_p):
            p[j] = x[col]
        for col, j in enumerate(free_q):
            q[j] = x[len(free_p) + col]
        return p, q

    def row(self, i, target, free_p, free_q, fixed_p, fixed_q):
        """P(t_i) - target·Q(t_i) = 0 as a linear equation in the free coefficients."""
        t = self.t[i]
        left = [t**j for j in free_p] + [-target * t**j for j in free_q]
        right = target * (1 + sum(c * t**j for j, c in fixed_q.items())) - sum(c * t**j for j, c in fixed_p.items())
        return left, right

    def least_squares(self, fixed_p, fixed_q):
        """A start: least squares of w·(P - g·Q)/Q_before (Sanathanan and Koerner) with Lawson's weights."""
        free_p, free_q = self.unknowns(fixed_p, fixed_q)
        n = len(free_p) + len(free_q)
        points = range(0, GRID, 8)
        rows = [self.row(i, self.g[i], free_p, free_q, fixed_p, fixed_q) for i in points]
        q_before = [mp.mpf(1)] * len(rows)
        lawson = [mp.mpf(1)] * len(rows)
        best = None
        for _ in range(16 if free_q else 1):
            a, b = mp.matrix(n, n), mp.matrix(n, 1)
            for k, (left, right) in enumerate(rows):
                v = lawson[k] * (self.w[8 * k] / q_before[k]) ** 2
                for r in range(n):
                    b[r] += v * left[r] * right
                    for c in range(r + 1):
                        a[r, c] += v * left[r] * left[c]
            for r in range(n):
                for c in range(r):
                    a[c, r] = a[r, c]
            p, q = self.assemble(mp.lu_solve(a, b), free_p, free_q, fixed_p, fixed_q)
            error = self.worst(p, q)
            if best is None or error < best[0]:
                best = (error, p, q)
            q_before = [horner(q, self.t[i]) for i in points]
            e = [abs(self.w[i] * (horner(p, self.t[i]) / horner(q, self.t[i]) - self.g[i])) for i in points]
            mean = sum(e) / len(e)
            lawson = [u * (x / mean + mp.mpf("0.01")) for u, x in zip(lawson, e)]
        return best

    def solve(self, fixed_p, fixed_q):
        """(largest error, P, Q): the best that was seen."""
        free_p, free_q = self.unknowns(fixed_p, fixed_q)
        count = len(free_p) + len(free_q) + 1
        if count == 1:
            p, q = self.assemble([], [], [], fixed_p, fixed_q)
            return self.worst(p, q), p, q
        best = self.least_squares(fixed_p, fixed_q)
        for _ in range(40):
            error, p, q = best
            e = self.error(p, q)
            peaks = alternating_peaks(e)
            if len(peaks) < count:
                break
            reference = choose(peaks, e, count)
            level = sum(abs(e[i]) for i in reference) / count
            first = 1 if e[reference[0]] > 0 else -1
            # With a denominator the levelled equation is not linear: its right side keeps the level of the last round.
            for _ in range(8 if free_q else 1):
                a, b = mp.matrix(count, count), mp.matrix(count, 1)
                for r, i in enumerate(reference):
                    sign = first * (1 if r % 2 == 0 else -1)
                    target = self.g[i] + (sign * level / self.w[i] if free_q else 0)
                    left, b[r] = self.row(i, target, free_p, free_q, fixed_p, fixed_q)
                    for c, v in enumerate(left):
                        a[r, c] = v
                    a[r, count - 1] = -sign / self.w[i] * (horner(q, self.t[i]) if free_q else 1)
                x = mp.lu_solve(a, b)
                p, q = self.assemble(x, free_p, free_q, fixed_p, fixed_q)
                level += x[count - 1] if free_q else 0
                if abs(x[count - 1]) <= abs(level) * mp.mpf(10) ** -8:
                    break
            found = self.worst(p, q)
            if not found < error:
                break
            best = (found, p, q)
            if found > error * (1 - mp.mpf(10) ** -4):
                break
        return best

    def run(self):
        fixed_p, fixed_q = {}, {}
        ideal, p, q = self.solve(fixed_p, fixed_q)
        # The lowest powers carry most of the value: they are rounded first, and the rest makes up for it.
        for j in range(max(self.fit.degree, self.fit.denominator) + 1):
            if j <= self.fit.degree and j not in fixed_p:
                p[j] = fixed_p[j] = rounded(p[j], self.fit.bits)
            if 1 <= j <= self.fit.denominator and j not in fixed_q:
                q[j] = fixed_q[j] = rounded(q[j], self.fit.bits)
            again = self.solve(fixed_p, fixed_q)
            if again[0] < self.worst(p, q):
                _, p, q = again
        return p, q, ideal, self.worst(p, q)


def alternating_peaks(e):
    """Index of the largest |e| in each run of one sign."""
    peaks = [0]
    for i in range(1, len(e)):
        if (e[i] > 0) == (e[peaks[-1]] > 0):
            if abs(e[i]) > abs(e[peaks[-1]]):
                peaks[-1] = i
        else:
            peaks.append(i)
    return peaks


def choose(peaks, e, count):
    """`count` neighbouring peaks: the smaller end is dropped until they fit."""
    peaks = list(peaks)
    while len(peaks) > count:
        peaks.pop(0 if abs(e[peaks[0]]) < abs(e[peaks[-1]]) else -1)
    return peaks


def over(f, series):
    """f, or its limit at 0."""
    return lambda t: series if t == 0 else f(t)


def sinh_tail(z):  # (sinh(x)/x - 1)/z, z = x²
    x = mp.sqrt(z)
    return (mp.sinh(x) / x - 1) / z


def tan_tail(z):
    x = mp.sqrt(z)
    return (mp.tan(x) / x - 1) / z


def atan_tail(z):
    x = mp.sqrt(z)
    return (mp.atan(x) / x - 1) / z


def asin_tail(z):
    x = mp.sqrt(z)
    return (mp.asin(x) / x - 1) / z


def odd_weight(f):
    """Relative error of x + x·z·P(z) for the odd function f of x = √z."""
    return over(lambda z: z * mp.sqrt(z) / f(mp.sqrt(z)), mp.mpf(0))


def erfcx(b):
    """e^(b²)·erfc(b)."""
    return mp.exp(b * b) * mp.erfc(b)


def erfc_log(c):
    """log((1 + 2b)·erfcx(b)) as a function of w = (b - c)/(b + c)."""

    def g(w):
        b = c * (1 + w) / (1 - w)
        return mp.log((1 + 2 * b) * erfcx(b))

    return g


def w_of(b, c):
    return (mp.mpf(b) - c) / (mp.mpf(b) + c)


def one(_):
    """The weight of an absolute error."""
    return mp.mpf(1)


def relative(g):
    return lambda t: 1 / g(t)


def erfinv_centre(t):  # erfinv(x)/x - 1, x² = 9/16 - t
    x = mp.sqrt(mp.mpf(9) / 16 - t)
    return mp.erfinv(x) / x - 1


def erfinv_tail(t):  # erfinv(1 - e^(-s²)) - s, s = t + 1.15
    s = t + mp.mpf("1.15")
    with mp.workdps(90):
        return mp.erfinv(1 - mp.exp(-s * s)) - s


def plus(c, g):
    """The weight of an error of g in a relative error of c(t) + g(t)."""
    return lambda t: 1 / (c(t) + g(t))


def lgamma_centre(t):  # log Γ(x)/((x - 1)(x - 2)), x = t + 1/2
    x = t + mp.mpf("0.5")
    with mp.workdps(70):
        return mp.loggamma(x) / ((x - 1) * (x - 2))


def stirling(z):  # x·(log Γ(x) - (x - ½)·log x + x - ½·log 2π), z = 1/x²
    if z < mp.mpf(10) ** -8:
        return mp.mpf(1) / 12 - z / 360 + z * z / 1260
    x = 1 / mp.sqrt(z)
    return x * (mp.loggamma(x) - (x - 0.5) * mp.log(x) + x - mp.log(2 * mp.pi) / 2)


ROOT_OF_DIGAMMA = mp.findroot(mp.digamma, mp.mpf("1.4616321449683623"))


def digamma_centre(t):  # ψ(x)/(x - root), x = t + 1
    x = t + 1
    with mp.workdps(70):
        return mp.digamma(x) / (x - ROOT_OF_DIGAMMA)


def digamma_tail(z):  # x²·(log x - 1/(2x) - ψ(x)), z = 1/x²
    if z < mp.mpf(10) ** -8:
        return mp.mpf(1) / 12 - z / 120 + z * z / 252
    x = 1 / mp.sqrt(z)
    return (mp.log(x) - 1 / (2 * x) - mp.digamma(x)) / z


TAN_END = mp.mpf("0.7854") ** 2
ATAN_END = (mp.sqrt(2) - 1 + mp.mpf("1e-7")) ** 2

FITS: dict[str, Fit] = {
    "sinh64": Fit(over(sinh_tail, mp.mpf(1) / 6), odd_weight(mp.sinh), 0, 1, 6, 53),
    "sinh32": Fit(over(sinh_tail, mp.mpf(1) / 6), odd_weight(mp.sinh), 0, 1, 2, 24),
    "tan64": Fit(over(tan_tail, mp.mpf(1) / 3), odd_weight(mp.tan), 0, TAN_END, 3, 53, 3),
    "tan32": Fit(over(tan_tail, mp.mpf(1) / 3), odd_weight(mp.tan), 0, TAN_END, 1, 24, 2),
    "atan64": Fit(over(atan_tail, -mp.mpf(1) / 3), odd_weight(mp.atan), 0, ATAN_END, 10, 53),
    "atan32": Fit(over(atan_tail, -mp.mpf(1) / 3), odd_weight(mp.atan), 0, ATAN_END, 4, 24),
    "asin64": Fit(over(asin_tail, mp.mpf(1) / 6), odd_weight(mp.asin), 0, mp.mpf("0.25"), 11, 53),
    "asin32": Fit(over(asin_tail, mp.mpf(1) / 6), odd_weight(mp.asin), 0, mp.mpf("0.25"), 4, 24),
    "cbrt64": Fit(mp.cbrt, relative(mp.cbrt), 1, 2, 4, 53),
    "cbrt32": Fit(mp.cbrt, relative(mp.cbrt), 1, 2, 2, 24),
    "erfc64": Fit(erfc_log(2), one, w_of(0.75, 2), w_of(27.3, 2), 21, 53),
    "erfc32": Fit(erfc_log(2), one, w_of(0.75, 2), w_of(10.1, 2), 8, 24),
    "erfinvCentre64": Fit(erfinv_centre, plus(one, erfinv_centre), 0, mp.mpf("0.5625"), 6, 53, 6),
    "erfinvCentre32": Fit(erfinv_centre, plus(one, erfinv_centre), 0, mp.mpf("0.5625"), 3, 24, 2),
    "erfinvTail64": Fit(erfinv_tail, plus(lambda t: t + mp.mpf("1.15"), erfinv_tail), mp.mpf("0.027"), mp.mpf("4.93"), 8, 53, 8),
    "erfinvTail32": Fit(erfinv_tail, plus(lambda t: t + mp.mpf("1.15"), erfinv_tail), mp.mpf("0.027"), mp.mpf("2.94"), 3, 24, 3),
    "lgammaCentre64": Fit(lgamma_centre, relative(lgamma_centre), 0, mp.mpf("2.5"), 9, 53, 8),
    "lgammaStirling64": Fit(stirling, one, 0, mp.mpf(1) / 64, 5, 53),
    "digammaCentre64": Fit(digamma_centre, relative(digamma_centre), 0, 2, 7, 53, 6),
    "digammaTail64": Fit(digamma_tail, one, 0, mp.mpf(1) / 64, 5, 53),
}


def main(names):
    for name in names:
        fit = FITS[name]
        p, q, ideal, final = Exchange(fit).run()
        ulp = mp.mpf(2) ** -fit.bits
        print(f"{name}: error {mp.nstr(ideal / ulp, 3)}·2^-{fit.bits}, after rounding {mp.nstr(final / ulp, 3)}·2^-{fit.bits}")
        print("  P:", ", ".join(repr(float(c)) for c in p))
        if fit.denominator:
            print("  Q:", ", ".join(repr(float(c)) for c in q))


if __name__ == "__main__":
    main(sys.argv[1:] or list(FITS))
