// readParquet, readArrow and tableFromRows: the values that pyarrow wrote, and what is said of those that do not fit.

import { readFileSync } from "node:fs";

import { RecordBatchStreamWriter, Table as ArrowTable, tableToIPC, vectorFromArray } from "apache-arrow";
import { type Column, readArrow, readParquet, tableFromRows } from "gatewise/data";
import { describe, expect, test } from "vitest";

import { inPieces, refused } from "./support.js";

const vector = (name: string) => new URL(`vectors/${name}`, import.meta.url);
const bytes = (name: string) => new Uint8Array(readFileSync(vector(name)));
const expected = JSON.parse(readFileSync(vector("tables.json"), "utf8")) as Record<string, (number | string | null)[]>;
const KINDS = { double: "number", float: "number", small: "number", large: "number", flag: "number", price: "number", name: "category", coded: "category", milli: "time", micro: "time", nano: "time", day: "time" };

/** A column's values as the script wrote them. */
function plain(column: Column | undefined): (number | string | null)[] {
  if (!column) expect.fail("no such column");
  if (column.kind === "category") return Array.from(column.codes, (code) => column.names[code] ?? null);
  return Array.from(column.values, (value) => (Number.isNaN(value) ? null : value));
}

const FILES = [
  ["snappy.parquet", readParquet, Object.keys(KINDS)],
  ["zstd-v2.parquet", readParquet, Object.keys(KINDS)],
  ["file.arrow", readArrow, Object.keys(KINDS).filter((name) => name !== "price")],
  ["stream.arrow", readArrow, Object.keys(KINDS).filter((name) => name !== "price")],
] as const;

describe.each(FILES)("%s", (name, read, select) => {
  test("has the values that pyarrow wrote, all kinds of them", async () => {
    const table = await read(vector(name), { select });
    expect(table.rows).toBe(300);
    expect(Object.keys(table.columns)).toEqual(select);
    for (const column of select) {
      expect(table.columns[column]?.kind).toBe(KINDS[column as keyof typeof KINDS]);
      expect({ column, values: plain(table.columns[column]) }).toEqual({ column, values: expected[column] });
    }
  });

  test("gives the same from bytes and blobs", async () => {
    const table = await read(bytes(name), { select: ["name", "large"] });
    expect((await read(new Blob([bytes(name)]), { select: ["name", "large"] })).columns).toEqual(table.columns);
    expect(plain(table.columns["large"])).toEqual(expected["large"]);
  });

  test("gives numbers as names where they are asked for, times as ISO 8601", async () => {
    const { columns } = await read(vector(name), { select: ["huge", "small"], columns: { huge: "category", small: "category" } });
    expect(plain(columns["huge"]).slice(0, 3)).toEqual(["9007199254740992", "9007199254740993", "9007199254740994"]);
    expect(plain(columns["small"])).toEqual(expected["small"]?.map(String));
  });

  test("refuses numbers that no double holds, lists, names where numbers are asked for, columns that are not there", async () => {
    const path = vector(name).pathname;
    await refused(read(vector(name), { select: ["huge"] }), "invalid_file", `${path}[0].huge`, 'read the column as a "category"');
    await refused(read(vector(name), { select: ["list"] }), "invalid_file", `${path}:list`, "leave it out with `select`");
    await refused(read(vector(name), { columns: { name: "number" }, select: ["name"] }), "invalid_file", `${path}[1].name`, '"näme 7" is no finite number');
    await refused(read(vector(name), { select: ["nome"] }), "invalid_option", "options.select", 'no column "nome"');
  });

  test("refuses files that end early or are something else", async () => {
    const whole = bytes(name);
    for (const part of [0.3, 0.7, 0.99]) {
      await refused(read(whole.subarray(0, Math.floor(whole.length * part)), { select }), "invalid_file", "the bytes", "get it again");
    }
    await refused(read(new TextEncoder().encode("a,b\n1,2\n3,4\n5,6\n"), {}), "invalid_file", "the bytes", "get it again");
    await refused(read(new Uint8Array(0), {}), "invalid_file", "the bytes", "get it again");
    await refused(read("no such file", {}), "file_access", "source", "ENOENT");
  });
});

