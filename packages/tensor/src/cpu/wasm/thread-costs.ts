/** When threads pay. Tests replace these numbers, so that small arrays are shared too. */

/** Kernels that are estimated to take so many nanoseconds are shared: a parked worker takes some 50 µs to wake. */
export const worthThreads = 150_000;

/** Elements that a thread takes at once. */
export const chunkElements = 8192;

/** Multiplications of a matrix product that a thread takes at once. */
export const chunkMultiplications = 4_194_304;
