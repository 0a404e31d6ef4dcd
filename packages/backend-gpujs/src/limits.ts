/** How long arrays may be. No constants, so that tests can make all arrays long: nobody else changes them. */

export const limits = {
  /**
   * Most numbers of one launch and of one array of the device. Flat indices are float32 numbers, exact with a half added below 2²³; beyond 2²⁴
   * gpu.js's own thread index is wrong, too.
   */
  longestArray: (2 ** 23) as number,

  /** Elements of a block, whatever their dtype, so that blocks of floats and of integers (two numbers each) are of the same rows. */
  blockLength: (2 ** 22) as number,
};
