"""Reference values for src/cpu/math by mpmath, and the table of measured errors.

    python ulp-report.py                 # writes src/cpu/math/fixtures/float64.json and float32.json
    python ulp-report.py --points 3000   # many more points into a temporary folder, runs the tests on them, prints the table

A fixture holds, per function, base64 of three little-endian arrays: `x` (points; pairs for functions of two arguments),
`y` (the true value, rounded to the precision) and `tail` (int8: (true value - y) in 1/256 ulp). The points are the edge
list, random bits over the whole domain, a moderate range, and magnitudes near 0 or near the points where a function is
hard; the seed is fixed. Finite values in the domain come from mpmath with 60 digits, the others (zeros, infinities, NaN,
poles) from NumPy and SciPy, whose conventions they follow.

Needs mpmath, numpy and scipy.
"""

import argparse
import base64
import json
import os
import random
import struct
import subprocess
import tempfile
import warnings

import mpmath as mp
import numpy as np
import scipy.special as special

warnings.simplefilter("ignore")
mp.mp.dps = 60
HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, "..", "src", "cpu", "math", "fixtures")

INF = float("inf")
MIN64, MAX64 = 2.0**-1022, 1.7976931348623157e308
MIN32, MAX32 = 2.0**-126, 3.4028234663852886e38

EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, INF, -INF, float("nan")]
EDGES += [88.72, 88.73, -87.33, -87.34, -103.97, -103.98, 709.78, 709.79, -708.39, -708.4, -745.1, -745.2, 710.47, 89.41]
EDGES64 = EDGES + [s * v for v in (2.0**-1074, MIN64 - 2.0**-1074, MIN64, MAX64) for s in (1, -1)]
EDGES32 = EDGES + [s * v for v in (2.0**-149, MIN32 - 2.0**-149, MIN32, MAX32) for s in (1, -1)]


def log_abs_gamma(x):
    return mp.loggamma(x) if x > 0 else mp.log(abs(mp.gamma(x)))


def logistic(x):
    return 1 / (1 + mp.exp(-x))


def softplus(x):
    return max(x, mp.mpf(0)) + mp.log1p(mp.exp(-abs(x)))


class F:
    """One function: true value, what NumPy or SciPy says, moderate ranges, hard places, domain of finite values."""

    def __init__(self, true, library, ranges, near=(0,), domain=lambda x: True, ranges32=None):
        self.true, self.library, self.near, self.domain = true, library, near, domain
        self.ranges, self.ranges32 = ranges, ranges32 or ranges


def inside(x):
    return abs(x) < 1


def noninteger(x):
    return x > 0 or x != np.floor(x)


HALF_PI = [float(k * mp.pi / 2) for k in (1, 2, 3, 5, 204, 1001, 30011, 63001)]
HALF_PI_32 = [k for k in HALF_PI if k < 1000]

