/**
 * Airy functions and their derivatives.
 *
 * @packageDocumentation
 */

export { airyAi, airyAiPrime, airyBi, airyBiPrime, type AiryOptions } from "./airy.js";
