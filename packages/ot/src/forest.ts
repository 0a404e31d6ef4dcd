/**
 * Two linear maps of a spanning forest of sources and sinks: supplies to flows, and costs to potentials. Each is the other's transpose, so
 * that transport at an optimal basis has derivatives of every order.
 *
 * A forest is `parent` and `order` (int32, [n + m]), see `Forest`. All operands may have further axes in front.
 */

import { bind, broadcastTo, definePrimitive, zeros, type HostArray, type Primitive, type Tensor } from "@curv/tensor";

interface Size {
  readonly n: number;
  readonly m: number;
}

const withLanes = (inputs: readonly Tensor[], batched: readonly boolean[], size: number): Tensor[] =>
  inputs.map((x, i) => (batched[i] ? x : broadcastTo(x, [size, ...x.shape])));

const floats = (like: HostArray, length: number): Float32Array | Float64Array =>
  like.dtype === "float32" ? new Float32Array(length) : new Float64Array(length);

/** (parent, order, supply [n], demand [m]) ↦ the flow [n, m] over the forest's arcs that brings each tree's supply to its demand. */
const flowPrimitive: Primitive<Size> = /* @__PURE__ */ definePrimitive<Size>({
  name: "forestFlow",
  shape: ([, , a], { n, m }) => [{ shape: [...a.shape.slice(0, -1), n, m], dtype: a.dtype, weak: false }],
  jvp: ([parent, order, a, b], [, , da, db], size) =>
    bind(flowPrimitive, [parent, order, da ?? a.mul(0), db ?? b.mul(0)], size),
  // The cotangents of supply and demand are sums of the cotangent of P along the path to the top, with alternating signs.
  transpose: ([dP], [parent, order], linear) => {
    const [da, db] = forestPotential(parent, order, null, dP!);
    return [null, null, linear[2] ? da : null, linear[3] ? db : null];
  },
  batch: (inputs, batched, params, size) => bind(flowPrimitive, withLanes(inputs, batched, size), params),
  lower: ([parent, order, a, b], { n, m }) => {
    const lanes = a.buffer.length / n;
    const out = floats(a, lanes * n * m);
    const net = new Float64Array(n + m);
    for (let lane = 0; lane < lanes; lane++) {
      const at = lane * (n + m);
      for (let i = 0; i < n; i++) net[i] = a.buffer[lane * n + i];
      for (let j = 0; j < m; j++) net[n + j] = -b.buffer[lane * m + j];
      // From the leaves: what a subtree has left over crosses the arc above it.
      for (let k = n + m - 1; k >= 0; k--) {
        const v = order.buffer[at + k];
        const p = parent.buffer[at + v];
        if (p < 0) continue;
        net[p] += net[v];
        if (v < n) out[(lane * n + v) * m + p - n] = net[v];
        else out[(lane * n + p) * m + v - n] = -net[v];
      }
    }
    return [out];
  },
});

/** (parent, order, top [n + m], C [n, m]) ↦ α [n] and β [m] with α_i + β_j = C_ij on the forest's arcs, and as `top` says at the tops. */
const potentialPrimitive: Primitive<Size> = /* @__PURE__ */ definePrimitive<Size>({
  name: "forestPotential",
  shape: ([, , , C], { n, m }) => {
    const lanes = C.shape.slice(0, -2);
    return [n, m].map((length) => ({ shape: [...lanes, length], dtype: C.dtype, weak: false }));
  },
  // The tops are constants.
  jvp: ([parent, order, top], [, , , dC], size) => bind(potentialPrimitive, [parent, order, top.mul(0), dC!], size),
  transpose: ([da, db], [parent, order, , C], _linear, size) => {
    const zero = (length: number): Tensor => zeros([...C.shape.slice(0, -2), length], { dtype: C.dtype });
    return [null, null, null, bind(flowPrimitive, [parent, order, da ?? zero(size.n), db ?? zero(size.m)], size)[0]];
  },
  batch: (inputs, batched, params, size) => bind(potentialPrimitive, withLanes(inputs, batched, size), params),
  lower: ([parent, order, top, C], { n, m }) => {
    const lanes = C.buffer.length / (n * m);
    const [alpha, beta] = [floats(C, lanes * n), floats(C, lanes * m)];
    const z = new Float64Array(n + m);
    for (let lane = 0; lane < lanes; lane++) {
      const at = lane * (n + m);
      for (let k = 0; k < n + m; k++) {
        const v = order.buffer[at + k];
        const p = parent.buffer[at + v];
        z[v] =
          p < 0 ? top.buffer[at + v] : C.buffer[v < n ? (lane * n + v) * m + p - n : (lane * n + p) * m + v - n] - z[p];
      }
      for (let i = 0; i < n; i++) alpha[lane * n + i] = z[i];
      for (let j = 0; j < m; j++) beta[lane * m + j] = z[n + j];
    }
    return [alpha, beta];
  },
});

/** The flow of a basis: linear in a and b. */
export function forestFlow(parent: Tensor, order: Tensor, a: Tensor, b: Tensor): Tensor {
  return bind(flowPrimitive, [parent, order, a, b], { n: a.shape[0], m: b.shape[0] })[0];
}

/** The potentials of a basis, as `top` says (null: 0) at the tops of its trees. */
export function forestPotential(
  parent: Tensor,
  order: Tensor,
  top: Tensor | null,
  C: Tensor,
): readonly [alpha: Tensor, beta: Tensor] {
  const [n, m] = C.shape.slice(-2);
  const at = top ?? parent.cast(C.dtype).mul(0);
  const [alpha, beta] = bind(potentialPrimitive, [parent, order, at, C], { n, m });
  return [alpha, beta];
}
