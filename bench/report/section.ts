// The generated section of docs/performance.md: the last full run as Markdown.

import type { Machine } from "../machine.js";
import type { CostChart } from "../plots/cost.js";
import type { Row } from "../rows.js";
import { megabytes, milliseconds, targetText } from "../table.js";
import { type Alignment, markdownTable } from "./document.js";

/** What `npm run bench -- --json FILE` writes. */
export interface Run {
  readonly machine: Machine;
  readonly rows: readonly Row[];
}

/** Everything about the run; `charts` lie in `plots` beside the page. */
export function sectionOf({ machine, rows }: Run, charts: readonly CostChart[]): string {
  return [machineText(machine), targetsText(rows), ...costText(charts), "### All figures", HOW_TO_READ, ...tables(rows)].join("\n\n");
}

const HOW_TO_READ =
  "Times are the best of the turns. The ratio is the peer's time over ours, best by best, with its quartiles over the pairs" +
  " of turns in brackets: above 1, Gatewise is faster.";

function machineText(machine: Machine): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const gibibytes = Math.round(machine.memory / 2 ** 30);
  return [
    `Taken on ${machine.date.slice(0, 10)} with \`npm run bench -- --json out.json --write-docs\`.`,
    "",
    `- Machine: ${machine.cpu}, ${machine.cores} cores, ${gibibytes} GiB, ${machine.platform}.`,
    `- Versions: Gatewise ${machine.gatewise}, Node ${machine.node}${versions.map((version) => `, ${version}`).join("")}.`,
    `- f32 multiply-add peak with ${machine.isa}: ${machine.peak_gflops.toFixed(0)} GFLOP/s of one thread, ` +
      `${machine.peak_gflops_2_threads.toFixed(0)} of two.`,
  ].join("\n");
}

function targetsText(rows: readonly Row[]): string {
  const asked = rows.filter(({ target }) => target !== null);
  const missed = asked.filter(({ met, failure }) => met === false || failure !== undefined);
  const untold = asked.filter(({ met, failure }) => met === null && failure === undefined);
  const count = asked.length - missed.length - untold.length;
  const titles = ["suite", "operation", "shape", "threads", "against", "reached", "target"];
  const cells = missed.map((row) => {
    const where = [row.suite, row.operation, row.shape, String(row.threads ?? ""), row.peer ?? ""];
    return [...where, row.failure ?? reached(row), targetText(row.target)];
  });
  return [
    "### Targets",
    `${count} of ${asked.length} met, ${missed.length} not${untold.length > 0 ? `, ${untold.length} without a measurement` : ""}.`,
    ...(missed.length > 0 ? ["Not met:", markdownTable(titles.map((title) => [title, "left"]), cells)] : []),
  ].join("\n\n");
}

function costText(charts: readonly CostChart[]): string[] {
  if (charts.length === 0) return [];
  const pictures = charts.map(({ file, chart }) => `![${chart.title}. ${chart.description}](plots/${file})`);
  return ["### From small to large", ...pictures];
}

/** A table for each suite, operation, backend and number of threads. */
function tables(rows: readonly Row[]): string[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const { suite, operation, backend, threads } = row;
    const key = [suite, operation, backend, threads].join(" · ");
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].map((rows) => [`#### ${titleOf(rows)}`, tableOf(rows), notes(rows)].filter(Boolean).join("\n\n"));
}

/** What all rows share. A row of a peer that is missing was not measured, and so knows no instruction set. */
function titleOf(rows: readonly Row[]): string {
  const { suite = "", operation = "", backend, threads } = rows[0] ?? {};
  const isa = rows.find((row) => row.isa !== null)?.isa;
  const how = [[backend, isa].filter(Boolean).join(" "), threads && `${threads} thread${threads > 1 ? "s" : ""}`];
  return [suite, operation, ...how].filter(Boolean).join(" · ");
}

const COLUMNS: readonly { readonly title: string; readonly alignment: Alignment; readonly cell: (row: Row) => string }[] = [
  { title: "shape", alignment: "left", cell: ({ shape }) => shape },
  { title: "ours", alignment: "right", cell: (row) => (row.failure === undefined ? ownFigure(row) : "failed") },
  { title: "of the peak", alignment: "right", cell: ({ percent_of_peak: part }) => (part === undefined ? "" : `${part.toFixed(1)} %`) },
  { title: "peer", alignment: "left", cell: ({ peer }) => peer ?? "" },
  { title: "its figure", alignment: "right", cell: peerFigure },
  { title: "ratio", alignment: "right", cell: ratioText },
  { title: "target", alignment: "left", cell: ({ target }) => targetText(target) },
  { title: "met", alignment: "left", cell: ({ met }) => (met === null ? "" : met ? "yes" : "**no**") },
];

/** Without the columns in which no row has anything. */
function tableOf(rows: readonly Row[]): string {
  const columns = COLUMNS.filter(({ cell }) => rows.some((row) => cell(row) !== ""));
  return markdownTable(
    columns.map(({ title, alignment }) => [title, alignment]),
    rows.map((row) => columns.map(({ cell }) => cell(row))),
  );
}

/** What has to be known beside the numbers, each once. */
function notes(rows: readonly Row[]): string {
  const texts = rows.flatMap(({ shape, peer, failure, note }) => {
    const where = [shape, peer].filter(Boolean).join(", ");
    return [failure, note].flatMap((text) => (text === undefined ? [] : [`- ${where ? `${where}: ` : ""}${text}`]));
  });
  return [...new Set(texts)].join("\n");
}

/** The row's figure by its own name, and its time. */
function ownFigure({ overhead, cost, memory, figure, ours_ms }: Row): string {
  return [
    memory === undefined ? "" : megabytes(memory),
    figure === undefined ? "" : `${Number(figure.value.toPrecision(3))} ${figure.unit}`,
    cost === undefined ? "" : `${Number(cost.toPrecision(3))} times`,
    overhead === undefined ? "" : `${(overhead * 100).toFixed(1)} % more`,
    ours_ms === null ? "" : milliseconds(ours_ms),
  ]
    .filter(Boolean)
    .join(", ");
}

function peerFigure({ peer_ms, peer_memory }: Row): string {
  if (peer_memory !== undefined) return megabytes(peer_memory);
  return peer_ms === null ? "" : milliseconds(peer_ms);
}

function ratioText({ ratio, ratio_low, ratio_high }: Row): string {
  if (ratio === null) return "";
  const spread = ratio_low === undefined || ratio_high === undefined ? "" : ` (${ratio_low.toFixed(2)}–${ratio_high.toFixed(2)})`;
  return `${ratio.toFixed(2)}${spread}`;
}

function reached(row: Row): string {
  const part = row.percent_of_peak === undefined ? "" : `${row.percent_of_peak.toFixed(1)} % of the peak`;
  return [row.ratio === null ? ownFigure(row) : row.ratio.toFixed(2), part].filter(Boolean).join(", ");
}