test("a Parquet file whose pages are damaged is refused", async () => {
  const whole = bytes("zstd-v2.parquet");
  await refused(readParquet(whole.fill(0xff, 100, 600), { select: ["double"] }), "invalid_file", "the bytes:double", "damaged");
});

test("an Arrow stream is read from a stream of bytes, packed or not; one without rows is refused", async () => {
  const table = await readArrow(inPieces(bytes("stream.arrow"), [1000]), { select: ["coded"] });
  expect(plain(table.columns["coded"])).toEqual(expected["coded"]);
  const none = new ArrowTable({ a: vectorFromArray(new Float64Array(0)) });
  await refused(readArrow(tableToIPC(none, "file")), "empty_data", "the bytes", "no rows");
  await refused(readArrow(RecordBatchStreamWriter.writeAll(none).toUint8Array(true)), "empty_data", "the bytes", "no rows");
});

describe("tableFromRows", () => {
  test("tells kinds from values, and takes what is absent for missing", () => {
    const rows = [
      { n: 1, big: 5n, flag: true, when: new Date(5), iso: "2024-05-01", name: "x", digits: "12" },
      { n: NaN, big: null, flag: false, when: undefined, iso: "", name: "NA", digits: "x" },
      { n: -2.5, name: "x", late: 7 },
    ];
    expect(tableFromRows(rows)).toEqual({
      rows: 3,
      columns: {
        n: { kind: "number", values: Float64Array.of(1, NaN, -2.5) },
        big: { kind: "number", values: Float64Array.of(5, NaN, NaN) },
        flag: { kind: "number", values: Float64Array.of(1, 0, NaN) },
        when: { kind: "time", values: Float64Array.of(5, NaN, NaN) },
        iso: { kind: "time", values: Float64Array.of(Date.UTC(2024, 4, 1), NaN, NaN) },
        name: { kind: "category", codes: Int32Array.of(0, -1, 0), names: ["x"] },
        digits: { kind: "category", codes: Int32Array.of(0, 1, -1), names: ["12", "x"] },
        late: { kind: "number", values: Float64Array.of(NaN, NaN, 7) },
      },
    });
  });

  test("reads what was asked for: texts as numbers and times, numbers as times and names, one name a value", () => {
    const rows = [{ a: "1.5", b: "2024-05-01T00:00Z", c: 86_400_000, d: 7 }, { a: " NA ", b: null, c: 0, d: "7" }];
    const { columns } = tableFromRows(rows, { select: ["d", "a", "b", "c"], columns: { a: "number", b: "time", c: "time", d: "category" } });
    expect(columns).toEqual({
      d: { kind: "category", codes: Int32Array.of(0, 0), names: ["7"] },
      a: { kind: "number", values: Float64Array.of(1.5, NaN) },
      b: { kind: "time", values: Float64Array.of(Date.UTC(2024, 4, 1), NaN) },
      c: { kind: "time", values: Float64Array.of(86_400_000, 0) },
    });
  });

  const call = (rows: unknown, options?: object) => Promise.resolve().then(() => tableFromRows(rows as never, options));
  test.each([
    ["mixed types", [{ a: 1 }, { a: null }, { a: "x" }], {}, "rows[2].a", 'row 2, column "a": "x" is not like 1 of row 0'],
    ["booleans among numbers", [{ a: 1 }, { a: true }], {}, "rows[1].a", "true is not like 1"],
    ["an object", [{ a: { b: 1 } }], {}, "rows[0].a", "an object is no number, time or text"],
    ["an invalid date", [{ a: new Date("x") }], {}, "rows[0].a", "an invalid date is no time"],
    ["a number that is none", [{ a: "1" }, { a: "1x" }], { columns: { a: "number" } }, "rows[1].a", '"1x" is no finite number'],
    ["a bigint that no double holds", [{ a: 2n ** 53n }], {}, "rows[0].a", "beyond the whole numbers"],
    ["a row that is none", [{ a: 1 }, [1]], {}, "rows[1]", "a row must be an object"],
    ["a column that is not there", [{ a: 1 }], { select: ["b"] }, "options.select", 'no column "b"'],
    ["no array", { a: 1 }, {}, "rows", "array of objects"],
  ])("refuses %s", async (_, rows, options, path, message) => {
    await refused(call(rows, options), "invalid_option", path, message);
  });

  test("refuses no rows", async () => {
    await refused(call([]), "empty_data", "rows", "no row");
  });
});
