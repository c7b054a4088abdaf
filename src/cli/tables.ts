// Files that commands are given: tables by their ending, and samples of a model's kind.

import { GatewiseError } from "../errors.js";
import { readArrow } from "../data/readers/arrow.js";
import { readCsv } from "../data/readers/csv/read.js";
import { readParquet } from "../data/readers/parquet.js";
import { readUcrTs } from "../data/sets/ucr-ts.js";
import { readUcrTsv } from "../data/sets/ucr-tsv.js";
import type { Table } from "../data/table.js";
import type { LabelledData } from "../data/types.js";
import type { Model } from "../model/model.js";
import type { OutputDefinition } from "../model/outputs.js";

const READERS = { csv: readCsv, parquet: readParquet, arrow: readArrow } as const;

type Format = keyof typeof READERS;

/** A table, by its ending unless the format is given. */
export function readTableFile(path: string, format: Format = formatOf(path), options: object = {}): Promise<Table> {
  return READERS[format](path, options);
}

function formatOf(path: string): Format {
  const name = path.toLowerCase().replace(/\.gz$/, "");
  if (/\.(csv|txt)$/.test(name)) return "csv";
  if (/\.(parquet|pq)$/.test(name)) return "parquet";
  if (/\.(arrow|arrows|feather|ipc)$/.test(name)) return "arrow";
  const names = "it should end in .csv, .parquet or .arrow (.csv also with .gz)";
  throw new GatewiseError("invalid_option", path, `what is in this file cannot be told from its name: ${names}`);
}

/** What a model is held to: rows for its pipeline, or without one the series of a UCR file. */
export async function readFor(model: Model<OutputDefinition>, path: string): Promise<{ readonly rows: Table } | LabelledData<OutputDefinition>> {
  if (model.preprocessing) return { rows: await readTableFile(path) };
  const name = path.toLowerCase().replace(/\.gz$/, "");
  const { classes } = model.definition.output as { classes?: readonly string[] };
  if (name.endsWith(".ts")) return inOrder(await readUcrTs(path));
  if (name.endsWith(".tsv")) return inOrder(await readUcrTsv(path, { classes }));
  const message =
    "the model's file has no pipeline that would make sequences of a table: give a .ts or .tsv file of the UCR archive, " +
    "or evaluate without a file, on the configuration's test part";
  throw new GatewiseError("invalid_option", path, message);
}

/** A set without what is no part of data. */
function inOrder({ x, shape, lengths, targets }: Awaited<ReturnType<typeof readUcrTs>>): LabelledData<OutputDefinition> {
  return { x, shape, lengths, targets } as unknown as LabelledData<OutputDefinition>;
}
