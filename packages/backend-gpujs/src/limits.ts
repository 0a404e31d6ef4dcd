/** How long arrays may be. Constants by themselves, so that tests can make all arrays long. */

/**
 * Most numbers of one launch and of one array of the device. Flat indices are float32 numbers, exact with a half added below 2²³; beyond 2²⁴
 * gpu.js's own thread index is wrong, too.
 */
export const longestArray: number = 2 ** 23;

/** Elements of a block, whatever their dtype, so that blocks of floats and of integers (two numbers each) are of the same rows. */
export const blockLength: number = 2 ** 22;
