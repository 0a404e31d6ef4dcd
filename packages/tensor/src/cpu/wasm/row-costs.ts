/** When it pays to take rows through several kernels. Tests replace these numbers, so that small arrays are done so, too. */

/** Bytes that may be under way at a time: what the second cache has room for. */
export const cacheBytes = 131_072;

/** Steps that together move less are in the cache anyway. */
export const fewBytes = 1_048_576;

/** Rows of fewer bytes would cost more in calls than in memory. */
export const shortRow = 512;
