// parquetSource and arrowSource: chunks of whole sequences and of windows, read one at a time, and files that are not in order.

import { RecordBatchStreamWriter, Table as ArrowTable, tableToIPC, vectorFromArray, type Vector } from "apache-arrow";
import * as fc from "fast-check";
import { createModel } from "gatewise";
import { type DataSource, type SequenceOptions, arrowSource, parquetSource } from "gatewise/data";
import { describe, expect, test } from "vitest";

import { refused } from "./support.js";

type Columns = Record<string, (number | string | null)[]>;

/** An Arrow file whose batches have so many rows. */
function arrow(columns: Columns, batchRows = 7): Uint8Array<ArrayBuffer> {
  const vectors = Object.entries(columns).map(([name, values]) => [name, vectorFromArray(values as number[]) as Vector] as const);
  const whole = new ArrowTable(Object.fromEntries(vectors));
  const parts = Array.from({ length: Math.ceil(whole.numRows / batchRows) }, (_, part) => whole.slice(part * batchRows, (part + 1) * batchRows));
  return tableToIPC(new ArrowTable(parts.flatMap(({ batches }) => batches)), "file") as Uint8Array<ArrayBuffer>;
}

/** Sequences of these lengths: `x` counts rows, `y` is its double, `kind` is a name. */
function sequences(lengths: readonly number[]): Columns {
  const groups = lengths.flatMap((length, group) => Array<number>(length).fill(group * 10));
  return {
    id: groups,
    time: lengths.flatMap((length) => Array.from({ length }, (_, step) => step * 5)),
    x: groups.map((_, row) => row),
    y: groups.map((_, row) => row * 2),
    kind: groups.map((_, row) => `k${row % 3}`),
  };
}

async function all(source: DataSource<{ values: 1 }>) {
  return Promise.all(source.sizes.map((_, chunk) => source.read(chunk)));
}

const EACH = { group: "id", time: "time", features: ["x", "y"], target: "y" } as const;

describe("whole sequences", () => {
  const file = arrow(sequences([3, 1, 4, 2]));

  test("come in chunks of whole ones, padded, with the target of the last row", async () => {
    const source = await arrowSource<{ values: 1 }>(file, { ...EACH, chunkRows: 6 });
    expect(source.sizes).toEqual([2, 1, 1]);
    expect(await all(source)).toEqual([
      { x: Float32Array.of(0, 0, 1, 2, 2, 4, 3, 6, 0, 0, 0, 0), shape: [2, 3, 2], lengths: Uint32Array.of(3, 1), targets: Float32Array.of(4, 6) },
      { x: Float32Array.of(4, 8, 5, 10, 6, 12, 7, 14), shape: [1, 4, 2], lengths: Uint32Array.of(4), targets: Float32Array.of(14) },
      { x: Float32Array.of(8, 16, 9, 18), shape: [1, 2, 2], lengths: Uint32Array.of(2), targets: Float32Array.of(18) },
    ]);
    expect(await source.read(1)).toEqual(await source.read(1));
    await refused(source.read(3), "invalid_option", "chunk", "there are 3");
    await source.close();
  });

  test("have statics, names, and targets at each step, where that is asked for", async () => {
    const source = await arrowSource(file, { group: "id", features: ["x"], statics: ["y", "x"], target: "kind", at: "each" });
    const [chunk] = await all(source as DataSource<never>);
    expect(chunk).toMatchObject({
      shape: [4, 4, 1],
      statics: Float32Array.of(0, 0, 6, 3, 8, 4, 16, 8),
      targets: [["k0", "k1", "k2"], ["k0"], ["k1", "k2", "k0", "k1"], ["k2", "k0"]],
    });
    const values = await arrowSource<{ values: 1; at: "each" }>(file, { group: "id", features: ["x"], target: "y", at: "each", chunkRows: 6 });
    expect((await values.read(0)).targets).toEqual(Float32Array.of(0, 2, 4, 6, 0, 0));
  });

  test("are what fit takes", async () => {
    const source = await arrowSource<"k0" | "k1" | "k2">(file, { group: "id", features: ["x"], target: "kind" });
    using model = await createModel({ input: { features: 1 }, layers: [{ cell: "gru", units: 2 }], output: { classes: ["k0", "k1", "k2"] } });
    expect((await model.fit(await source.read(0), { epochs: 1 })).losses).toHaveLength(1);
  });
});

describe("any file", () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 20 });
  const window = fc.option(fc.record({ steps: fc.integer({ min: 1, max: 5 }), stride: fc.integer({ min: 1, max: 4 }), ahead: fc.integer({ min: 0, max: 2 }) }), { nil: undefined });

  test("gives every sequence and every window once, in order, in chunks that keep to their size", async () => {
    const property = fc.asyncProperty(lengths, window, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 30 }), async (lengths, window, chunkRows, batchRows) => {
      const span = window && window.steps + window.ahead;
      fc.pre(lengths.some((length) => length >= (span ?? 1)));
      const source = await arrowSource<{ values: 1 }>(arrow(sequences(lengths), batchRows), { ...EACH, window, chunkRows });
      // By hand: what rows each sample has, and where its targets stand.
      const samples: { steps: number[]; targets: number[] }[] = [];
      let first = 0;
      for (const length of lengths) {
        const { steps, stride, ahead } = window ?? { steps: length, stride: length, ahead: 0 };
        for (let from = first; from + steps + ahead <= first + length; from += stride) {
          const rows = Array.from({ length: steps }, (_, step) => from + step);
          samples.push({ steps: rows, targets: ahead > 0 ? Array.from({ length: ahead }, (_, step) => 2 * (from + steps + step)) : [2 * (from + steps - 1)] });
        }
        first += length;
      }
      const read = (await all(source)).flatMap((chunk, index) => {
        const [n, steps] = chunk.shape;
        expect(n).toBe(source.sizes[index]);
        expect(n === 1 || n * steps <= chunkRows).toBe(true);
        const each = chunk.targets.length / n;
        return Array.from({ length: n }, (_, sample) => ({
          steps: Array.from({ length: Number(chunk.lengths?.[sample]) }, (_, step) => chunk.x?.[(sample * steps + step) * 2]),
          targets: [...chunk.targets.subarray(sample * each, (sample + 1) * each)],
        }));
      });
      expect(read).toEqual(samples);
    });
    await fc.assert(property, { numRuns: 150 });
  });
});

