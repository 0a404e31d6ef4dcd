/** Some of a model's parameters, as if the others were constants: blocks of curvature, layer by layer. */

import { expectArguments } from "@curv/linsolve";
import { DomainError, TreeError, type Tensor } from "@curv/tensor";
import { flatten, leavesWithPath, unflatten, type Path } from "@curv/tensor/tree";

/** Chosen leaves of a tree of parameters. */
export interface SelectedParameters<P> {
  /** Path, joined by dots, to leaf. */
  readonly selected: Readonly<Record<string, Tensor>>;
  /** All the parameters, with others in the chosen ones' places. Traceable. */
  readonly merge: (selected: Readonly<Record<string, Tensor>>) => P;
}

/**
 * Splits parameters into chosen ones and constants. An operator on the chosen ones is the diagonal block of the whole, and costs less: what
 * is constant is not differentiated.
 *
 * @param keep - Which leaves to choose, by their paths.
 * @throws DomainError where none is chosen.
 *
 * @example
 * const { selected, merge } = selectParameters(params, ([layer]) => layer === 2);
 * const block = hessianOperator((p, batch) => loss(merge(p), batch), selected, data);
 */
export function selectParameters<P>(params: P, keep: (path: Path) => boolean): SelectedParameters<P> {
  expectArguments("selectParameters", { params: [params, "tree"], keep: [keep, "function"] });
  const all = leavesWithPath(params as never);
  const { leaves, structure } = flatten(params as never);
  const names = all.map(({ path }) => (keep(path) ? path.join(".") : null));
  const selected = Object.fromEntries(all.flatMap(({ leaf }, i) => (names[i] === null ? [] : [[names[i], leaf]])));
  if (Object.keys(selected).length === 0) {
    throw new DomainError(
      `selectParameters: keep is true of none of ${all.map(({ path }) => path.join(".")).join(", ")}; wants one at least.`,
    );
  }
  return {
    selected,
    merge: (others) =>
      unflatten(
        structure,
        leaves.map((leaf, i) => {
          const name = names[i];
          if (name === null) return leaf;
          const other = others[name] as Tensor | undefined;
          if (other === undefined) throw new TreeError(`merge: the parameter ${name} is missing.`);
          return other;
        }),
      ) as P,
  };
}

/**
 * The layers of a tree of parameters: its top-level entries that hold a tensor, each as a selection.
 *
 * @example
 * for (const [layer, { selected, merge }] of layersOf(params)) …
 */
export function layersOf<P>(params: P): ReadonlyMap<string, SelectedParameters<P>> {
  expectArguments("layersOf", { params: [params, "tree"] });
  const names = new Set(leavesWithPath(params as never).map(({ path }) => String(path[0] ?? "")));
  return new Map([...names].map((name) => [name, selectParameters(params, ([first]) => String(first ?? "") === name)]));
}
