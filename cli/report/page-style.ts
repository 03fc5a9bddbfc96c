/** The style of the report's page: light and dark, from a telephone to a wall. Colours are never the only sign. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --line: #dcdfe4; --text: #1b1f24; --soft: #5b6470; --link: #0a5bd3;
  --good: #1a7f37; --bad: #cf222e; --open: #0a5bd3; --stop: #8a6100;
  --added: #dafbe1; --removed: #ffebe9; --hunk: #ddf0ff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1116; --card: #161b22; --line: #30363d; --text: #e6edf3; --soft: #9aa5b1; --link: #6cb0ff;
    --good: #3fb950; --bad: #ff7b72; --open: #58a6ff; --stop: #d8a72c;
    --added: #12331d; --removed: #3d1518; --hunk: #132b45;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 14px/1.5 system-ui, sans-serif; }
main, header, footer { max-width: 1280px; margin: 0 auto; padding: 0 16px; }
header { padding-top: 24px; }
h1 { font-size: 22px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 15px; margin: 28px 0 8px; }
h3 { font-size: 13px; margin: 16px 0 4px; }
code, pre, .mono { font: 12px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
a { color: var(--link); }
.soft { color: var(--soft); }
.failed { --own: var(--bad); } .open { --own: var(--open); } .stopped { --own: var(--stop); } .succeeded { --own: var(--good); }
.mark { color: var(--own); font-weight: 700; }
.badge { color: var(--own); border: 1px solid; border-radius: 99px; padding: 1px 10px; font-weight: 600; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.prompt { white-space: pre-wrap; overflow-wrap: anywhere; margin: 8px 0 0; max-height: 40vh; overflow: auto; padding: 12px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 8px; margin: 16px 0; padding: 0; list-style: none; }
.tiles li { padding: 10px 12px; }
.tiles b { display: block; font-size: 20px; font-variant-numeric: tabular-nums; white-space: nowrap; }
.chart { padding: 12px; }
.chart svg { display: block; width: 100%; }
.chart .axis { display: flex; justify-content: space-between; }
svg .good { fill: var(--good); } svg .bad { fill: var(--bad); } svg .open { fill: var(--open); } svg .stop { fill: var(--stop); }
svg .area { fill: var(--open); opacity: .35; } svg .rail { fill: var(--line); } svg .own { fill: var(--own); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 4px 10px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 500; }
td.num, th.num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td svg { width: 120px; height: 8px; }
td.mono { white-space: nowrap; }
.scroll { overflow-x: auto; padding: 4px 12px; }
.grid { display: flex; flex-wrap: wrap; gap: 3px; padding: 12px; max-height: 220px; overflow: auto; }
.grid a { width: 14px; height: 14px; border-radius: 3px; background: var(--own); font-size: 0; }
.grid a.succeeded { opacity: .55; }
.grid a.failed { border: 2px solid var(--text); }
.grid a.open { background: none; border: 2px solid var(--own); }
.grid a:focus-visible, .grid a:hover { outline: 2px solid var(--text); outline-offset: 1px; opacity: 1; }
.bar { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: 8px; padding: 10px 0; background: var(--page); }
button, .bar input, .bar select { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 4px 10px; }
.bar input { flex: 1 1 200px; min-width: 0; }
button { cursor: pointer; text-align: left; }
.bar button[aria-pressed='true'] { border-color: var(--link); box-shadow: inset 0 0 0 1px var(--link); }
.item { margin-bottom: 6px; scroll-margin-top: 64px; content-visibility: auto; contain-intrinsic-size: auto 44px; }
.item[open] { content-visibility: visible; }
.item > summary { display: grid; grid-template-columns: 18px minmax(140px, 1.6fr) minmax(0, 2.4fr) 110px 70px 80px 130px; gap: 10px; align-items: center; padding: 9px 12px; cursor: pointer; list-style: none; }
.item > summary::-webkit-details-marker { display: none; }
.item > summary:hover { background: color-mix(in srgb, var(--link) 6%, transparent); }
.item > summary > span { unicode-bidi: isolate; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.item > summary svg { width: 100%; height: 10px; }
.item .name { font-weight: 600; }
.item .num { text-align: right; font-variant-numeric: tabular-nums; }
.item.failed .what { color: var(--bad); }
.body { padding: 0 12px 14px; border-top: 1px solid var(--line); }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 2px 14px; margin: 12px 0; }
.facts dt { color: var(--soft); } .facts dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; unicode-bidi: isolate; }
.error { white-space: pre-wrap; overflow-wrap: anywhere; border-left: 3px solid var(--bad); padding: 6px 12px; margin: 12px 0; }
.good { color: var(--good); } .bad { color: var(--bad); }
.finding td { font: 12px/1.5 ui-monospace, monospace; white-space: pre-wrap; }
.file { margin: 8px 0; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
.file > summary { padding: 6px 10px; cursor: pointer; overflow-wrap: anywhere; }
.diff { margin: 0; overflow-x: auto; max-height: 70vh; border-top: 1px solid var(--line); }
.diff span { display: block; min-height: 1.5em; padding: 0 10px; white-space: pre; width: max-content; min-width: 100%; unicode-bidi: isolate; }
.diff .a { background: var(--added); } .diff .r { background: var(--removed); } .diff .k { background: var(--hunk); } .diff .h, .diff .n { color: var(--soft); }
[hidden] { display: none !important; }
footer { padding-top: 24px; padding-bottom: 40px; }
@media (max-width: 900px) {
  .item > summary { grid-template-columns: 18px minmax(0, 1fr) 70px 80px; }
  .item > summary .what { grid-column: 2 / -1; grid-row: 2; }
  .item > summary .size, .item > summary .when { display: none; }
}
@media print { .bar, .grid { display: none; } .item { break-inside: avoid; } }
`;