test("windows over one long sequence, with the class that comes next", async () => {
  const source = await arrowSource(arrow(sequences([10])), { features: ["x"], target: "kind", window: { steps: 3, stride: 2, ahead: 1 }, chunkRows: 6 });
  expect(source.sizes).toEqual([2, 2]);
  expect(await source.read(1)).toMatchObject({ x: Float32Array.of(4, 5, 6, 6, 7, 8), targets: ["k1", "k0"] });
});

test("Parquet files of several row groups and pages, and Arrow streams, give what files do", async () => {
  const vector = (name: string) => new URL(`vectors/${name}`, import.meta.url);
  const options = { group: "coded", time: "milli", features: ["double", "small"], target: "coded", chunkRows: 70 } as const;
  const sources = [await parquetSource(vector("snappy.parquet"), options), await parquetSource(vector("zstd-v2.parquet"), options), await arrowSource(vector("file.arrow"), options), await arrowSource(vector("stream.arrow"), options)];
  const chunks = await Promise.all(sources.map((source) => all(source as unknown as DataSource<{ values: 1 }>)));
  expect(sources[0]?.sizes).toEqual([2, 2, 2, 2, 2]);
  expect(chunks[0]?.[1]).toMatchObject({ shape: [2, 30, 2], targets: ["c2", "c3"] });
  expect(chunks[0]?.[1]?.x?.[1]).toBe(60 - 500);
  for (const other of chunks.slice(1)) expect(other).toEqual(chunks[0]);
  for (const source of sources) await source.close();
});

describe("refuses", () => {
  const good = sequences([3, 2, 4]);
  const changed = (column: string, row: number, value: number | string | null) => arrow({ ...good, [column]: (good[column] ?? []).map((old, index) => (index === row ? value : old)) });
  const read = async (file: Uint8Array<ArrayBuffer>, options: Partial<SequenceOptions> = {}) => all(await arrowSource(file, { ...EACH, ...options }));

  test.each([
    ["a file that is not sorted by group", changed("id", 8, 0), {}, "the bytes[8].id", '0 comes after 20: sort the file by "id"'],
    ["a row of no group", changed("id", 4, null), {}, "the bytes[4].id", "the value is missing"],
    ["names that are not sorted", arrow({ ...good, id: ["b", "b", "b", "c", "c", "a", "a", "a", "a"] }), {}, "the bytes[5].id", '"a" comes after "c"'],
    ["times that fall", changed("time", 7, 2), {}, "the bytes[7].time", "it is before the row before"],
    ["a time twice", changed("time", 6, 0), {}, "the bytes[6].time", "the same as in the row before"],
    ["a missing time", changed("time", 1, null), {}, "the bytes[1].time", "the time is missing"],
    ["a missing feature", changed("x", 4, null), {}, "the bytes[4].x", "fill the gaps before"],
    ["a missing target", changed("kind", 4, null), { target: "kind" }, "the bytes[4].kind", "what is to be predicted"],
  ])("%s", async (_, file, options, path, message) => refused(read(file, options), "invalid_file", path, message));

  test.each([
    ["a column that is not there", { features: ["x", "z"] }, "options.features", 'no column "z"'],
    ["a group that is not there", { group: "z" }, "options.group", 'no column "z"'],
    ["names as features", { features: ["kind"] }, "options.features", "holds names"],
    ["neither group nor window", { group: undefined }, "options.group", "which rows are one sequence"],
    ["no features", { features: [] }, "options.features", "not empty"],
    ["windows of no steps", { window: { steps: 0 } }, "options.window.steps", "above 0"],
    ["several names ahead", { target: "kind", window: { steps: 1, ahead: 2 } }, "options.window.ahead", "one class can be predicted"],
    ["targets ahead at each step", { at: "each", window: { steps: 1, ahead: 1 } }, "options.window.ahead", "leave one of them out"],
    ["chunks of nothing", { chunkRows: 0.5 }, "options.chunkRows", "above 0"],
  ] as const)("%s", async (_, options, path, message) => refused(read(arrow(good), options), "invalid_option", path, message));

  test("windows that are longer than every sequence, and files without rows", async () => {
    await refused(read(arrow(good), { window: { steps: 5 } }), "empty_data", "the bytes", "no sequence has the 5 rows of a window");
    const none = RecordBatchStreamWriter.writeAll(new ArrowTable({ id: vectorFromArray(new Float64Array(0)), x: vectorFromArray(new Float64Array(0)) })).toUint8Array(true);
    await refused(arrowSource(none, { group: "id", features: ["x"], target: "x" }), "empty_data", "the bytes", "no rows");
  });
});
