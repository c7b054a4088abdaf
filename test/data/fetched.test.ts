// Files on a server, in Node and by the entry that browsers load, which needs nothing of a browser that Node has not: fetch, Blob,
// streams, DecompressionStream.

import { readFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

import { Table, tableToIPC, vectorFromArray } from "apache-arrow";
import * as node from "gatewise/data";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import * as browser from "../../dist/entry/data-browser.js";
import { bytesOf, refused } from "./support.js";

const parquet = readFileSync(new URL("vectors/zstd-v2.parquet", import.meta.url));
/** Three columns of equal size. */
const columns = ["a", "b", "c"].map((name, index) => [name, vectorFromArray(Float64Array.from({ length: 5000 }, (_, row) => row * 3 + index))] as const);
const arrow = tableToIPC(new Table(Object.fromEntries(columns)), "file");
const FILES: Readonly<Record<string, Uint8Array>> = {
  "/table.csv": bytesOf("a,b\n1,x\n2,y\n"),
  "/table.csv.gz": gzipSync("a,b\n1,x\n2,y\n"),
  "/cut.csv.gz": gzipSync("a,b\n1,x\n2,y\n").subarray(0, 24),
  "/ranges/table.parquet": parquet,
  "/whole/table.parquet": parquet,
  "/ranges/table.arrow": arrow,
  "/ranges/unseen.arrow": arrow,
  "/whole/file.arrow": readFileSync(new URL("vectors/file.arrow", import.meta.url)),
};

let server: Server;
let address: string;
/** Bytes that were sent. */
let sent = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    const file = FILES[request.url ?? ""];
    if (!file) return void response.writeHead(404).end();
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const ranged = range !== null && request.url?.startsWith("/ranges");
    const [start, end] = ranged ? [Number(range[1]), Math.min(Number(range[2]), file.length - 1)] : [0, file.length - 1];
    response.writeHead(ranged ? 206 : 200, ranged && !request.url?.includes("unseen") ? { "Content-Range": `bytes ${start}-${end}/${file.length}` } : {});
    const body = file.subarray(start, end + 1);
    sent += body.length;
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

describe.each([["Node", node], ["a browser", browser]] as const)("in %s", (where, { readArrow, readCsv, readParquet }) => {
  const at = (path: string) => (where === "Node" ? new URL(path, address) : `${address}${path}`);

  test("CSV is read from a server, packed or not", async () => {
    const expected = (await node.readCsv(FILES["/table.csv"] as Uint8Array)).columns;
    for (const path of ["/table.csv", "/table.csv.gz"]) expect((await readCsv(at(path))).columns).toEqual(expected);
    expect((await readCsv(new Blob([FILES["/table.csv.gz"] as Uint8Array<ArrayBuffer>]))).columns).toEqual(expected);
  });

  test("of a Parquet file only what is asked for, where the server has parts to give", async () => {
    const expected = await node.readParquet(new Uint8Array(parquet), { select: ["flag"] });
    sent = 0;
    expect((await readParquet(at("/ranges/table.parquet"), { select: ["flag"] })).columns).toEqual(expected.columns);
    // The footer is looked for in the last half megabyte, so twice the file would be sent otherwise.
    expect(sent).toBeLessThan(parquet.length * 1.2);
    expect((await readParquet(at("/whole/table.parquet"), { select: ["flag"] })).columns).toEqual(expected.columns);
  });

  test("of an Arrow file only what is asked for, too", async () => {
    sent = 0;
    const { columns } = await readArrow(at("/ranges/table.arrow"), { select: ["b"] });
    expect(columns["b"]).toEqual({ kind: "number", values: Float64Array.from({ length: 5000 }, (_, row) => row * 3 + 1) });
    expect(sent).toBeLessThan(arrow.length * 0.4);
    expect((await readArrow(at("/whole/file.arrow"), { select: ["small"] })).rows).toBe(300);
    // As a browser sees a server of another origin that gives parts, and does not say of what.
    expect((await readArrow(at("/ranges/unseen.arrow"), { select: ["b"] })).columns).toEqual(columns);
  });

  test("what is not there, and what ends early", async () => {
    await refused(readCsv(at("/none.csv")), "file_access", "source", "404");
    await refused(readParquet(at("/none.parquet")), "file_access", "source", "404");
    await refused(readCsv(at("/cut.csv.gz")), "invalid_file", String(at("/cut.csv.gz")), "ends early");
  });
});
