/**
 * The network simplex for the transportation problem, on plain arrays.
 *
 * Nodes 0 … n − 1 are sources, n … n + m − 1 sinks, n + m is the root. A basis is a spanning tree; it is kept strongly feasible (every arc
 * without flow points to the root), so that degenerate pivots cannot cycle. Entering arcs are found by block search.
 * Source: Ahuja, Magnanti & Orlin, Network Flows (1993), ch. 11; pricing: Kelly & O'Neill (1991).
 */

/** Arcs of a sparse problem: arc k goes from source `from[k]` to sink `to[k]`. */
export interface Arcs {
  readonly from: Int32Array;
  readonly to: Int32Array;
}

export interface TransportProblem {
  /** Supplies ≥ 0. */
  readonly supply: Float64Array;
  /** Demands ≥ 0 of the same sum. */
  readonly demand: Float64Array;
  /** Costs of the arcs: all n × m row by row, or those of `arcs`. */
  readonly cost: Float64Array;
  /** Absent: every source is joined with every sink. */
  readonly arcs?: Arcs;
}

export interface Basis {
  /** Potentials of the sources and of the sinks: α_i + β_j ≤ C_ij, with equality on the tree, at an optimum. */
  readonly alpha: Float64Array;
  readonly beta: Float64Array;
  /** Arcs with flow, in the order of the arcs. */
  readonly arc: Int32Array;
  readonly flow: Float64Array;
  readonly pivots: number;
  readonly status: "optimal" | "max-iterations" | "infeasible";
}

/** The basis as a forest over the sources 0 … n − 1 and the sinks n … n + m − 1, whose arcs all have a cost of the problem. */
export interface Forest {
  /** Node above each node; −1 for the top of a tree. */
  readonly parent: Int32Array;
  /** All nodes, each after the one above it. */
  readonly order: Int32Array;
  /** Of the top of a tree its potential (α of a source, β of a sink); 0 elsewhere. */
  readonly top: Float64Array;
}

/** The state of a run: `pivot(limit)` does at most so many pivots and says whether none is left to do. */
export interface NetworkSimplex {
  pivot(limit: number): boolean;
  result(): Basis;
  forest(): Forest;
}

/**
 * Prepares a run from the tree in which every node hangs on the root by an artificial arc.
 *
 * @param warm - Potentials of a similar problem: those of the sinks order the first pivots, which then mostly enter arcs that stay.
 */
