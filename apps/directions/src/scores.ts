/** How well clusters agree with labels, and a score with being of a kind. */

/** How often each label (row) is in each cluster (column). */
export type Confusion = readonly (readonly number[])[];

export function confusionOf(labels: readonly number[], clusters: readonly number[], count: number): Confusion {
  const table = Array.from({ length: 10 }, () => new Array<number>(count).fill(0));
  labels.forEach((label, i) => table[label][clusters[i]]++);
  return table;
}

const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

const columnsOf = (table: Confusion): number[][] => table[0].map((_, k) => table.map((row) => row[k]));

/** The commonest label of each cluster. */
export function majorities(table: Confusion): number[] {
  return columnsOf(table).map((column) => column.indexOf(Math.max(...column)));
}

/** The share of those whose label is the commonest one of their cluster. */
export function purity(table: Confusion): number {
  return total(columnsOf(table).map((column) => Math.max(...column))) / total(table.flat());
}

/** Mutual information of labels and clusters, divided by the mean of their entropies: 0 for independent ones, 1 for the same ones. */
export function normalisedMutualInformation(table: Confusion): number {
  const n = total(table.flat());
  const entropy = (counts: readonly number[]): number =>
    -total(counts.filter((c) => c > 0).map((c) => (c / n) * Math.log(c / n)));
  const rows = entropy(table.map(total));
  const columns = entropy(columnsOf(table).map(total));
  const mean = (rows + columns) / 2;
  return mean === 0 ? 1 : (rows + columns - entropy(table.flat())) / mean;
}

/** The probability that one of `positive` scores above one of `negative`, ties counted half: the area under the ROC curve. */
export function auroc(positive: readonly number[], negative: readonly number[]): number {
  const sorted = [...negative].sort((a, b) => a - b);
  const wins = positive.map((score) => (below(sorted, score, false) + below(sorted, score, true)) / 2);
  return total(wins) / (positive.length * negative.length);
}

/** How many of the sorted values are less than the bound, or equal to it. */
function below(sorted: readonly number[], bound: number, orEqual: boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < bound || (orEqual && sorted[middle] === bound)) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
