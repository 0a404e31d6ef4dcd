/** What the report has beyond the style of all apps. */

export const style = `
:root { --mlp: var(--second); --cnn: var(--first); }
.card .value { font-size: 2rem; font-weight: 650; font-variant-numeric: tabular-nums; }
sub { font-size: .75em; line-height: 0; }
.symbol { white-space: nowrap; }
.digits { display: grid; grid-template-columns: repeat(auto-fill, minmax(92px, 1fr)); gap: 1rem .5rem; margin: 1.5rem 0 .5rem; }
.digit { display: flex; flex-direction: column; align-items: center; font-size: .75rem; font-variant-numeric: tabular-nums; }
.digit img { image-rendering: pixelated; border-radius: 6px; margin-bottom: .25rem; border: 1px solid var(--line); }
.right { color: var(--muted); }
.wrong { color: var(--bad); font-weight: 650; }
`;
