/** Heat maps over log v and log x as compact SVG: one path for each colour, a run of equal cells one stroke of it. */

export interface Picture {
  readonly v: readonly [low: number, high: number];
  readonly x: readonly [low: number, high: number];
  readonly panels: readonly { readonly title: string; readonly classes: readonly number[] }[];
  readonly legend: readonly { readonly label: string; readonly colour: string }[];
}

const cell = 5;
const gap = 46;
const top = 24;

export function svg({ v, x, panels, legend }: Picture, perDecade: number): string {
  const [rows, columns] = [(v[1] - v[0]) * perDecade, (x[1] - x[0]) * perDecade];
  const [width, height] = [columns * cell, rows * cell];
  const totalWidth = panels.length * (width + gap) + 10;
  const key = keys(legend, totalWidth);
  const body = panels.map(({ title, classes }, i) => {
    const strokes = legend.map(({ colour }, k) => `<path stroke="${colour}" d="${runs(classes, k, rows, columns)}"/>`);
    const marks = [
      ...ticks(x).map((d) => text((d - x[0]) * perDecade * cell, height + 16, power(d), "middle")),
      ...ticks(v).map((d) => text(-5, height - (d - v[0]) * perDecade * cell + 4, power(d), "end")),
      text(width - 8, height + 16, "x", "end", "italic"),
      text(-5, 14, "v", "end", "italic"),
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

const power = (d: number): string => `10<tspan dy="-4" font-size="9">${d < 0 ? "−" : ""}${Math.abs(d)}</tspan>`;

const text = (x: number, y: number, content: string, anchor: string, style = "normal"): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}"${style === "normal" ? "" : ` font-style="${style}"`}>${content}</text>`;
