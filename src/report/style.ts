// ◇ Browser-safe. The style sheet of reports, which the page shares: light and dark pages, phones, paper. System fonts, nothing fetched.

export const REPORT_CSS = `
:root { color-scheme: light dark; --ink: #1b1d21; --soft: #5b616b; --page: #ffffff; --card: #f5f6f8;
  --line: #d9dce2; --note: #fff3d6; --note-line: #d99a1c; --accent: #2f6fb7; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7e9ee; --soft: #a3abb8; --page: #15171b; --card: #1e2127;
  --line: #363b45; --note: #3a2f14; --note-line: #c9932b; --accent: #7fb2ee; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; padding: 1.5rem 1.25rem 4rem; max-width: 64rem; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.3rem; margin: 2.75rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; }
/* Tags and paths are longer than a phone is wide. "anywhere" would let tables shrink their columns to letters. */
body { overflow-wrap: break-word; }
h1, h2, h3, code, dd { overflow-wrap: anywhere; }
table code { overflow-wrap: normal; }
p { margin: .5rem 0; max-width: 46rem; }
.soft, caption, figcaption { color: var(--soft); font-size: .9rem; }
.note { background: var(--note); border-left: 4px solid var(--note-line); border-radius: 4px;
  padding: .75rem 1rem; margin: 1rem 0; }
.note p { max-width: none; }
.note a { color: inherit; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem; margin: 1rem 0; }
.tile { background: var(--card); border-radius: 8px; padding: .7rem .9rem; }
.tile b { display: block; font-size: 1.35rem; line-height: 1.3; white-space: nowrap; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: .85rem; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .9rem .75rem; }
.sheet figure, .prediction { margin: 0; }
.sheet .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 2px; border-radius: 6px; overflow: hidden; }
.sheet img, .prediction img { display: block; width: 100%; aspect-ratio: 1; object-fit: cover; }
.sheet figcaption { font-size: .78rem; line-height: 1.3; margin-top: .2rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); gap: 1rem;
  margin: 1rem 0; align-items: start; }
.figures figure { margin: 0; background: var(--card); border-radius: 8px; padding: .75rem; }
.figures svg { display: block; width: 100%; height: auto; }
.figures figcaption { margin-top: .35rem; }
.predictions { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem; }
.prediction { display: grid; grid-template-columns: 8rem 1fr; gap: 1rem; background: var(--card);
  border-radius: 8px; padding: .75rem; align-items: start; }
.prediction img { border-radius: 6px; }
.prediction dl { margin: 0; font-size: .92rem; }
.prediction dt { color: var(--soft); font-size: .82rem; margin-top: .35rem; }
.prediction dd { margin: 0; }
.bar { height: .55rem; margin: .15rem 0; border-radius: 4px; background: var(--line); overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--accent); }
.scroll { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .3rem; }
th, td { padding: .28rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child { text-align: left; padding-left: 0; }
thead th { border-bottom: 2px solid var(--line); white-space: normal; vertical-align: bottom; }
tbody th { font-weight: 500; }
.long { white-space: normal; min-width: 10rem; }
td small { color: var(--soft); }
td.wide { text-align: left; color: var(--soft); }
td.wide a, .sets a { display: inline-block; margin-right: .75rem; }
.sets { padding-left: 1.2rem; font-size: .9rem; }
:target { outline: 2px solid var(--accent); outline-offset: 2px; }
pre { background: var(--card); border-radius: 8px; padding: .8rem 1rem; font-size: .82rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
@media (max-width: 30rem) { body { padding: 1rem .9rem 3rem; } h1 { font-size: 1.45rem; }
  .figures figure { padding: .5rem .35rem; } .sheet { grid-template-columns: 1fr 1fr; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .prediction { grid-template-columns: 6rem 1fr; gap: .75rem; } th, td { padding: .28rem .4rem; }
  td small { display: block; } tbody th { white-space: normal; } table { font-size: .84rem; } }
@media print { :root { --ink: #000; --soft: #444; --page: #fff; --card: #fff; --line: #bbb; --note: #fff;
  --note-line: #888; } body { max-width: none; padding: 0; font-size: 10.5pt; }
  figure, .tile, .prediction, tr { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .figures { grid-template-columns: 1fr 1fr; } .figures figure, .tile, .prediction { border: 1px solid var(--line); } }
`;
