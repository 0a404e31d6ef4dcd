/** Several cards that compute together: collectives over one tensor, or one tree of tensors, a card. */

import {
  BackendError,
  DomainError,
  DTypeError,
  isNaN,
  ShapeError,
  Tensor,
  tidy,
  TracingError,
  TreeError,
  where,
  type DType,
  type Shape,
} from "@curv/tensor";
import { sizeOf } from "@curv/tensor/backend";
import { formatPath, leavesWithPath, sameStructure, flatten, unflatten, type CheckTree, type Structure } from "@curv/tensor/tree"; // prettier-ignore
import { CudaBackend } from "./backend.js";
import { Buffer } from "./buffer.js";
import { CudaError } from "./errors.js";
import { hostCommunicator } from "./host-communicator.js";
import { openNccl, type Collective, type CollectiveKind, type Communicator, type Reduction } from "./lib/nccl.js";
import { hostArray } from "./transfer.js";

/** How a group is made. */
export interface CudaGroupOptions {
  /**
   * Who does collectives: `"nccl"` throws where NCCL is not found (there is none for Windows); `"host"` reads every array, combines them on
   * the CPU in the order of the cards, and writes the results. Default `"nccl"`: the slow way is never taken unasked.
   */
  readonly collectives?: "nccl" | "host";
}

/**
 * Makes a group of cards of this machine.
 *
 * From then on the cards read each other's memory directly, where the machine has a way between them.
 *
 * @param backends - Each of another card: `[cuda(), cuda({ device: 1 })]`. Results come in this order.
 * @throws DomainError if there is none, or two are of one card.
 * @throws CudaError if NCCL is not found (with every place that was tried and how to get it), or refuses.
 *
 * @example
 * const places = [cuda(), cuda({ device: 1 })];
 * const group = cudaGroup(places);
 * const [total] = group.allReduce(places.map((place) => tensor([1, 2]).to(place)), "sum"); // [2, 4], on the first card
 */
export function cudaGroup(
  backends: readonly CudaBackend[],
  { collectives = "nccl" }: CudaGroupOptions = {},
): CudaGroup {
  if (!Array.isArray(backends))
    throw new DomainError(`cudaGroup: backends is ${String(backends)}; wants an array of one backend a card.`);
  if (backends.length === 0) throw new DomainError("cudaGroup: backends is empty; wants one backend a card.");
  const cards = new Map<number, string>();
  for (const backend of backends) {
    if (!(backend instanceof CudaBackend)) throw new BackendError("cudaGroup: every backend must come from cuda(…).");
    backend.checkOpen();
    const { name, info } = backend;
    const other = cards.get(info.index);
    if (other !== undefined)
      throw new DomainError(`cudaGroup: ${other} and ${name} are both of card ${info.index}; wants each of another card.`); // prettier-ignore
    cards.set(info.index, name);
  }
  const devices = backends.map(({ device }) => device);
  if (collectives !== "nccl" && collectives !== "host")
    throw new DomainError(`cudaGroup: collectives is ${String(collectives)}; wants "nccl" or "host".`);
  return new CudaGroup([...backends], collectives === "nccl" ? openNccl(devices) : hostCommunicator(devices));
}

/**
 * Cards that compute together. Made by {@link cudaGroup}.
 *
 * Every collective takes one tree of tensors a card, in the order of the group, and gives one a card: the trees are alike in structure, and
 * their tensors in shape and dtype. It waits for nothing: what is computed next on a card comes after it. All tensors of a tree go at once.
 *
 * Collectives are not differentiated and not compiled: reduce what `grad` and `jit` return. The order in which NCCL adds is its own, so a
 * sum may differ from the host's in its last bits; all cards get the same bits.
 */
export class CudaGroup {
  private closed = false;
  private readonly close = (): void => this.dispose();

  /** @internal */
  constructor(
    /** The cards, in the order of the group. */
    readonly backends: readonly CudaBackend[],
    private readonly communicator: Communicator,
  ) {
    for (const { device } of backends) device.beforeClose.add(this.close);
  }

  /**
   * The sum, maximum, minimum or average over the cards, element by element, on every card. NaN on one card is NaN on all of them.
   *
   * @param trees - One a card: the gradients of a loss, say.
   * @throws DTypeError for bool, and for the average of integers.
   * @throws ShapeError, DTypeError or TreeError if the trees differ; BackendError if a tensor lives elsewhere; TracingError inside of a trace.
   * @throws CudaError if NCCL fails.
   */
  allReduce<T>(trees: readonly (T & CheckTree<T>)[], op: Reduction): T[] {
    const parts = this.read("allReduce", trees);
    checkReduction("allReduce", parts, op);
    return this.collect("allReduce", parts, ({ shape }) => shape, op);
  }

