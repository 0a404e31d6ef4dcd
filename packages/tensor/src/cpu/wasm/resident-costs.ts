/** When arrays stay in the kernels' memory. Tests replace these numbers, so that small arrays do. */

/** Smaller arrays are copied: it costs less than to look after them. */
export const residentBytes = 65_536;

/** What results that nobody disposes may hold together, and what copies of arguments may; beyond it arrays are copied as they come and go. */
export const mostResidentBytes = 134_217_728;
