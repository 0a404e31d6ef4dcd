/** The command: its options, and the parts, written into a folder. */

import { join } from "node:path";
import {
  checkList,
  defineApp,
  flag,
  inputFile,
  integer,
  number,
  oneOf,
  outputFolder,
  section,
  seed,
  someOf,
  text,
  UsageError,
  type App,
} from "app-frame";
import * as random from "@curv/tensor/random";
import type { Chapter } from "./chapter.js";
import { planKinds } from "./colour-map.js";
import { colourChapter } from "./colour-page.js";
import { studyColours } from "./colour-study.js";
import { convergenceChapter } from "./convergence-page.js";
import { studyConvergence } from "./convergence-study.js";
import { indexPage } from "./index-page.js";
import { morphChapter } from "./morph-page.js";
import { studyMorphs } from "./morph-study.js";
import type { Watch } from "./progress.js";
import { fullSettings, largeSizes, parts, quickSettings, type ColourSettings, type Part, type Settings } from "./settings.js"; // prettier-ignore

const makers: Readonly<Record<Part, (settings: Settings, key: random.Key, watch: Watch) => Promise<Chapter>>> = {
  colour: async (settings, key, watch) => colourChapter(await studyColours(settings.colour, key, watch), settings),
  morph: async (settings, key, watch) => morphChapter(await studyMorphs(settings.morph, key, watch), settings),
  convergence: async (settings, key, watch) =>
    convergenceChapter(await studyConvergence(settings.convergence, key, watch), settings),
};

const { colour, morph, convergence } = fullSettings;
const share = { least: 1e-4, most: 1e4 };
const picture = "a PNG or JPEG";

export const app: App = defineApp({
  name: "transport",
  description: `Optimal transport to look at: the colours of one picture carried to another, points and digits that turn into each
other, and how fast Sinkhorn-Newton-Sparse converges. Writes pages and pictures into a folder.`,
  options: {
    only: someOf("parts", `some of ${parts.join(", ")}; separated by commas (default all)`, parts),
    out: outputFolder("folder", "where to write (default transport; made if it is not there)", "transport"),
    seed,
    quick: flag("a little of everything in seconds; its numbers mean little"),
    ...section("Colour", {
      source: inputFile("file", "the picture to recolour, PNG or JPEG", picture),
      target: inputFile(
        "file",
        "the picture with the colours that are wanted (default: two generated landscapes)",
        picture,
      ),
      plan: someOf("kinds", `some of ${planKinds.join(", ")} (default all)`, planKinds),
      palette: oneOf("method", `kmeans, or sample: pixels drawn at random (default ${colour.palette})`, [
        "kmeans",
        "sample",
      ]),
      colours: integer("count", `colours of a palette, 1 to 2000 (default ${colour.colours})`, { least: 1, most: 2000 }), // prettier-ignore
      epsilon: number("share", `strength of the entropy, as a share of the mean squared distance (default ${colour.epsilon})`, share), // prettier-ignore
      rho: number("share", `price of proportions that are not met, likewise (default ${colour.rho})`, share),
    }),
    ...section("Morph", {
      digits: text("a,b", `two digits, 0 to 9 (default ${morph.digits.join(",")})`),
      points: integer("count", `points of a cloud, 2 to 5000 (default ${morph.points})`, { least: 2, most: 5000 }),
    }),
    ...section("Convergence", {
      sweeps: integer("count", `of Sinkhorn, at most (default ${convergence.sweeps})`, { least: 100, most: 1e7 }),
      clock: oneOf("kind", "wall, or cpu: processor time, for busy machines (default wall)", ["wall", "cpu"]),
      large: flag(`Sinkhorn-Newton-Sparse with ${largeSizes.full} points on each side, too`),
    }),
  },
  run: async (given, { signal, onProgress, print, write }) => {
    const base = given.quick ? quickSettings : fullSettings;
    const settings: Settings = {
      ...base,
      seed: given.seed,
      parts: given.only,
      colour: {
        ...base.colour,
        files: files(given),
        palette: given.palette ?? base.colour.palette,
        colours: given.colours ?? base.colour.colours,
        plans: given.plan,
        epsilon: given.epsilon ?? base.colour.epsilon,
        rho: given.rho ?? base.colour.rho,
      },
      morph: {
        ...base.morph,
        digits: given.digits === undefined ? base.morph.digits : twoDigits(given.digits),
        points: given.points ?? base.morph.points,
      },
      convergence: {
        ...base.convergence,
        sweeps: given.sweeps ?? base.convergence.sweeps,
        clock: given.clock ?? base.convergence.clock,
        large: given.large ? largeSizes[given.quick ? "quick" : "full"] : null,
      },
    };
    const watch: Watch = {
      signal,
      onProgress: ({ part, stage, fraction, text }) =>
        onProgress({ label: `${part.padEnd(11)} ${stage.padEnd(20)}`, fraction, text }),
    };
    const chapters: Chapter[] = [];
    for (const part of settings.parts) {
      // The same numbers whichever other parts there are.
      const key = random.foldIn(random.key(settings.seed), parts.indexOf(part));
      const chapter = await makers[part](settings, key, watch);
      chapters.push(chapter);
      for (const [name, content] of chapter.files) await write(join(given.out, name), content);
    }
    const index = join(given.out, "index.html");
    await write(index, indexPage(chapters, settings));
    for (const { title, table, checks } of chapters) {
      print(`\n${title}\n${table}`);
      if (checks.length > 0) print(checkList(checks));
    }
    print(`\nPages: ${index}`);
    return chapters.every(({ checks }) => checks.every(({ holds }) => holds));
  },
});

function twoDigits(text: string): readonly [number, number] {
  const match = /^(\d),(\d)$/.exec(text);
  if (match === null) throw new UsageError(`--digits is "${text}"; wants two digits such as 2,7`);
  return [Number(match[1]), Number(match[2])];
}

function files(given: { source: string | undefined; target: string | undefined }): ColourSettings["files"] {
  const { source, target } = given;
  if (source === undefined && target === undefined) return null;
  if (source === undefined) throw new UsageError("--target was given without --source");
  if (target === undefined) throw new UsageError("--source was given without --target");
  return { source, target };
}
