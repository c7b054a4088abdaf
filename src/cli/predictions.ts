// Predictions as flat records: as CSV (RFC 4180) and as JSON lines.

/** One prediction; its fields are columns of CSV. */
export type FlatRecord = Readonly<Record<string, string | number | null>>;

/** `predict`'s of arrays or of rows, which come with group and time; of each step one where there is an output for each. */
export function recordsOf(predictions: readonly unknown[]): FlatRecord[] {
  return predictions.flatMap((each, sample) => {
    const { prediction = each, group, time } = each as { prediction?: unknown; group?: string | number | null; time?: number };
    const origin = {
      ...(group === undefined || group === null ? { sample } : { group }),
      ...(time !== undefined && Number.isFinite(time) && { time: new Date(time).toISOString() }),
    };
    if (!Array.isArray(prediction)) return [{ ...origin, ...flat(prediction as Prediction) }];
    return prediction.map((one: Prediction, step) => Object.assign({}, origin, { step }, flat(one)));
  });
}

interface Prediction {
  readonly label?: string;
  readonly labels?: readonly string[];
  readonly probabilities?: Readonly<Record<string, number>>;
  readonly values?: Float32Array;
  readonly shape?: readonly number[];
}

function flat({ label, labels, probabilities = {}, values, shape = [] }: Prediction): FlatRecord {
  const named = Object.entries(probabilities).map(([name, probability]) => [`p(${name})`, probability]);
  const numbers = Array.from(values ?? [], (value, index) => [`value[${placeOf(index, shape).join("][")}]`, value]);
  return {
    ...(label !== undefined && { label }),
    ...(labels !== undefined && { labels: labels.join(" ") }),
    ...Object.fromEntries([...named, ...numbers]),
  } as FlatRecord;
}

/** Where the index-th number of an array of this shape is. */
function placeOf(index: number, shape: readonly number[]): number[] {
  return shape.map((size, axis) => Math.floor(index / shape.slice(axis + 1).reduce((a, b) => a * b, 1)) % size);
}

export function asCsv(records: readonly FlatRecord[]): string {
  const names = Object.keys(records[0] ?? {});
  const line = (cells: readonly (string | number | null | undefined)[]) => cells.map(cell).join(",");
  return `${[line(names), ...records.map((record) => line(names.map((name) => record[name])))].join("\n")}\n`;
}

/** Quoted where it must be. */
function cell(value: string | number | null | undefined): string {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function asJsonLines(records: readonly FlatRecord[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join("");
}
