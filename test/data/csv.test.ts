// readCsv: what it makes of text, and what it says of text that is none.

import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { parse } from "csv-parse/sync";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { readCsv } from "gatewise/data";
import { bytesOf, inPieces, refused, valuesOf } from "./support.js";

describe("what columns hold", () => {
  test("numbers, times and names, told from all of their values", async () => {
    const table = await readCsv(bytesOf("n,t,c,b\n1,2010-12-01,a,true\n-2.5e3,2010-12-01T08:26:30.25Z,b,false\n.5,2010-12-01 08:26+01:00,a,True\n"));
    expect(table).toEqual({
      rows: 3,
      source: "the bytes",
      columns: {
        n: { kind: "number", values: Float64Array.of(1, -2500, 0.5) },
        t: { kind: "time", values: Float64Array.of(Date.UTC(2010, 11, 1), Date.UTC(2010, 11, 1, 8, 26, 30, 250), Date.UTC(2010, 11, 1, 7, 26)) },
        c: { kind: "category", codes: Int32Array.of(0, 1, 0), names: ["a", "b"] },
        b: { kind: "number", values: Float64Array.of(1, 0, 1) },
      },
    });
  });

  test("a column that stops being of numbers after the first megabyte is one of names, with its own spelling", async () => {
    const rows = 120_000;
    const fields = Array.from({ length: rows }, (_, row) => (row === rows - 1 ? "C5" : `0${row % 1000}.50`));
    const { columns } = await readCsv(bytesOf(`n,id\n${fields.map((field, row) => `${row},${field}\n`).join("")}`));
    expect(columns["n"]?.kind).toBe("number");
    const id = columns["id"];
    if (id?.kind !== "category") expect.fail("not a category");
    expect(id.names.slice(0, 2)).toEqual(["00.50", "01.50"]);
    expect(id.codes).toEqual(Int32Array.from(fields, (field, row) => (field === "C5" ? 1000 : row % 1000)));
  });

  test("numbers that begin after the first megabyte; none at all", async () => {
    const rows = 150_000;
    const lines = Array.from({ length: rows }, (_, row) => `${row},${row === rows - 2 ? "2020-01-01" : ""},\n`);
    const { columns } = await readCsv(bytesOf(`a,late,never\n${lines.join("")}`));
    expect(columns["late"]).toMatchObject({ kind: "time" });
    expect(valuesOf(columns["late"])).toEqual(new Float64Array(rows).fill(NaN).fill(Date.UTC(2020, 0, 1), rows - 2, rows - 1));
    expect(columns["never"]).toEqual({ kind: "number", values: new Float64Array(rows).fill(NaN) });
  });

  test("missing values: the documented words, or one's own", async () => {
    const text = "n,c\n1,x\n,\nNA,NA\nN/A,N/A\nNaN,NaN\nnan,nan\nNULL,NULL\nnull,null\n NA ,\"\"\n";
    const { columns } = await readCsv(bytesOf(text));
    expect(columns["n"]).toEqual({ kind: "number", values: Float64Array.of(1, ...Array<number>(8).fill(NaN)) });
    expect(columns["c"]).toEqual({ kind: "category", codes: Int32Array.of(0, ...Array<number>(8).fill(-1)), names: ["x"] });
    const own = await readCsv(bytesOf("n,c\n1,NA\n-,-\n"), { missing: ["-"] });
    expect(own.columns).toEqual({
      n: { kind: "number", values: Float64Array.of(1, NaN) },
      c: { kind: "category", codes: Int32Array.of(0, -1), names: ["NA"] },
    });
  });

  test("what was asked for: numbers as names, fewer columns, in the order asked for", async () => {
    const table = await readCsv(bytesOf("a,b,c\n1,007,x\n2,7,y\n"), { select: ["c", "b"], columns: { b: "category" } });
    expect(Object.keys(table.columns)).toEqual(["c", "b"]);
    expect(table.columns["b"]).toEqual({ kind: "category", codes: Int32Array.of(0, 1), names: ["007", "7"] });
  });

  test("other delimiters, no header, another encoding, quoted names", async () => {
    const table = await readCsv(Uint8Array.of(...bytesOf("1;caf"), 0xe9, 0x0a), { delimiter: ";", names: ["n", "drink"], encoding: "latin1" });
    expect(table.columns["drink"]).toEqual({ kind: "category", codes: Int32Array.of(0), names: ["café"] });
    expect(Object.keys((await readCsv(bytesOf('"a ""b""",\r\n1,2\r\n'))).columns)).toEqual(['a "b"', "column2"]);
  });

  test("numbers are the doubles next to them, times those of the calendar", async () => {
    const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }).map(String), fc.tuple(fc.integer(), fc.nat(99_999_999)).map(([whole, part]) => `${whole}.${part}`));
    const time = fc.date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true }).map((date) => date.toISOString());
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(number, time), { minLength: 1 }), async (rows) => {
        const { columns } = await readCsv(bytesOf(`n,t\n${rows.map((row) => row.join(",")).join("\n")}`));
        expect(valuesOf(columns["n"])).toEqual(Float64Array.from(rows, ([number]) => Number(number)));
        expect(valuesOf(columns["t"])).toEqual(Float64Array.from(rows, ([, time]) => Date.parse(time)));
      }),
    );
  });

  test.each(["2010-13-01", "2010-02-29", "2010-00-10", "2010-1-1", "2010-01-01T24:00", "2010-01-01T10", "2010-01-01T10:00:00.", "2010-01-01T10:00+25:00", "20100-01-01", "2010-01-01T10:00x"])(
    "%s is no time",
    async (text) => expect((await readCsv(bytesOf(`t\n${text}\n`))).columns["t"]?.kind).toBe("category"),
  );

  test.each(["1,5", "0x10", "1e999", "Infinity", "--1", "1.2.3", "1 2", ".", "e5", "1_000"])("%s is no number", async (text) => {
    expect((await readCsv(bytesOf(`n\n"${text}"\n`))).columns["n"]?.kind).toBe("category");
  });
});

