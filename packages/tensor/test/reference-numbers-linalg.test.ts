/** Reference numbers of theme-tensor-core §9 for factorisations, matrix functions and the Fourier transform. */

import { abs, diagonal, grad, hvp, log, type Tensor } from "@curv/tensor";
import { fft } from "@curv/tensor/fft";
import {
  cholesky,
  det,
  eig,
  eigh,
  eigvalsh,
  expm,
  inv,
  lu,
  matrixNorm,
  pinv,
  qr,
  slogdet,
  svd,
} from "@curv/tensor/linalg";
import { derivatives, describeRows, ofSquares, type Make, type Row } from "./reference-numbers.js";

const a0 = (make: Make): Tensor => make([[4, 1, 0], [1, 3, 1], [0, 1, 2]]); // prettier-ignore
const a1 = (make: Make): Tensor => make([[0, 1, 2], [1, 0, 3], [2, 3, 1]]); // prettier-ignore
/** f, f′, f″ at 0 of t ↦ f(A0 + t A1). */
const symmetric = (make: Make, f: (a: Tensor) => Tensor, orders = 2): Tensor[] =>
  derivatives((t) => f(a0(make).add(a1(make).mul(t))), make(0), orders);
/** f, f′, f″ at 0 of t ↦ f(S + t C), entries sin k² and cos k². */
const general = (make: Make, shape: readonly number[], f: (a: Tensor) => Tensor, orders = 2): Tensor[] =>
  derivatives((t) => f(ofSquares(make, Math.sin, shape).add(ofSquares(make, Math.cos, shape).mul(t))), make(0), orders);

const rows: readonly Row[] = [
  {
    name: "R10: first rows of the gradient and of a Hessian product of Σ cholesky",
    wanted: [".202722242361701", ".189111030553198", ".210155616581491", "-.116299131232917", "-.144225738784516"],
    compute: (make) => {
      const f = (a: Tensor): Tensor => cholesky(a.add(a.T).mul(0.5)).sum();
      return [grad(f)(a0(make)).slice(0), hvp(f, a0(make), a1(make)).slice(0, [0, 2])];
    },
  },
  {
    name: "R11: the largest eigenvalue to third order",
    wanted: ["4.73205080756888", "2.35405927549702", "8.69561803697143", "-24.4161446108815"],
    compute: (make) => symmetric(make, (a) => eigvalsh(a).slice(-1), 3),
  },
  {
    name: "R12: square of a component of its eigenvector",
    wanted: [".622008467928146", "-.988568257447774", ".20924144640142"],
    compute: (make) => symmetric(make, (a) => eigh(a).vectors.slice(0, -1).square()),
    float32: 1e-4,
  },
  {
    name: "R13: logarithm of the determinant",
    wanted: ["2.89037175789616", "-.722222222222222", "-4.52160493827161"],
    compute: (make) => symmetric(make, (a) => slogdet(a).logAbsDet),
  },
  {
    // The last is 34288/5832.
    name: "R14: 1ᵀ A⁻¹ [1, 2, 3]",
    wanted: ["1.77777777777778", "-2.16049382716049", "5.879286694101509"],
    compute: (make) =>
      symmetric(make, (a) =>
        inv(a)
          .matmul(make([1, 2, 3]))
          .sum(),
      ),
  },
  {
    name: "R15: Σ exp(t A1) at t = 0.3",
    wanted: ["11.4676125147695", "52.1013594021189", "239.39062954751"],
    compute: (make) => derivatives((t) => expm(a1(make).mul(t)).sum(), make(0.3)),
    tolerance: 1e-10,
  },
  {
    name: "R16: nuclear norm",
    wanted: ["3.51824504955931", ".09490514278033", "3.84673271403129"],
    compute: (make) => general(make, [4, 3], (a) => matrixNorm(a, "nuc")),
    tolerance: 1e-10,
  },
  {
    name: "R17: sum of the best approximation of rank 2",
    wanted: ["-1.92021296481803", "1.21985700742987", ".026380235706"],
    compute: (make) =>
      general(make, [4, 3], (a) => {
        const { u, s, vt } = svd(a);
        return u
          .slice(null, [0, 2])
          .mul(s.slice([0, 2]))
          .matmul(vt.slice([0, 2]))
          .sum();
      }),
    tolerance: 1e-10,
    float32: 4e-5, // the third number is what is left of terms about 1, whose rounding (10 eps) is 2.3e-5 of it
  },
  {
    name: "R18: Σ|R|",
    wanted: ["5.63425389442272", "-.765725909926248", "4.8990101113974"],
    compute: (make) => general(make, [4, 3], (a) => abs(qr(a).r).sum()),
    tolerance: 1e-10,
  },
  {
    name: "R18: Σ|Q|",
    wanted: ["5.28140739638373", "-1.09332405550805", "-6.3240102273896"],
    compute: (make) => general(make, [4, 3], (a) => abs(qr(a).q).sum()),
    tolerance: 1e-10,
  },
  {
    name: "R19: sum of the pseudo-inverse",
    wanted: ["1.99287434322862", "-1.81221946559342", "-12.5693833942448"],
    compute: (make) => general(make, [4, 3], (a) => pinv(a).sum()),
    tolerance: 1e-10,
  },
  {
    name: "R20: determinant",
    wanted: [".098153326892732", ".625809757041178", ".261315695242839"],
    compute: (make) => general(make, [3, 3], det),
  },
  {
    name: "R21: Σ log|U_ii| of LU",
    wanted: ["-2.32122446283074", "6.37583846470226", "-37.9889948036226"],
    compute: (make) => general(make, [3, 3], (a) => log(abs(diagonal(lu(a).u))).sum()),
  },
  {
    name: "R22: eigenvalues of a general matrix",
    wanted: ["-.05001685", "-.05001685", ".17926494", "-.73826182", "0", ".73826182"],
    compute: (make) => {
      const { values } = eig(ofSquares(make, Math.sin, [3, 3]));
      const [re, im] = [Array.from(values.re.dataSync()), Array.from(values.im.dataSync())];
      return [...re.sort((a, b) => a - b), ...im.sort((a, b) => a - b)];
    },
  },
  {
    name: "R22: derivative of the real one",
    wanted: ["1.48654211326219"],
    compute: (make) =>
      general(
        make,
        [3, 3],
        (a) => {
          const { re, im } = eig(a).values;
          return im.equal(0).where(re, 0).sum();
        },
        1,
      ).slice(1),
  },
  {
    name: "R25: Σ|fft x|⁴, two derivatives in Re x₀, and F₁",
    wanted: ["861.47915040223", "389.708914253497", "731.848561278546", "3.25947477627296", "1.77233956742965"],
    compute: (make) => {
      const re = make(Array.from({ length: 8 }, (_, i) => Math.sin(i + 1)));
      const im = make(Array.from({ length: 8 }, (_, i) => Math.cos(2 * i)));
      const first = make([1, 0, 0, 0, 0, 0, 0, 0]);
      const power = (t: Tensor): Tensor => {
        const F = fft({ re: re.add(first.mul(t)), im });
        return F.re.square().add(F.im.square()).square().sum();
      };
      const F = fft({ re, im });
      return [...derivatives(power, make(0)), F.re.slice(1), F.im.slice(1)];
    },
  },
  {
    name: "R30: exponential of [[1, 1000], [0, 1]]",
    wanted: ["1", "1000", "0", "1"],
    compute: (make) => [expm(make([[1, 1000], [0, 1]])).div(Math.E)], // prettier-ignore
  },
];

describeRows(rows);