  /**
   * The tensors of one card, on every card.
   *
   * @param tree - All of it on one card of the group.
   * @throws BackendError if it lives elsewhere, or on several; TracingError inside of a trace.
   * @throws CudaError if NCCL fails.
   */
  broadcast<T>(tree: T & CheckTree<T>): T[] {
    this.checkOpen();
    const { structure, leaves } = readTree("broadcast", "tree", tree);
    const root = Math.max(0, this.backends.findIndex((backend) => backend === leaves[0]?.tensor.owner)); // prettier-ignore
    for (const { name, tensor } of leaves) checkPlace("broadcast", name, tensor, this.backends[root]);
    const parts = { structure, names: leaves.map(({ name }) => name), tensors: leaves.map(({ tensor }) => [tensor]) };
    return this.collect("broadcast", parts, ({ shape }) => shape, "sum", root);
  }

  /**
   * The tensors of all cards one after the other along axis 0, in the order of the group, on every card: `[n, …]` becomes `[cards · n, …]`.
   *
   * @param trees - One a card, of tensors with at least one axis.
   * @throws ShapeError for scalars, and as {@link CudaGroup.allReduce}.
   */
  allGather<T>(trees: readonly (T & CheckTree<T>)[]): T[] {
    const parts = this.read("allGather", trees);
    checkRows("allGather", parts, 1);
    const cards = this.backends.length;
    return this.collect("allGather", parts, ({ shape: [rows, ...rest] }) => [cards * rows, ...rest], "sum");
  }

  /**
   * A part of {@link CudaGroup.allReduce} on each card: of `[n, …]`, rows i · n / cards to (i + 1) · n / cards on card i.
   *
   * @param trees - One a card, of tensors whose first axis can be divided by the number of cards.
   * @throws ShapeError if it cannot, and as {@link CudaGroup.allReduce}.
   */
  reduceScatter<T>(trees: readonly (T & CheckTree<T>)[], op: Reduction): T[] {
    const parts = this.read("reduceScatter", trees);
    checkReduction("reduceScatter", parts, op);
    const cards = this.backends.length;
    checkRows("reduceScatter", parts, cards);
    return this.collect("reduceScatter", parts, ({ shape: [rows, ...rest] }) => [rows / cards, ...rest], op);
  }

  /** Waits for the cards and gives back what NCCL holds on them. Disposing a backend of the group does it, too. */
  dispose(): void {
    if (this.closed) return;
    this.closed = true;
    for (const { device } of this.backends) device.beforeClose.delete(this.close);
    this.communicator.close();
  }

  private checkOpen(): void {
    if (this.closed) throw new CudaError("cuda: the group was disposed; make a new one with cudaGroup.");
    for (const backend of this.backends) backend.checkOpen();
  }

  /** The leaves of the trees, place by place. */
  private read(caller: string, trees: readonly unknown[]): Parts {
    this.checkOpen();
    const { backends } = this;
    if (!Array.isArray(trees))
      throw new TreeError(`${caller}: trees is ${String(trees)}; wants an array of one tree a card.`);
    if (trees.length !== backends.length)
      throw new ShapeError(`${caller}: there are ${trees.length} trees for ${backends.length} cards; wants one a card.`); // prettier-ignore
    const read = trees.map((tree, i) => readTree(caller, `trees[${i}]`, tree));
    const [{ structure, leaves }] = read;
    read.forEach((tree, i) => {
      if (!sameStructure(structure, tree.structure))
        throw new TreeError(`${caller}: trees[${i}] has another structure than trees[0]; wants trees that are alike.`);
      tree.leaves.forEach(({ name, tensor }, place) => {
        checkPlace(caller, name, tensor, backends[i]);
        const { name: firstName, tensor: first } = leaves[place];
        if (tensor.dtype !== first.dtype)
          throw new DTypeError(`${caller}: ${firstName} is ${first.dtype}, but ${name} is ${tensor.dtype}; wants one dtype.`); // prettier-ignore
        if (tensor.shape.join() !== first.shape.join())
          throw new ShapeError(`${caller}: ${firstName} has shape [${first.shape.join(", ")}], but ${name} has [${tensor.shape.join(", ")}]; wants one shape.`); // prettier-ignore
      });
    });
    return {
      structure,
      names: leaves.map(({ name }) => name),
      tensors: leaves.map((_, place) => read.map((tree) => tree.leaves[place].tensor)),
    };
  }

