/** The conformance suite on the native engine, where there is one. */

import { conformance } from "@curv/tensor/testing";
import { test, vi } from "vitest";
import { open, whyNot } from "./engines.js";

vi.setConfig({ testTimeout: 60_000 });

const reason = whyNot("native");
if (reason !== undefined) test("conformance of the native engine", ({ skip }) => skip(reason));
else conformance(await open("native"), { dtypes: ["float32", "int32", "uint32", "bool"], sameBits: false });
