/** Colour transfer between two pictures, by several plans, and how near each comes to the target's colours. */

import { emd } from "@curv/ot";
import * as random from "@curv/tensor/random";
import { asTensors, colourMap, mapColours, type ColourMap, type PlanKind } from "./colour-map.js";
import { coloursOf, moments, recoloured, type Colours, type PictureColours } from "./colours.js";
import { paletteOf } from "./palette.js";
import { PictureError, readPicture } from "./picture-files.js";
import type { Picture } from "./picture.js";
import { stage, type Watch } from "./progress.js";
import { scenes } from "./scenes.js";
import type { ColourSettings } from "./settings.js";

/** How far a picture's colours are from the target's. */
export interface Likeness {
  /** Wasserstein-2 distance between palettes, in Oklab. */
  readonly distance: number;
  /** Distance between the means. */
  readonly mean: number;
  /** Frobenius norm of the difference of the covariances, relative to the target's. */
  readonly covariance: number;
}

export interface TransferResult extends Omit<ColourMap, "apply" | "moved" | "rho"> {
  /** null where the plan keeps its marginals. */
  readonly rho: number | null;
  readonly after: Likeness;
}

export interface ColourResults {
  readonly source: { readonly width: number; readonly height: number; readonly colours: number };
  readonly target: { readonly width: number; readonly height: number; readonly colours: number };
  readonly before: Likeness;
  readonly transfers: readonly TransferResult[];
}

/** A picture with its palette; a palette's colours stand in the order of the source's. */
export interface Shown {
  readonly picture: Picture;
  readonly palette: Colours;
}

export interface ColourStudy {
  readonly results: ColourResults;
  readonly source: Shown;
  readonly target: Shown;
  readonly transfers: readonly (Shown & { readonly kind: PlanKind; readonly seconds: number })[];
}

/** Reads or paints the pictures, solves the plans and recolours the source. */
export async function studyColours(settings: ColourSettings, key: random.Key, watch: Watch): Promise<ColourStudy> {
  const { signal } = watch;
  const [sceneKey, sourceKey, targetKey, resultKey] = random.split(key, 4);
  const pictures = await stage(
    watch,
    "colour",
    "pictures",
    async () => (settings.files === null ? scenes(sceneKey, settings.width) : readBoth(settings.files)),
    ({ source, target }) => `${source.width} × ${source.height} and ${target.width} × ${target.height} pixels`,
  );
  const palette = (colours: Colours, paletteKey: random.Key): Promise<Colours> =>
    paletteOf(colours, { size: settings.colours, method: settings.palette, key: paletteKey, signal });
  const [source, target] = await stage(
    watch,
    "colour",
    "palettes",
    async () => [
      await withPalette(pictures.source, "source", (c) => palette(c, sourceKey)),
      await withPalette(pictures.target, "target", (c) => palette(c, targetKey)),
    ],
    (both) => both.map((p) => `${p.palette.count} of ${p.colours.count} colours`).join(", "),
  );
  const likeness = async (colours: Colours): Promise<Likeness> =>
    likenessOf(colours, await palette(colours, resultKey), target, signal);
  const before = await likeness(source.colours);
  const transfers: (Shown & { kind: PlanKind; seconds: number; result: TransferResult })[] = [];
  for (const kind of settings.plans) {
    transfers.push(
      await stage(
        watch,
        "colour",
        kind,
        async (report) => {
          const start = performance.now();
          const { apply, moved, rho, ...numbers } = await colourMap(source.palette, target.palette, {
            ...settings,
            kind,
            signal,
            onProgress: ({ iterations }) => report(0, `${iterations} iterations`),
          });
          const onProgress = (fraction: number): void => report(fraction, "pixels");
          const points = await mapColours({ apply }, source.colours.points, { signal, onProgress });
          const seconds = (performance.now() - start) / 1000;
          const picture = recoloured(source.picture, source.colours.places, points);
          const after = await likeness(coloursOf(picture));
          const result = { ...numbers, rho: Number.isFinite(rho) ? rho : null, after };
          const movedPalette = { ...source.palette, points: moved.dataSync() as Float64Array };
          return { kind, picture, palette: movedPalette, seconds, result };
        },
        ({ result: { cost, after } }) =>
          `cost ${cost.toPrecision(4)}; distance to the target ${before.distance.toFixed(3)} → ${after.distance.toFixed(3)}`,
      ),
    );
  }
  const sizes = ({ picture: { width, height }, colours }: WithColours): ColourResults["source"] => ({
    width,
    height,
    colours: colours.count,
  });
  const results: ColourResults = {
    source: sizes(source),
    target: sizes(target),
    before,
    transfers: transfers.map(({ result }) => result),
  };
  return { results, source, target, transfers };
}

interface WithColours extends Shown {
  readonly colours: PictureColours;
}

async function withPalette(
  picture: Picture,
  name: string,
  palette: (colours: Colours) => Promise<Colours>,
): Promise<WithColours> {
  const colours = coloursOf(picture);
  if (!colours.weights.some((w) => w > 0)) {
    throw new PictureError(`the ${name} is transparent everywhere; wants a picture with visible pixels`);
  }
  return { picture, colours, palette: await palette(colours) };
}

async function readBoth(files: { source: string; target: string }): Promise<{ source: Picture; target: Picture }> {
  return { source: await readPicture(files.source), target: await readPicture(files.target) };
}

async function likenessOf(
  colours: Colours,
  palette: Colours,
  target: WithColours,
  signal: AbortSignal | undefined,
): Promise<Likeness> {
  const [{ points: x, weights: a }, { points: y, weights: b }] = [asTensors(palette), asTensors(target.palette)];
  const { cost } = await emd(a, b, { x, y }, signal === undefined ? {} : { signal });
  const [own, wanted] = [moments(colours), moments(target.colours)];
  const norm = (v: Float64Array): number => Math.hypot(...v);
  const spread = norm(wanted.covariance);
  const difference = norm(own.covariance.map((v, k) => v - wanted.covariance[k]));
  return {
    distance: Math.sqrt(Math.max(0, cost)),
    mean: norm(own.mean.map((v, k) => v - wanted.mean[k])),
    // A target of one colour has no spread to be relative to.
    covariance: spread > 0 ? difference / spread : difference,
  };
}
