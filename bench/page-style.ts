/** The style sheet of the page. */

export const style = `
:root {
  color-scheme: light dark;
  --background: #ffffff; --text: #1d2530; --muted: #68737f; --line: #d9dee4; --surface: #f5f7f9; --good: #2c7a3f; --bad: #c0322b;
  --c0: #2868c8; --c1: #d9622b; --c2: #4b9b54; --c3: #8a5cc4; --c4: #b8860b; --c5: #c2418c; --c6: #2a9d9d; --c7: #6b7280; --c8: #9bbf3b; --c9: #a3372f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --background: #14181d; --text: #e4e8ec; --muted: #97a3af; --line: #333c46; --surface: #1d232a; --good: #7fc888; --bad: #f0837c;
    --c0: #6fa4f2; --c1: #f0905e; --c2: #7fc888; --c3: #b79bea; --c4: #e0b84c; --c5: #ec86bd; --c6: #6fd0d0; --c7: #a5adb8; --c8: #c5e17a; --c9: #e58a82;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--background); color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 2rem; margin: 0 0 .5rem; line-height: 1.2; }
h2 { font-size: 1.3rem; margin: 2.75rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 2rem 0 .25rem; }
p { max-width: 52rem; margin: .5rem 0; }
.lead { font-size: 1.1rem; color: var(--muted); }
.note { border-left: 3px solid var(--c1); padding-left: .75rem; }
.caption, figcaption, footer { color: var(--muted); font-size: .875rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--muted); font-weight: 600; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.met { color: var(--good); } .missed { color: var(--bad); font-weight: 650; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 1.25rem; align-items: start; }
.three { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 1.25rem; align-items: start; }
figure { margin: 1rem 0 0; min-width: 0; }
figure figure { margin: 0; max-width: none !important; }
figure svg { max-width: 100%; height: auto; overflow: visible; --plot-background: var(--background); }
figure svg text { font-size: 11.5px; }
figure figure > div { font-size: 13px !important; }
figcaption { margin-top: .25rem; max-width: 40rem; }
details { margin: .5rem 0; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1rem; }
`;
