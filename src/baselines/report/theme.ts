// Colours and style of reports, for light and dark screens and for paper. Knows nothing of what they show.

/** [light, dark]: Okabe and Ito's colours and their neighbours, of enough contrast to either background; told apart by dashes too. */
const COLOURS = [
  ["#0072b2", "#56b4e9"],
  ["#d55e00", "#ff8f3d"],
  ["#00805c", "#2fc793"],
  ["#a2467e", "#e08fc0"],
  ["#8a6d00", "#e6c14b"],
  ["#5b5fc7", "#a5a8ff"],
  ["#7a4a21", "#d09a6a"],
  ["#59636e", "#9aa5b1"],
] as const;

const DASHES = ["none", "7 3", "2 3", "9 3 2 3", "12 3", "3 1", "6 2 1 2 1 2", "4 4"] as const;

/** How the n-th entrant is drawn, in every picture alike. From the ninth on colours come again with other dashes. */
export function look(n: number): { readonly colour: string; readonly dashes: string } {
  const dashes = DASHES[(n + Math.floor(n / COLOURS.length)) % DASHES.length] as string;
  return { colour: `var(--entrant-${n % COLOURS.length})`, dashes };
}

const variables = (side: 0 | 1) => COLOURS.map((pair, n) => `--entrant-${n}: ${pair[side]};`).join(" ");

export const STYLE = `
:root { color-scheme: light dark; --page: #fff; --text: #1f2328; --quiet: #59636e; --line: #d8dee4; --raised: #f6f8fa; ${variables(0)} }
@media (prefers-color-scheme: dark) {
  :root { --page: #0d1117; --text: #e6edf3; --quiet: #9aa5b1; --line: #2d333b; --raised: #161b22; ${variables(1)} }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem }
h3 { font-size: 1rem; margin: 0 } p { margin: .4rem 0; max-width: 52rem } .quiet { color: var(--quiet); font-size: .9rem }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .88rem; width: 100% }
th, td {
  position: relative; vertical-align: top; padding: .3rem 1rem .3rem .2rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line);
}
th { font-weight: 600 }
th:first-child, td:first-child {
  text-align: left; position: sticky; left: 0; z-index: 1; background: var(--page); white-space: normal;
  min-width: 9.5rem;
}
td small { display: block; color: var(--quiet); font-weight: 400 }
.best { font-weight: 700 }
.best::after { content: "★"; position: absolute; top: .3rem; right: .05rem; color: var(--entrant-0) }
.key { display: inline-block; width: 1.9em; height: .7em; margin-right: .5em; vertical-align: middle }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; margin: .6rem 0; font-size: .9rem; padding: 0; list-style: none }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, var(--least, 20rem)), 1fr)); gap: 1.2rem }
figure { margin: 0; min-width: 0 }
figcaption { font-weight: 600; font-size: .95rem; margin-bottom: .2rem }
figure svg { width: 100%; height: auto; color: var(--text); --plot-background: var(--page) }
details { margin: .4rem 0 }
summary { cursor: pointer }
pre { background: var(--raised); padding: .8rem; overflow-x: auto; font-size: .85rem; border-radius: 6px }
@media print { body { max-width: none } details > * { display: block } }
`;
