// From a configuration to what `compare` takes: the parts of the data for classes, a column of the table for a series.

import { resolve } from "node:path";

import type { CompareOptions } from "../baselines/compare/compare.js";
import { columnOf, numbersOf, timesOf } from "../data/pipeline/columns.js";
import { GatewiseError } from "../errors.js";
import { type Config, section } from "./config.js";
import { partsOf } from "./parts.js";
import { readTableFile } from "./tables.js";

export async function comparisonOf(config: Config): Promise<CompareOptions> {
  const { task = "classification", column, time, ...rest } = section(config, "comparison", "compare");
  if (task === "forecasting") return { task, ...(await seriesOf(config, column, time)), ...rest } as unknown as CompareOptions;
  const { training, validation, test, output } = await partsOf(config);
  if (!test) throw new GatewiseError("invalid_option", "split.test", "a comparison needs a test part: say what is held out");
  const classes = output && "classes" in output ? { classes: output.classes } : {};
  return { task, train: training, validation, test, ...classes, ...rest } as unknown as CompareOptions;
}

async function seriesOf({ data, folder }: Config, column: string | undefined, time: string | undefined) {
  if (!("file" in data)) throw new GatewiseError("invalid_option", "data.file", "forecasts are of a table's column: name the file of the table");
  if (column === undefined) throw new GatewiseError("invalid_option", "comparison.column", "name the column that is forecast");
  const table = await readTableFile(resolve(folder, data.file), data.format, data.options);
  const series = numbersOf(columnOf(table, column, "number"), column, "the comparison");
  return { series, ...(time !== undefined && { times: timesOf(columnOf(table, time, "time"), time) }) };
}
