import { inks } from "./figures.ts";

/** Inks of the figures on dark paper; the figures themselves carry those for light paper. */
const darkInks = [
  { on: inks.detector, dark: "#79b4ea" },
  { on: inks.baseline, dark: "#e59a5f" },
  { on: inks.chance, dark: "#8f969f" },
  { on: inks.rule, dark: "#353b43" },
  { on: inks.paper, dark: "#15181c" },
]
  .map(({ on, dark }) => `  svg [stroke="${on}"] { stroke: ${dark}; } svg [fill="${on}"] { fill: ${dark}; }`)
  .concat("  figure svg { color: #c3c9d1 !important; }")
  .join("\n");

/** The page's style: one column, quiet, narrow enough for a phone, and fit for paper. No address of anything outside. */
export const pageStyle = `
:root { color-scheme: light dark; --paper: #fff; --alarm: #b3261e; --alarm-paper: #fdf3f2; --right: #2e7d32; --ink: #1d2127; --soft: #5c6470; --line: #d9dce1; --faint: #f4f5f7; --accent: #1b5e9b; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.55; font-size: 16px;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 58rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .75rem; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 3rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
p, li { max-width: 46rem; }
p { margin: .6rem 0; }
.lead { font-size: 1.08rem; }
.soft, figcaption, .note { color: var(--soft); font-size: .875rem; }
.warning { border-left: 4px solid var(--alarm); background: var(--alarm-paper); padding: .7rem 1rem; margin: 1.25rem 0; max-width: 46rem; }
.headlines { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 1px; margin: 1.5rem 0;
  background: var(--line); border: 1px solid var(--line); }
.headlines > div { background: var(--paper); padding: .9rem 1rem; }
.headlines .name { font-size: .8125rem; color: var(--soft); }
.headlines .value { font-size: 1.75rem; line-height: 1.25; font-weight: 600; font-variant-numeric: tabular-nums; }
.headlines .beside { font-size: .8125rem; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: .32rem .75rem .32rem 0; text-align: left; vertical-align: baseline; white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
thead th { font-weight: 600; color: var(--soft); font-size: .8125rem; border-bottom: 1px solid var(--ink); }
tbody td, tbody th { border-bottom: 1px solid var(--line); font-weight: 400; }
tbody th { min-width: 8.5rem; }
td.number, th.number { text-align: right; }
tr.group th { font-weight: 600; border-bottom: 1px solid var(--line); padding-top: 1rem; }
td.own { font-weight: 600; }
td.own .interval, .interval { font-weight: 400; color: var(--soft); }
.counts .interval { display: block; font-size: .8125rem; }
.counts tbody th { min-width: 0; }
table.named { width: auto; }
table.named th { padding-right: 2rem; color: var(--soft); white-space: nowrap; }
table.named td { white-space: normal; overflow-wrap: anywhere; }
figure { margin: 1.25rem 0; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { margin-top: .4rem; max-width: 46rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 0 2rem; }
.pair figure { margin: .75rem 0; max-width: 27rem; }
figure.single { max-width: 36rem; }
.example { margin: 1.5rem 0 2rem; break-inside: avoid; }
.example h3 { margin: 0 0 .5rem; }
.views { display: grid; grid-template-columns: repeat(4, 1fr); gap: .4rem; }
.views figure { margin: 0; }
.views img { display: block; width: 100%; height: auto; background: #000; }
.views figcaption { font-size: .8125rem; margin-top: .2rem; }
.chances { display: flex; flex-wrap: wrap; gap: .15rem 1.25rem; margin: .5rem 0 0; padding: 0; list-style: none;
  font-size: .875rem; font-variant-numeric: tabular-nums; }
.chances .true { font-weight: 600; }
.chances .true::after { content: " ✓"; color: var(--right); }
.scale { display: flex; align-items: center; gap: .6rem; font-size: .8125rem; color: var(--soft); }
.scale i { display: block; width: 9rem; height: .7rem; }
pre { background: var(--faint); border: 1px solid var(--line); padding: .7rem .9rem; overflow-x: auto; font-size: .875rem;
  line-height: 1.5; margin: .3rem 0 1rem; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
td code { font-size: .8125rem; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1rem; }
@media (max-width: 40rem) {
  main { padding: 1.5rem 1rem 3rem; }
  h1 { font-size: 1.55rem; }
  .views { grid-template-columns: repeat(2, 1fr); }
}
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #15181c; --alarm: #f2756c; --alarm-paper: #2b1c1c; --right: #7cc682; --ink: #e4e7eb; --soft: #a2aab5;
    --line: #353b43; --faint: #1d2126; --accent: #79b4ea; }
${darkInks}
}
@media print {
  @page { margin: 16mm 14mm; }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  h2, h3 { break-after: avoid; }
  figure, tr, .headlines, .warning { break-inside: avoid; }
  .wide { overflow: visible; }
  .warning, .headlines > div, pre { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
`;
