/** What the pages have beyond the style of all apps. */

export const style = `
a.card { color: inherit; text-decoration: none; }
.card h2 { margin: 0 0 .25rem; color: var(--second); }
a.card:hover, a.card:focus-visible { border-color: var(--second); }
.three { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 240px), 1fr)); gap: 1.25rem; align-items: start; }
.picture img { display: block; width: 100%; height: auto; border-radius: 6px; background: repeating-conic-gradient(var(--line) 0 25%, var(--surface) 0 50%) 0 0 / 20px 20px; }
.palette { display: block; width: 100%; height: 22px; margin-top: .4rem; border-radius: 4px; }
.stage, .drawing { display: block; width: 100%; height: auto; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; }
.stage image { image-rendering: pixelated; }
.lines { fill: none; stroke: var(--first); stroke-width: .002; }
.ink { fill: var(--text); }
.moving { fill: var(--first); }
.controls { display: flex; gap: 1rem; align-items: center; position: sticky; top: 0; z-index: 1; background: var(--background); padding: .75rem 0; }
.controls button { font: inherit; font-weight: 600; min-width: 6rem; padding: .4rem 1rem; border: 1px solid var(--line); border-radius: 8px; background: var(--surface); color: inherit; cursor: pointer; }
.controls input { flex: 1; accent-color: var(--first); }
.controls output { min-width: 4.5rem; font-variant-numeric: tabular-nums; color: var(--muted); }
.strip { display: flex; gap: 2px; margin-top: .5rem; }
.strip svg { flex: 1 1 0; min-width: 0; width: 100%; height: auto; background: var(--surface); border-radius: 3px; }
.strip image { image-rendering: pixelated; }
@media print { .controls, .stage { display: none; } }
`;
