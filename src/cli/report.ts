// A report of `evaluate` for people: its figures, and the confusion of classes.

import { columns, figure } from "./output.js";

export function reportText(title: string, report: object | null): string {
  if (report === null) return "There is no test part: nothing was evaluated.";
  const entries = Object.entries(report);
  const figures = entries.flatMap(([name, value]: [string, unknown]) => {
    return typeof value === "number" || value === null ? [[`  ${name}`, figure(value)]] : [];
  });
  const { confusion } = report as { confusion?: readonly (readonly number[])[] };
  const counts = (confusion ?? []).map((row) => ["", row.map((n) => String(n).padStart(6)).join("")]);
  const matrix = confusion ? [["  confusion", "true classes down, predicted ones across"], ...counts] : [];
  return `On the ${title}\n${columns([...figures, ...matrix])}`;
}
