/** Pictures of errors as compact SVG. Heat maps over log v and log x: one path for each colour, a run of equal cells one stroke of it.
 * Curves: a dot for each point. */

export interface Picture {
  readonly v: readonly [low: number, high: number];
  readonly x: readonly [low: number, high: number];
  /** The names of the argument that goes upwards and of the one to the right. */
  readonly order: string;
  readonly argument: string;
  readonly panels: readonly { readonly title: string; readonly classes: readonly number[] }[];
  readonly legend: readonly { readonly label: string; readonly colour: string }[];
}

const cell = 5;
const gap = 46;
const top = 24;

export function svg({ v, x, order, argument, panels, legend }: Picture, perDecade: number): string {
  const [rows, columns] = [(v[1] - v[0]) * perDecade, (x[1] - x[0]) * perDecade];
  const [width, height] = [columns * cell, rows * cell];
  const totalWidth = panels.length * (width + gap) + 10;
  const key = keys(legend, totalWidth);
  const body = panels.map(({ title, classes }, i) => {
    const strokes = legend.map(({ colour }, k) => `<path stroke="${colour}" d="${runs(classes, k, rows, columns)}"/>`);
    const marks = [
      ...ticks(x).map((d) => text((d - x[0]) * perDecade * cell, height + 16, power(d), "middle")),
      ...ticks(v).map((d) => text(-5, height - (d - v[0]) * perDecade * cell + 4, power(d), "end")),
      text(width - 8, height + 16, argument, "end", "italic"),
      text(-5, 14, order, "end", "italic"),
      text(0, -8, title, "start"),
    ];
    const cells = `<g transform="scale(${cell})translate(0 .5)" stroke-width="1" shape-rendering="crispEdges">${strokes.join("")}</g>`;
    const frame = `<rect width="${width}" height="${height}" fill="none" stroke="#444"/>`;
    return `<g transform="translate(${i * (width + gap) + gap} ${top})">${cells}${frame}${marks.join("")}</g>`;
  });
  const totalHeight = top + height + 30 + key.height;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${totalWidth} ${totalHeight}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    ...body,
    `<g transform="translate(${gap} ${top + height + 36})">${key.marks}</g>`,
    "</svg>\n",
  ].join("\n");
}

/** The cells of class k: strokes to the right along each row, the lowest order at the bottom. */
function runs(classes: readonly number[], k: number, rows: number, columns: number): string {
  let d = "";
  for (let row = 0; row < rows; row++) {
    for (let from = 0; from < columns; from++) {
      let to = from;
      while (to < columns && classes[row * columns + to] === k) to++;
      if (to > from) d += `M${from} ${rows - 1 - row}h${to - from}`;
      from = to;
    }
  }
  return d;
}

/** Boxes with labels, as many in a row as there is room for. */
function keys(legend: Picture["legend"], totalWidth: number): { marks: string; height: number } {
  let [left, row, marks] = [0, 0, ""];
  for (const { label, colour } of legend) {
    const wide = 30 + 7 * label.length;
    if (left + wide > totalWidth - gap) [left, row] = [0, row + 1];
    marks += `<rect x="${left}" y="${row * 20}" width="12" height="12" fill="${colour}" stroke="#444"/>`;
    marks += text(left + 17, row * 20 + 11, label, "start");
    left += wide;
  }
  return { marks, height: (row + 1) * 20 + 4 };
}

const ticks = ([low, high]: readonly [number, number]): number[] =>
  Array.from({ length: high - low }, (_, i) => low + i).filter((d) => d % 2 === 0);

const power = (d: number): string => `10<tspan dy="-4" font-size="9">${minus(d)}</tspan>`;

const text = (x: number, y: number, content: string, anchor: string, style = "normal"): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}"${style === "normal" ? "" : ` font-style="${style}"`}>${content}</text>`;

interface Curve {
  readonly name: string;
  readonly at: Float64Array;
  readonly panels: readonly { readonly title: string; readonly errors: Float64Array }[];
}

/** Panels of 240 by 110, three in a row: errors from 2⁻⁴ to 2¹⁰ units, log scale, over the argument; the first panel's dots on top. */
export function curvesSvg(curves: readonly Curve[]): string {
  const [width, height, perRow] = [240, 110, 3];
  const colours = ["#2171b5", "#fd8d3c"];
  const up = (error: number): number =>
    round(height * (1 - (Math.log2(Math.min(1024, Math.max(1 / 16, error))) + 4) / 14));
  const panels = curves.map(({ name, at, panels }, k) => {
    const half = (at[1] - at[0]) / 2;
    const [low, high] = [round(at[0] - half, 100), round(at[at.length - 1] + half, 100)];
    const across = (x: number): number => round((width * (x - low)) / (high - low));
    const dots = panels.map(({ errors }, i) => {
      const d = Array.from(errors, (e, j) => (e === e ? `M${across(at[j])} ${up(e)}h0` : "")).join("");
      return `<path stroke="${colours[i]}" stroke-width="2.4" stroke-linecap="round" d="${d}"/>`;
    });
    const marks = [1, 4, 32, 1024].map((e) => {
      const y = up(e);
      return `<path stroke="#ddd" d="M0 ${y}h${width}"/>${text(-5, y + 4, String(e), "end")}`;
    });
    const ends = text(0, height + 15, minus(low), "start") + text(width, height + 15, minus(high), "end");
    const frame = `<rect width="${width}" height="${height}" fill="none" stroke="#444"/>`;
    const [left, down] = [(k % perRow) * (width + gap) + gap, Math.floor(k / perRow) * (height + 50) + top];
    const body = marks.join("") + dots.reverse().join("") + frame + text(0, -7, name, "start") + ends;
    return `<g transform="translate(${left} ${down})">${body}</g>`;
  });
  const totalWidth = perRow * (width + gap) + 10;
  const keyAt = Math.ceil(curves.length / perRow) * (height + 50) + top - 10;
  const legend = curves[0].panels.map(({ title }, i) => ({ label: i === 0 ? "Curv" : title, colour: colours[i] }));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${totalWidth} ${keyAt + 24}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    ...panels,
    `<g transform="translate(${gap} ${keyAt})">${keys(legend, totalWidth).marks}</g>`,
    "</svg>\n",
  ].join("\n");
}

const round = (x: number, parts = 10): number => Math.round(x * parts) / parts;
const minus = (x: number): string => String(x).replace("-", "−");