describe("the grammar", () => {
  // Fields out of what matters to it, in records of equal width; quoted where they have to be, and sometimes anyway.
  const field = fc.string({ unit: fc.constantFrom("a", "é", "𝕏", " ", '"', ",", "\n", "\r\n", "1"), maxLength: 6 });
  const records = fc.integer({ min: 2, max: 4 }).chain((width) => fc.array(fc.array(fc.tuple(field, fc.boolean()), { minLength: width, maxLength: width }), { minLength: 1, maxLength: 12 }));
  const ends = fc.constantFrom("\n", "\r\n");

  test("is csv-parse's, however the bytes come in", async () => {
    const property = fc.asyncProperty(records, ends, fc.boolean(), fc.boolean(), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), async (rows, end, last, mark, sizes) => {
      const lines = rows.map((row) => row.map(([text, quoted]) => (quoted || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(","));
      const text = (mark ? "\uFEFF" : "") + lines.join(end) + (last ? end : "");
      const expected: string[][] = parse(text, { bom: true, record_delimiter: end, relax_column_count: false });
      const names = (expected[0] ?? []).map((_, index) => `c${index}`);
      const kinds = Object.fromEntries(names.map((name) => [name, "category"] as const));
      const table = await readCsv(inPieces(bytesOf(text), sizes), { names, columns: kinds, missing: [] });
      const read = Array.from({ length: table.rows }, (_, row) =>
        Object.values(table.columns).map((column) => (column.kind === "category" ? column.names[column.codes[row] ?? 0] : undefined)),
      );
      expect(read).toEqual(expected);
    });
    await fc.assert(property, { numRuns: 400 });
  });

  test("a lone CR ends a line; empty lines are skipped; a quotation mark within a field is text", async () => {
    const { columns } = await readCsv(bytesOf('\n\na,b\r\r1,5" disc\r\n\n2,x"y"'));
    expect(columns["b"]).toMatchObject({ names: ['5" disc', 'x"y"'] });
    expect(valuesOf(columns["a"])).toEqual(Float64Array.of(1, 2));
  });

  test("fields that are longer than the window in which bytes are looked at", async () => {
    const long = "x,\n".repeat(400_000);
    const { columns } = await readCsv(bytesOf(`a,b\n1,"${long}"\n2,y\n`));
    expect(columns["b"]).toMatchObject({ names: [long, "y"] });
  });
});

describe("sources", () => {
  const text = "a,b\n1,x\n2,y\n";
  const folder = mkdtempSync(join(tmpdir(), "gatewise-csv-"));
  const path = join(folder, "table.csv");
  writeFileSync(path, text);
  writeFileSync(`${path}.gz`, gzipSync(text));

  test("paths, URLs, bytes, blobs, streams; packed or not", async () => {
    const { columns } = await readCsv(path);
    expect(valuesOf(columns["a"])).toEqual(Float64Array.of(1, 2));
    const sources = [`${path}.gz`, new URL(`file://${path}.gz`), bytesOf(text), bytesOf(text).buffer, new Blob([text]), new Blob([text]).stream(), createReadStream(path), inPieces(gzipSync(text), [1])];
    for (const source of sources) expect((await readCsv(source)).columns).toEqual(columns);
  });

  test("a file that is not there, packed data that ends early or is damaged", async () => {
    await refused(readCsv(join(folder, "none.csv")), "file_access", "source", "ENOENT");
    const packed = gzipSync(text.repeat(1000));
    await refused(readCsv(packed.subarray(0, packed.length - 12)), "invalid_file", "the bytes", "ends early");
    const damaged = Uint8Array.from(packed, (byte, index) => (index === 30 ? byte ^ 0xff : byte));
    await refused(readCsv(damaged), "invalid_file", "the bytes", "damaged");
    rmSync(folder, { recursive: true });
  });

  test("a stream cannot be read again for a column that changes its mind", async () => {
    const lines = Array.from({ length: 200_000 }, (_, row) => (row === 150_000 ? "x" : String(row)));
    const stream = () => inPieces(bytesOf(`id\n${lines.join("\n")}\n`), [100_000]);
    await refused(readCsv(stream()), "invalid_file", "the stream:150002:id", 'give columns: { "id": "category" }');
    expect((await readCsv(stream(), { columns: { id: "category" } })).columns["id"]?.kind).toBe("category");
  });
});

describe("refuses", () => {
  const asked = { columns: { b: "number" } } as const;
  test.each([
    ["a record with too few fields", "a,b,c\n1,2,3\n4,5\n", {}, "the bytes:3:c", "1 are missing"],
    ["a record behind others of several lines", 'a,b\r\n1,"x\r\ny\n"\r\n\r\n2,z\r\n3\r\n', {}, "the bytes:7:b", "1 are missing"],
    ["a record with too many fields", "a,b\n\n1,2\n\"4\n4\",5,6\n", {}, "the bytes:4", "1 too many"],
    ["records that are not as wide as the names", "1,2\n3,4\n", { names: ["a"] }, "the bytes:1", "names for 1"],
    ["what is no number", "a,b\n1,2\nx,12x\n", asked, "the bytes:3:b", '"12x" is no finite number'],
    ["what is no time", "b\n2010-01-01\n31.12.2010\n", { columns: { b: "time" } }, "the bytes:3:b", '"31.12.2010" is no time in ISO 8601'],
    ["a quotation mark that is missing", 'a,b\n1,"2\n3,4\n', {}, "the bytes:2:b", "does not end"],
    ["text behind a quoted field", 'a,b\n"1"x,2\n', {}, "the bytes:2:a", "write two for each one"],
    ["two columns of one name", "a,a\n1,2\n", {}, "the bytes:1:a", "two columns have this name"],
    ["text that is no UTF-8", Uint8Array.of(97, 10, 120, 10, 0xe9, 10), {}, "the bytes:3:a", "not utf-8 text"],
    ["UTF-16", Uint8Array.of(0xff, 0xfe, 97, 0), {}, "the bytes:1", "UTF-16"],
  ] as const)("%s", async (_, content, options, path, message) => {
    const bytes = typeof content === "string" ? bytesOf(content) : content;
    await refused(readCsv(bytes, options), "invalid_file", path, message);
  });

  test.each([
    ["a column that is not there", { select: ["a", "d"] }, "options.select", 'no column "d": it has "a", "b"'],
    ["a kind for one that is not there", { columns: { d: "time" } }, "options.columns.d", 'no column "d"'],
    ["a kind that there is not", { columns: { a: "text" } }, "options.columns.a", "category"],
    ["a column twice", { select: ["a", "a"] }, "options.select", "no two alike"],
    ["a delimiter of two characters", { delimiter: "::" }, "options.delimiter", "one ASCII character"],
    ["an encoding that there is not", { encoding: "utf-16le" }, "options.encoding", "TextDecoder"],
    ["words that are none", { missing: "NA" }, "options.missing", "list of texts"],
  ])("%s", async (_, options, path, message) => {
    await refused(readCsv(bytesOf("a,b\n1,2\n"), options as object), "invalid_option", path, message);
  });

  test("a file with nothing in it", async () => {
    await refused(readCsv(new Uint8Array(0)), "empty_data", "the bytes", "nothing in it");
    await refused(readCsv(bytesOf("a,b\n\n")), "empty_data", "the bytes", "no line below");
    await refused(readCsv(7 as never), "invalid_option", "source", "not a number");
  });
});
