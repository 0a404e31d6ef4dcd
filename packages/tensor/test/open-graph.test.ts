/** What backends plan: a graph with every graph in it opened. */

import { expect, test } from "vitest";
import {
  checkpoint,
  cond,
  customJvp,
  customLinearSolve,
  eye,
  forLoop,
  jit,
  log1p,
  makeGraph,
  subgraphs,
  tensor,
  Variable,
  type Equation,
  type Graph,
  type Tensor,
} from "@curv/tensor";
import { constantsOf, openGraph, paramsKey, removeDead } from "@curv/tensor/backend";
import { cholesky, solve } from "@curv/tensor/linalg";
import { evaluate } from "../src/transform/graph.js";

const namesOf = (graph: Graph): string[] => graph.equations.map(({ primitive }) => primitive.name);
const graphOf = (f: (x: Tensor) => Tensor, x: Tensor): Graph => makeGraph(f, x);

/** Each variable is an input or the result of one earlier equation. */
function isInOrder({ inputs, equations, outputs }: Graph): boolean {
  const known = new Set<unknown>(inputs);
  const all = (atoms: Equation["inputs"]): boolean => atoms.every((x) => !(x instanceof Variable) || known.has(x));
  for (const equation of equations) {
    if (!all(equation.inputs) || equation.outputs.some((v) => known.has(v))) return false;
    equation.outputs.forEach((v) => known.add(v));
  }
  return all(outputs);
}

const softSquare = customJvp(
  checkpoint((v: Tensor) => log1p(v.square())),
  ([v], [dv]) => ({ value: log1p(v.square()), tangent: dv.mul(v.mul(2)).div(v.square().add(1)) }),
);
const x = tensor([0.5, -1.5, 2], { dtype: "float64" });

test("checkpoints in calls, calls in checkpoints and a graph that comes twice become equations with names of their own", () => {
  const f = jit((v: Tensor) => softSquare(v).add(checkpoint((w: Tensor) => softSquare(w.sin()))(v)));
  const graph = graphOf((v) => f(v).mul(f(v.neg())), x);
  const open = openGraph(graph);
  expect(open.inputs).toEqual(graph.inputs);
  expect(isInOrder(open)).toBe(true);
  expect(open.equations.some(({ params }) => subgraphs(params).length > 0)).toBe(false);
  expect(namesOf(open)).toEqual(expect.arrayContaining(["log1p", "sin", "neg"]));
  expect(evaluate(open, [x])[0].dataSync()).toEqual(f(x).mul(f(x.neg())).dataSync());
  expect(openGraph(graph)).toBe(open);
});

test("loops and branches keep their graphs; checks stay though nothing reads them", () => {
  const f = (v: Tensor): Tensor => {
    const factor = cholesky(
      v
        .expandDims(1)
        .mul(v)
        .add(eye(3, undefined, { dtype: "float64" })),
    );
    const grown = forLoop(0, 3, (_, w: Tensor) => softSquare(w), v);
    return cond(
      v.sum().greater(0),
      () => grown,
      () => grown.neg(),
    ).add(factor.sum());
  };
  const open = openGraph(graphOf(f, x));
  expect(namesOf(open)).toEqual(expect.arrayContaining(["check", "scan", "cond", "cholesky"]));
  expect(isInOrder(open)).toBe(true);
  expect(evaluate(open, [x])[0].dataSync()).toEqual(f(x).dataSync());
});

test("a linear solve with derivatives of its own is what it solves by", () => {
  const matrix = tensor([[4, 1, 0], [1, 3, 0], [0, 0, 2]], { dtype: "float64" }); // prettier-ignore
  const f = (b: Tensor): Tensor =>
    customLinearSolve({ matvec: (v) => matrix.matmul(v), solve: (c) => solve(matrix, c), symmetric: true }, b);
  const open = openGraph(graphOf(f, x));
  expect(namesOf(open)).not.toContain("linearSolve");
  expect(isInOrder(open)).toBe(true);
  expect(evaluate(open, [x])[0].dataSync()).toEqual(f(x).dataSync());
});

test("what no result needs goes; a graph that needs all of it stays as it is", () => {
  const both = makeGraph((v: Tensor) => [v.exp(), v.sin()], x);
  expect(namesOf(both)).toEqual(["exp", "sin"]);
  const kept = removeDead({ ...both, outputs: both.outputs.slice(1) });
  expect(namesOf(kept)).toEqual(["sin"]);
  expect(removeDead(kept)).toBe(kept);
});

test("constants of a graph, those of the graphs in it too", () => {
  const [a, b] = [tensor([1, 2, 3], { dtype: "float64" }), tensor([4, 5, 6], { dtype: "float64" })];
  const f = (v: Tensor): Tensor => cond(v.sum().greater(0), () => v.add(a), () => v.mul(b)); // prettier-ignore
  expect(constantsOf(graphOf(f, x))).toEqual(expect.arrayContaining([a, b]));
});

test("parameters that differ have different keys", () => {
  const keys = [{ fill: 0 }, { fill: -0 }, { fill: NaN }, { fill: Infinity }, { fill: null }, { axes: [0] }, {}, null];
  expect(new Set(keys.map(paramsKey)).size).toBe(keys.length);
  expect(paramsKey({ axes: [1, 2] })).toBe(paramsKey({ axes: [1, 2] }));
});