export function networkSimplex({ supply, demand, cost, arcs }: TransportProblem, warm?: Float64Array): NetworkSimplex {
  const n = supply.length;
  const m = demand.length;
  const root = n + m;
  const nodes = root + 1;
  const arcCount = cost.length;
  let scale = 0;
  for (let k = 0; k < arcCount; k++) scale = Math.max(scale, Math.abs(cost[k]));
  if (scale === 0) scale = 1;
  // Relative to the largest cost: huge and tiny units price alike.
  const price = new Float64Array(arcCount);
  for (let k = 0; k < arcCount; k++) price[k] = cost[k] / scale;
  const artificial = 2 * (nodes + 1);
  const tolerance = 1e-14;

  // Of node v: its parent, the arc between them (−1: artificial), whether that arc points up, its flow, its depth, and its potential.
  const parent = new Int32Array(nodes).fill(root);
  const treeArc = new Int32Array(nodes).fill(-1);
  const up = new Uint8Array(nodes);
  const flow = new Float64Array(nodes);
  const depth = new Int32Array(nodes).fill(1);
  const potential = new Float64Array(nodes);
  // Children as doubly linked lists.
  const child = new Int32Array(nodes).fill(-1);
  const sibling = new Int32Array(nodes).fill(-1);
  const previous = new Int32Array(nodes).fill(-1);
  parent[root] = -1;
  depth[root] = 0;
  for (let v = 0; v < root; v++) {
    const isSource = v < n;
    flow[v] = isSource ? supply[v] : demand[v - n];
    // A node without mass points to the root, whichever it is: strongly feasible.
    up[v] = isSource || flow[v] === 0 ? 1 : 0;
    potential[v] = up[v] === 1 ? -artificial : artificial;
    attach(v, root);
  }

  function attach(v: number, to: number): void {
    parent[v] = to;
    previous[v] = -1;
    sibling[v] = child[to];
    if (child[to] !== -1) previous[child[to]] = v;
    child[to] = v;
  }

  function detach(v: number): void {
    if (previous[v] === -1) child[parent[v]] = sibling[v];
    else sibling[previous[v]] = sibling[v];
    if (sibling[v] !== -1) previous[sibling[v]] = previous[v];
  }

  const block = Math.max(Math.ceil(Math.sqrt(arcCount)), 10);
  let next = 0;
  let pivots = 0;
  let isOptimal = false;
  let entering = -1;
  let enteringFrom = 0;
  let enteringTo = 0;
  const queue = warm === undefined ? null : promising(warm);
  let queued = 0;

  /** For each source the arc that is best for the given sink potentials. */
  function promising(beta: Float64Array): Int32Array {
    const best = new Int32Array(n).fill(-1);
    const value = new Float64Array(n).fill(Infinity);
    for (let k = 0; k < arcCount; k++) {
      const i = arcs === undefined ? Math.floor(k / m) : arcs.from[k];
      const j = arcs === undefined ? k - i * m : arcs.to[k];
      const reduced = cost[k] - beta[j];
      if (reduced < value[i]) {
        value[i] = reduced;
        best[i] = k;
      }
    }
    return best.filter((k) => k >= 0);
  }

  /** Cost of an arc less what the potentials pay: π_from + c − π_to. */
  function findDense(): boolean {
    let smallest = -tolerance;
    let left = block;
    let k = next;
    let i = Math.floor(k / m);
    let j = k - i * m;
    entering = -1;
    for (let scanned = 0; scanned < arcCount;) {
      // To the end of the row, of the block, or of the scan.
      const stop = Math.min(m, j + left, j + arcCount - scanned);
      const base = k - j;
      const pi = potential[i];
      for (let c = j; c < stop; c++) {
        const reduced = price[base + c] + pi - potential[n + c];
        if (reduced < smallest) {
          // Rounding of large potentials is no reason to pivot.
          if (reduced < -tolerance * (Math.abs(pi) + Math.abs(potential[n + c]) + 1)) {
            smallest = reduced;
            entering = base + c;
          }
        }
      }
      scanned += stop - j;
      left -= stop - j;
      k = base + stop;
      j = stop;
      if (j === m) {
        j = 0;
        i++;
        if (i === n) {
          i = 0;
          k = 0;
        }
      }
      if (left === 0) {
        if (entering >= 0) break;
        left = block;
      }
    }
    next = k;
    if (entering < 0) return false;
    enteringFrom = Math.floor(entering / m);
    enteringTo = n + entering - enteringFrom * m;
    return true;
  }

  function findSparse({ from, to }: Arcs): boolean {
    let smallest = -tolerance;
    let left = block;
    let k = next;
    entering = -1;
    for (let scanned = 0; scanned < arcCount; scanned++) {
      const reduced = price[k] + potential[from[k]] - potential[n + to[k]];
      if (
        reduced < smallest &&
        reduced < -tolerance * (Math.abs(potential[from[k]]) + Math.abs(potential[n + to[k]]) + 1)
      ) {
        smallest = reduced;
        entering = k;
      }
      if (++k === arcCount) k = 0;
      if (--left === 0) {
        if (entering >= 0) break;
        left = block;
      }
    }
    next = k;
    if (entering < 0) return false;
    enteringFrom = from[entering];
    enteringTo = n + to[entering];
    return true;
  }

  function find(): boolean {
    while (queue !== null && queued < queue.length) {
      const k = queue[queued++];
      const i = arcs === undefined ? Math.floor(k / m) : arcs.from[k];
      const j = n + (arcs === undefined ? k - i * m : arcs.to[k]);
      if (price[k] + potential[i] - potential[j] >= -tolerance) continue;
      entering = k;
      enteringFrom = i;
      enteringTo = j;
      return true;
    }
    return arcs === undefined ? findDense() : findSparse(arcs);
  }

  function exchange(): void {
    // The cycle: from the join down to `from`, over the entering arc, from `to` up to the join.
    let p = enteringFrom;
    let q = enteringTo;
    while (p !== q) {
      if (depth[p] > depth[q]) p = parent[p];
      else if (depth[p] < depth[q]) q = parent[q];
      else {
        p = parent[p];
        q = parent[q];
      }
    }
    const join = p;
    // The last arc of the cycle, seen from the join, that runs empty: this keeps the tree strongly feasible.
    let delta = Infinity;
    let leaving = -1;
    let isFirst = true;
    for (let v = enteringFrom; v !== join; v = parent[v]) {
      if (up[v] === 1 && flow[v] < delta) {
        delta = flow[v];
        leaving = v;
      }
    }
    for (let v = enteringTo; v !== join; v = parent[v]) {
      if (up[v] === 0 && flow[v] <= delta) {
        delta = flow[v];
        leaving = v;
        isFirst = false;
      }
    }
    if (delta > 0) {
      for (let v = enteringFrom; v !== join; v = parent[v]) flow[v] += up[v] === 1 ? -delta : delta;
      for (let v = enteringTo; v !== join; v = parent[v]) flow[v] += up[v] === 1 ? delta : -delta;
    }
    if (isFirst) rehang(enteringFrom, enteringTo, leaving, delta, 1);
    else rehang(enteringTo, enteringFrom, leaving, delta, 0);
  }

  /** Hangs the subtree below the leaving arc on `outer` by its node `inner`, and turns the path between `inner` and `top` round. */
  function rehang(inner: number, outer: number, top: number, amount: number, points: number): void {
    const c = price[entering];
    const shift = (points === 1 ? potential[outer] - c : potential[outer] + c) - potential[inner];
    let to = outer;
    let arc = entering;
    for (let v = inner; ;) {
      const above = parent[v];
      const oldArc = treeArc[v];
      const oldUp = up[v];
      const oldFlow = flow[v];
      detach(v);
      attach(v, to);
      treeArc[v] = arc;
      up[v] = points;
      flow[v] = amount;
      if (v === top) break;
      to = v;
      arc = oldArc;
      points = 1 - oldUp;
      amount = oldFlow;
      v = above;
    }
    for (let v = inner; ;) {
      potential[v] += shift;
      depth[v] = depth[parent[v]] + 1;
      if (child[v] !== -1) v = child[v];
      else {
        while (v !== inner && sibling[v] === -1) v = parent[v];
        if (v === inner) break;
        v = sibling[v];
      }
    }
  }

  return {
    pivot(limit) {
      for (let k = 0; k < limit; k++) {
        if (!find()) {
          isOptimal = true;
          return true;
        }
        exchange();
        pivots++;
      }
      return false;
    },
    result() {
      const used: number[] = [];
      let unserved = 0;
      let mass = 0;
      for (let v = 0; v < root; v++) {
        if (treeArc[v] >= 0 && flow[v] > 0) used.push(v);
        if (treeArc[v] < 0) unserved += flow[v];
        if (v < n) mass += supply[v];
      }
      used.sort((v, w) => treeArc[v] - treeArc[w]);
      return {
        alpha: potential.slice(0, n).map((p) => -p * scale),
        beta: potential.slice(n, root).map((p) => p * scale),
        arc: Int32Array.from(used, (v) => treeArc[v]),
        flow: Float64Array.from(used, (v) => flow[v]),
        pivots,
        status: !isOptimal ? "max-iterations" : unserved > 1e-9 * mass ? "infeasible" : "optimal",
      };
    },
    forest() {
      const order = new Int32Array(root);
      let count = 0;
      for (let v = child[root]; v !== -1;) {
        order[count++] = v;
        if (child[v] !== -1) v = child[v];
        else {
          while (v !== root && sibling[v] === -1) v = parent[v];
          v = v === root ? -1 : sibling[v];
        }
      }
      const isTop = (v: number): boolean => treeArc[v] < 0;
      return {
        parent: Int32Array.from({ length: root }, (_, v) => (isTop(v) ? -1 : parent[v])),
        order,
        top: Float64Array.from({ length: root }, (_, v) => (isTop(v) ? (v < n ? -scale : scale) * potential[v] : 0)),
      };
    },
  };
}
