/** What the page has beyond the style of all apps. */

export const style = `
th, td { padding: .4rem .75rem .4rem 0; }
th.number, td.number { padding-right: .75rem; }
td.number { font-weight: inherit; }
th.number { white-space: normal; vertical-align: bottom; }
.clusters { display: grid; grid-template-columns: repeat(auto-fill, minmax(110px, 1fr)); gap: 1rem; margin: 1rem 0; }
.clusters img { display: block; width: 100%; image-rendering: pixelated; border-radius: 6px; }
.confusion td { text-align: center; padding: .25rem; border: 0; color: var(--text); background: color-mix(in srgb, var(--second) calc(var(--share) * 75%), var(--surface)); }
.confusion th { text-align: center; padding: .25rem; }
.clusters figure { margin: 0; }
@media print {
  * { print-color-adjust: exact; }
  table { font-size: .7rem; }
}
`;
