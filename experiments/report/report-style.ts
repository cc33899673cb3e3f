// The look of the report: one column, system fonts, both colour schemes. Figures keep their own white paper, because their
// colours are chosen for it.
export const reportStyle = `
:root { color-scheme: light dark; --text: #1f2328; --muted: #59636e; --paper: #ffffff; --panel: #f6f8fa; --rule: #d1d9e0; --link: #0b5cad; --best: #e6f4ec; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ec; --muted: #9aa4ae; --paper: #14171a; --panel: #1e2328; --rule: #3a424a; --link: #7cb8f2; --best: #14392a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--text); font: 16px/1.55 'Source Sans 3', 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
main, header, footer { max-width: 1180px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 40px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 8px; }
h2 { font-size: 22px; margin: 48px 0 12px; padding-top: 12px; border-top: 1px solid var(--rule); }
h3 { font-size: 17px; margin: 28px 0 8px; }
p { max-width: 76ch; margin: 8px 0; }
.lead, .muted, caption, figcaption { color: var(--muted); }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 20px; list-style: none; padding: 0; margin: 16px 0 0; }
a { color: var(--link); }
code, pre { font: 13.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { background: var(--panel); border: 1px solid var(--rule); border-radius: 6px; padding: 12px 14px; overflow-x: auto; }
td code, p code, dd code { overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 12px 0 20px; font-size: 14.5px; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: 6px; }
th, td { padding: 6px 12px; border-bottom: 1px solid var(--rule); text-align: right; vertical-align: top; }
td { white-space: nowrap; }
td.text { white-space: normal; }
th:first-child, td:first-child, th.text, td.text { text-align: left; }
thead th { font-weight: 600; vertical-align: bottom; background: var(--panel); }
tbody th { font-weight: 600; white-space: nowrap; }
tr.best td, tr.best th { background: var(--best); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 12px 0; }
dt { color: var(--muted); }
dd { margin: 0; min-width: 0; }
figure { margin: 20px 0 28px; }
figure .drawing { background: #ffffff; border: 1px solid var(--rule); border-radius: 6px; padding: 6px; overflow-x: auto; }
figure svg { display: block; max-width: 100%; min-width: 760px; height: auto; margin: 0 auto; }
figcaption { font-size: 14.5px; margin-top: 6px; max-width: 90ch; }
details summary { cursor: pointer; color: var(--link); margin: 12px 0; }
footer { padding-top: 32px; padding-bottom: 48px; font-size: 14px; color: var(--muted); }
@media (max-width: 700px) { dl { grid-template-columns: 1fr; } dd { margin-bottom: 8px; } main, header, footer { padding-left: 16px; padding-right: 16px; } }
@media print { body { font-size: 12px; } h2 { break-after: avoid; } figure, table { break-inside: avoid; } figure svg { min-width: 0; } nav { display: none; } }
`;
