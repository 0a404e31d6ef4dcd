/**
 * The random cases of properties are the same at every run, so that what fails for one fails for all. `CURV_PROPERTY_SEED=random` (or a
 * number) looks at others.
 */

import fc from "fast-check";

const asked = process.env.CURV_PROPERTY_SEED ?? "20261130";

if (asked !== "random") fc.configureGlobal({ seed: Number(asked) });