  private collect<T>(
    kind: CollectiveKind,
    { structure, tensors }: Parts,
    shapeOf: (x: Tensor) => Shape,
    op: Reduction,
    root = 0,
  ): T[] {
    return tidy(() => {
      const collectives: Collective[] = [];
      const add = (given: readonly Tensor[], by = op): Tensor[] => {
        const shape = shapeOf(given[0]);
        const { dtype, size } = given[0];
        const results = this.backends.map((backend) => empty(backend, shape, dtype));
        if (results[0].size === 0) return results;
        const address = (x: Tensor, card: number): bigint => this.backends[card].bufferOf(x.buffer, dtype).address;
        const to = results.map(address);
        const from = kind === "broadcast" ? to.map((y, card) => (card === root ? address(given[0], root) : y)) : given.map(address); // prettier-ignore
        const count = kind === "reduceScatter" ? results[0].size : size;
        const label = `${kind} of [${given[0].shape.join()}] ${dtype} over ${this.backends.length} cards`;
        collectives.push({ kind, dtype, count, op: by, root, from, to, label });
        return results;
      };
      const results = tensors.map((given) => {
        const all = add(given);
        // NCCL's extremes are fmax and fmin, to which NaN on one card is no number. Whether any card has one is asked beside it, by bytes.
        const extreme = (op === "max" || op === "min") && given[0].dtype.startsWith("float");
        return { all, spoilt: extreme ? add(given.map(isNaN), "max") : null };
      });
      if (collectives.length > 0) this.communicator.run(collectives);
      return this.backends.map(
        (_, card) =>
        unflatten<T>(structure, results.map(({ all, spoilt }) => (spoilt === null ? all[card] : where(spoilt[card], NaN, all[card])))), // prettier-ignore
      );
    });
  }
}

/** Of trees that are alike: the tensors of each place, a card each. */
interface Parts {
  readonly structure: Structure;
  readonly names: readonly string[];
  readonly tensors: readonly (readonly Tensor[])[];
}

/** Elements that a collective writes. */
function empty(backend: CudaBackend, shape: Shape, dtype: DType): Tensor {
  const size = sizeOf(shape);
  const what = (): string => `[${shape.join()}] ${dtype} of a collective`;
  const buffer = size === 0 ? hostArray(dtype, 0) : backend.wrap(Buffer.allocate(backend.device.memory, dtype, size, what)); // prettier-ignore
  return new Tensor(shape, dtype, false, 0, backend, buffer, true);
}

interface Leaf {
  readonly name: string;
  readonly tensor: Tensor;
}

function readTree(caller: string, root: string, tree: unknown): { structure: Structure; leaves: Leaf[] } {
  const { structure } = flatten(tree as Tensor);
  const leaves = leavesWithPath(tree as Tensor).map(({ path, leaf }) => ({
    name: formatPath(path, root),
    tensor: leaf,
  }));
  for (const { name, tensor } of leaves) {
    if (tensor.tag !== 0)
      throw new TracingError(`${caller}: ${name} is a value inside a transformation; call it on what grad, jit and the like return.`); // prettier-ignore
    if (tensor.disposed) throw new BackendError(`${caller}: ${name} was disposed.`);
  }
  return { structure, leaves };
}

function checkPlace(caller: string, name: string, { owner }: Tensor, place: CudaBackend): void {
  if (owner !== place)
    throw new BackendError(`${caller}: ${name} lives on ${owner!.name}; wants it on ${place.name}: move it with .to(backend).`); // prettier-ignore
}

function checkReduction(caller: string, { names, tensors }: Parts, op: Reduction): void {
  if (!["sum", "max", "min", "avg"].includes(op))
    throw new DomainError(`${caller}: op is ${String(op)}; wants "sum", "max", "min" or "avg".`);
  tensors.forEach(([{ dtype }], i) => {
    if (dtype === "bool") throw new DTypeError(`${caller}: ${names[i]} is bool; wants numbers: cast("int32").`);
    if (op === "avg" && !dtype.startsWith("float"))
      throw new DTypeError(`${caller}: ${names[i]} is ${dtype}, whose average is no ${dtype}; cast it to a float, or take the sum.`); // prettier-ignore
  });
}

/** Whether the first axis can be divided. */
function checkRows(caller: string, { names, tensors }: Parts, divisor: number): void {
  tensors.forEach(([{ shape }], i) => {
    if (shape.length === 0) throw new ShapeError(`${caller}: ${names[i]} is a scalar; wants at least one axis.`);
    if (shape[0] % divisor !== 0)
      throw new ShapeError(`${caller}: ${names[i]} has shape [${shape.join(", ")}]; wants a first axis that ${divisor} cards can divide.`); // prettier-ignore
  });
}
