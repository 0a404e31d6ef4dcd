#!/usr/bin/env node
/** The program. */

import { start } from "app-frame";
import { app } from "./main.js";

await start(app);