FUNCTIONS = {
    "exp": F(mp.exp, np.exp, [(-745, 709), (-2, 2)], ranges32=[(-104, 89), (-2, 2)]),
    "exp2": F(lambda x: mp.power(2, x), np.exp2, [(-1074, 1023), (-2, 2)], ranges32=[(-149, 128), (-2, 2)]),
    "expm1": F(mp.expm1, np.expm1, [(-40, 709), (-2, 2)], ranges32=[(-20, 88), (-2, 2)]),
    "log": F(mp.log, np.log, [(0, 100), (0.5, 2)], (0, 1), lambda x: x > 0),
    "log2": F(lambda x: mp.log(x, 2), np.log2, [(0, 100), (0.5, 2)], (0, 1), lambda x: x > 0),
    "log10": F(mp.log10, np.log10, [(0, 100), (0.5, 2)], (0, 1), lambda x: x > 0),
    "log1p": F(mp.log1p, np.log1p, [(-1, 10), (-0.6, 1.5)], (0, -1), lambda x: x > -1),
    "sin": F(mp.sin, np.sin, [(-1e5, 1e5), (-10, 10)], [0, *HALF_PI], ranges32=[(-1e3, 1e3), (-10, 10)]),
    "cos": F(mp.cos, np.cos, [(-1e5, 1e5), (-10, 10)], [0, *HALF_PI], ranges32=[(-1e3, 1e3), (-10, 10)]),
    "tan": F(mp.tan, np.tan, [(-1e5, 1e5), (-10, 10)], [0, *HALF_PI], ranges32=[(-1e3, 1e3), (-10, 10)]),
    "asin": F(mp.asin, np.arcsin, [(-1, 1), (-0.6, 0.6)], (0, 1, -1), lambda x: abs(x) <= 1),
    "acos": F(mp.acos, np.arccos, [(-1, 1), (-0.6, 0.6)], (0, 1, -1), lambda x: abs(x) <= 1),
    "atan": F(mp.atan, np.arctan, [(-10, 10), (-0.6, 0.6)]),
    "atan2": F(mp.atan2, np.arctan2, [(-10, 10)]),
    "sinh": F(mp.sinh, np.sinh, [(-710, 710), (-3, 3)], ranges32=[(-89, 89), (-3, 3)]),
    "cosh": F(mp.cosh, np.cosh, [(-710, 710), (-3, 3)], ranges32=[(-89, 89), (-3, 3)]),
    "tanh": F(mp.tanh, np.tanh, [(-20, 20), (-0.5, 0.5)]),
    "asinh": F(mp.asinh, np.arcsinh, [(-100, 100), (-1, 1)]),
    "acosh": F(mp.acosh, np.arccosh, [(1, 100), (1, 1.2)], (1,), lambda x: x >= 1),
    "atanh": F(mp.atanh, np.arctanh, [(-1, 1), (-0.3, 0.3)], (0, 1, -1), inside),
    "logistic": F(logistic, special.expit, [(-740, 40), (-6, 6)], ranges32=[(-104, 20), (-6, 6)]),
    "softplus": F(softplus, lambda x: np.logaddexp(0, x), [(-740, 100), (-6, 6)], ranges32=[(-104, 100), (-6, 6)]),
    "erf": F(mp.erf, special.erf, [(-6, 6), (-1.2, 1.2)]),
    "erfc": F(lambda x: mp.erfc(min(x, mp.mpf(1e6))), special.erfc, [(-6, 27.2), (-1, 2)], ranges32=[(-4, 10), (-1, 2)]),
    "erfinv": F(mp.erfinv, special.erfinv, [(-1, 1), (-0.8, 0.8)], (0, 1, -1), inside),
    "lgamma": F(log_abs_gamma, special.gammaln, [(-8, 0), (0, 3), (3, 20)], (0, 1, 2), noninteger),
    "digamma": F(mp.digamma, special.digamma, [(-8, 0), (0, 3), (3, 20)], (0, 1, 1.4616321449683623), noninteger),
    "polygamma": F(lambda n, x: mp.polygamma(int(n), x), lambda n, x: [np.nan], [(-6, 0), (0, 3), (3, 20)]),
    "cbrt": F(lambda x: mp.sign(x) * mp.cbrt(abs(x)), np.cbrt, [(-1000, 1000), (-9, 9)]),
    "rsqrt": F(lambda x: 1 / mp.sqrt(x), lambda x: 1 / np.sqrt(x), [(0, 100)], (0,), lambda x: x > 0),
    "pow": F(mp.power, np.power, [(0, 20)], (1,), lambda x: x > 0),
}


def rounder(bits):
    least = -1074 if bits == 53 else -149
    largest = MAX64 if bits == 53 else MAX32

    def rounded(v):
        """v to the nearest number of the precision, and what is left, in ulp."""
        if v == 0:
            return 0.0, 0.0
        if abs(v) > mp.mpf(2) ** 1100:
            return (INF if v > 0 else -INF), 0.0
        exponent = int(mp.floor(mp.log(abs(v), 2))) if abs(v) > mp.mpf(2) ** -1200 else -1200
        if mp.mpf(2) ** exponent > abs(v):
            exponent -= 1
        ulp = mp.mpf(2) ** max(exponent - bits + 1, least)
        y = mp.nint(v / ulp) * ulp
        if abs(y) > largest:
            return (INF if v > 0 else -INF), 0.0
        return (float(y) if y else (0.0 if v > 0 else -0.0)), float((v - y) / ulp)

    return rounded


def as_precision(x, bits):
    return float(x) if bits == 53 else float(np.float32(x))


def random_bits(bits):
    while True:
        if bits == 53:
            x = struct.unpack("d", struct.pack("Q", random.getrandbits(64)))[0]
        else:
            x = struct.unpack("f", struct.pack("I", random.getrandbits(32)))[0]
        if np.isfinite(x):
            return x


