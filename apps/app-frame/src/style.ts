/** The style sheet of all pages: light or dark, and readable on paper. */

const light =
  "--background: #ffffff; --text: #1d2530; --muted: #68737f; --line: #d9dee4; --surface: #f5f7f9; " +
  "--first: #d9622b; --second: #2868c8; --third: #4b9b54; --good: #2c7a3f; --bad: #c0322b;";

export const style: string = `
:root { color-scheme: light dark; ${light} }
@media (prefers-color-scheme: dark) {
  :root {
    --background: #14181d; --text: #e4e8ec; --muted: #97a3af; --line: #333c46; --surface: #1d232a;
    --first: #f0905e; --second: #6fa4f2; --third: #7fc888; --good: #7fc888; --bad: #f0837c;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--background); color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
a { color: var(--second); }
h1 { font-size: 2rem; margin: 0 0 .5rem; line-height: 1.2; }
h2 { font-size: 1.3rem; margin: 2.75rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0 0 .25rem; }
p { max-width: 48rem; margin: .5rem 0; }
.lead { font-size: 1.1rem; color: var(--muted); }
.note { border-left: 3px solid var(--first); padding-left: .75rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(240px, 1fr)); gap: 1rem; margin: 1.5rem 0 1rem; }
.card { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.25rem; }
.caption, figcaption, footer { color: var(--muted); font-size: .875rem; }
.checks { list-style: none; padding: 0; margin: 0; }
.checks li::before { display: inline-block; width: 1.5em; font-weight: 700; }
.checks .holds::before { content: "✓"; color: var(--good); }
.checks .missed::before { content: "✗"; color: var(--bad); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .925rem; }
th, td { text-align: left; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--muted); font-weight: 600; }
th.number, td.number { padding-right: 1.5rem; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.number { font-weight: 600; }
.wrong { color: var(--bad); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 1.25rem; align-items: start; }
figure { margin: 1rem 0 0; min-width: 0; }
figure figure { margin: 0; max-width: none !important; }
figure svg { max-width: 100%; height: auto; overflow: visible; --plot-background: var(--background); }
figure svg text { font-size: 12px; }
figure figure > div { font-size: 13px !important; }
figcaption { margin-top: .25rem; max-width: 40rem; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1rem; }
@media print {
  :root { color-scheme: light; ${light} --text: #000; --muted: #555; --line: #ccc; --surface: #fff; }
  main { max-width: none; padding: 0; }
  figure, .card, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  .scroll { overflow: visible; }
}
`;