def points(name, f, bits, count):
    """A quarter of random bits, half of moderate ranges, a quarter near the hard places; the edges come on top."""
    near = [c for c in f.near if bits == 53 or c not in HALF_PI or c in HALF_PI_32]
    ranges = f.ranges if bits == 53 else f.ranges32
    edges = EDGES64 if bits == 53 else EDGES32
    if name == "polygamma":
        xs = [random.uniform(*r) for r in ranges for _ in range(count // 3)]
        return [(float(random.choice([1, 2, 3, 5])), as_precision(x, bits)) for x in xs]
    if name in ("atan2", "pow"):
        some = [0.0, -0.0, 1.0, -1.0, 2.0, -3.0, 0.5, INF, -INF, float("nan"), edges[-8], edges[-2]]
        pairs = [(a, b) for a in some for b in some]
        for _ in range(count):
            if name == "pow":
                pairs.append((random.uniform(0, 10), random.uniform(-20, 20)))
                pairs.append((1 + random.uniform(-1, 1) / 64, random.uniform(-1000, 1000)))
                pairs.append((abs(random_bits(bits)), random.uniform(-1, 1)))
                # Up to the largest results, where an error of the logarithm counts most.
                base = as_precision(1 + random.choice([-1, 1]) * random.uniform(0.1, 0.4) * 2 ** -random.uniform(0, bits - 4), bits)
                largest = 1000 if bits == 53 else 125
                pairs.append((base, random.uniform(-1, 1) * largest / float(mp.log(base, 2))))
            else:
                pairs.append((random.uniform(-10, 10), random.uniform(-10, 10)))
                pairs.append((random_bits(bits), random_bits(bits)))
        return [(as_precision(a, bits), as_precision(b, bits)) for a, b in pairs]
    xs = []
    while len(xs) < count // 4:
        x = random_bits(bits)
        if f.domain(x):
            xs.append(x)
    for r in ranges:
        xs += [random.uniform(*r) for _ in range(count // (2 * len(ranges)))]
    for _ in range(count // 4):
        c = random.choice(near)
        step = 2.0 ** random.uniform(-(60 if bits == 53 else 30), 0)
        hard = c in HALF_PI
        xs.append(c if hard else c + random.choice([-1, 1]) * step)
    return [as_precision(x, bits) for x in edges + xs]


def value(name, f, arguments, rounded):
    x = arguments[0]
    # Arrays, not scalars: np.power takes an exponent of 0.5 in a scalar for a square root, which differs at -0 and -Infinity.
    library = x if name == "erfinv" and x == 0 else float(f.library(*(np.array([a]) for a in arguments))[0])
    ordinary = all(np.isfinite(a) for a in arguments)
    if name == "atan2":
        ordinary = ordinary and all(a != 0 for a in arguments)
    elif name == "pow":
        ordinary = ordinary and x > 0
    elif name != "polygamma":
        ordinary = ordinary and x != 0 and f.domain(x)
    if not ordinary:
        if name == "lgamma" and x == -INF:
            library = INF  # C and NumPy's math.lgamma; SciPy says -Infinity
        return rounded(mp.mpf(library)) if np.isfinite(library) and library != 0 else (library, 0.0)
    return rounded(f.true(*map(mp.mpf, arguments)))


def fixture(bits, count):
    rounded = rounder(bits)
    kind = "<f8" if bits == 53 else "<f4"
    out = {}
    for name, f in FUNCTIONS.items():
        random.seed(f"{name}{bits}")
        xs, ys, tails = [], [], []
        for x in points(name, f, bits, count):
            arguments = x if isinstance(x, tuple) else (x,)
            y, tail = value(name, f, arguments, rounded)
            xs += arguments
            ys.append(y)
            tails.append(max(-128, min(127, round(256 * tail))))

        def encode(a, t):
            return base64.b64encode(np.array(a).astype(t).tobytes()).decode()

        out[name] = {"x": encode(xs, kind), "y": encode(ys, kind), "tail": encode(tails, "i1")}
    return out


def write(folder, count):
    os.makedirs(folder, exist_ok=True)
    for bits, name in ((53, "float64"), (24, "float32")):
        with open(os.path.join(folder, f"{name}.json"), "w") as file:
            json.dump(fixture(bits, count), file, indent=1)
            file.write("\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=0)
    count = parser.parse_args().points
    if count == 0:
        write(FIXTURES, 64)
        return
    with tempfile.TemporaryDirectory() as folder:
        write(folder, count)
        test = "packages/tensor/src/cpu/math/ulp.test.ts"
        environment = {**os.environ, "CURV_ULP_FIXTURES": folder}
        root = os.path.join(HERE, "..", "..", "..")
        subprocess.run(["npx", "vitest", "run", test, "--disable-console-intercept"], cwd=root, env=environment, check=False)


if __name__ == "__main__":
    main()
