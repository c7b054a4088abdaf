// Pickles that would take memory, time or the stack without end: each ends at once, with a code or a right value.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { type PyTorchMap, type PyTorchValue, readPyTorch } from "gatewise/formats";
import { describe, expect, test } from "vitest";

import { refused } from "./support.js";
import { TENSOR, pickle, torchFile, zip } from "./zips.js";

/** Above what any of them takes on a slow machine, below what would be a hang. */
const SECONDS = 10;

const MANY = 1_000_000;

const CHECKOUT = fileURLToPath(new URL("../../..", import.meta.url));

function u64(value: bigint): Uint8Array {
  return new Uint8Array(BigUint64Array.of(value).buffer);
}

async function valueOf(data: Uint8Array): Promise<PyTorchValue> {
  return (await readPyTorch(torchFile(data))).value;
}

describe("refused", () => {
  test.each<[string, Uint8Array, RegExp]>([
    ["a million marks", pickle("(".repeat(MANY)), /other than one value/],
    ["a million lists in each other", pickle("]".repeat(MANY), "a".repeat(MANY - 1)), /far more memory than the file's size/],
    ["a million tuples in each other", pickle("N", "\x85".repeat(MANY)), /far more memory than the file's size/],
    ["1001 lists in each other", pickle("]".repeat(1001), "a".repeat(1000)), /nested more than 1000 deep/],
    ["20,000 tuples in each other", pickle("N", "\x85".repeat(20_000)), /nested more than 1000 deep/],
    ["a million dictionaries side by side", pickle("(", "}".repeat(MANY), "t"), /far more memory than the file's size/],
    ["a million calls that make dictionaries", pickle("ccollections\nOrderedDict\nq\x00(", "h\x00)R".repeat(MANY), "t"), /far more memory/],
    ["a million notes", pickle("N", "\x94".repeat(MANY)), /far more memory/],
    ["a list deeper by another way than the first", pickle(chain(998), "](h\x01", "]]]h\x01aaa", "e"), /nested more than 1000 deep/],
    ["a string of 2⁶⁰ bytes", pickle("\x8d", u64(1n << 60n), "x"), /ends in the middle/],
    ["a string of 2⁶⁴ - 1 bytes", pickle("\x8d", u64((1n << 64n) - 1n), "x"), /ends in the middle/],
    ["bytes of 2⁶⁰ bytes", pickle("\x8e", u64(1n << 60n), "x"), /ends in the middle/],
    ["a bytearray of 2⁶³ bytes", pickle("\x96", u64(1n << 63n), "x"), /ends in the middle/],
    ["a string of 2³² - 1 bytes", pickle("X\xff\xff\xff\xff", "x"), /ends in the middle/],
    ["an integer of 2³¹ bytes", pickle("\x8b\x00\x00\x00\x80", "x"), /an integer has 2147483648 bytes/],
    ["an integer of 255 bytes", pickle("\x8a\xff", "x".repeat(255)), /an integer has 255 bytes/],
    ["a note beyond all others that is taken", pickle("Nr\xff\xff\xff\xffj\xfe\xff\xff\xff"), /takes number 4294967294/],
    ["a name without end", pickle("c", "x".repeat(100_000)), /no string/],
    ["one long string made bytes again and again", pickle(encodedAgain(20_000, 5_000)), /far more memory/],
  ])("%s", async (_, data, message) => {
    const before = performance.now();
    const error = await refused(torchFile(data));
    expect(error.code).toBe("invalid_file");
    expect(error.message).toMatch(message);
    expect(performance.now() - before).toBeLessThan(1000 * SECONDS);
  });
});

/** Lists in each other, noted as 1. */
function chain(length: number): string {
  return `${"]".repeat(length)}${"a".repeat(length - 1)}q\x010`;
}

/** `_codecs.encode` of one string, which is noted, many times. */
function encodedAgain(bytes: number, times: number): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes);
  const head = Buffer.concat([Buffer.from("X"), length, Buffer.alloc(bytes, 0x61), Buffer.from("q\x000X\x06\x00\x00\x00latin1q\x010c_codecs\nencode\nq\x020(", "latin1")]);
  return Buffer.concat([head, Buffer.from("h\x02h\x00h\x01\x86R".repeat(times), "latin1"), Buffer.from("t")]);
}

describe("read", () => {
  test("lists of the same lists are shared, not copied (billion laughs)", async () => {
    const levels = 60;
    let data = "]q\x00";
    for (let level = 0; level < levels; level++) data += `](${`h${String.fromCharCode(level)}`.repeat(10)}eq${String.fromCharCode(level + 1)}`;
    // All levels are left on the stack below the last: a mark and a tuple gather them.
    let value = await valueOf(pickle("(", data, "t"));
    for (let level = levels; level >= 0; level--) {
      if (level < levels) expect(new Set(value as readonly PyTorchValue[]).size).toBe(1);
      value = (value as readonly PyTorchValue[]).at(-1) as PyTorchValue;
    }
    expect(value).toEqual([]);
  });

  test("as deep as Python writes", async () => {
    const depth = 999;
    let value = await valueOf(pickle("]".repeat(depth), "a".repeat(depth - 1)));
    for (let level = 1; level < depth; level++) value = (value as readonly PyTorchValue[])[0] as PyTorchValue;
    expect(value).toEqual([]);
  });

  test("a list of more numbers than a call can have arguments", async () => {
    expect(await valueOf(pickle("](", "K\x07".repeat(MANY), "e"))).toHaveLength(MANY);
  });

  test("a frame that claims 2⁶³ bytes is as long as the file", async () => {
    expect(await valueOf(pickle("\x95", u64(1n << 63n), "K\x05"))).toBe(5);
  });

  test("a dictionary keeps the last of equal keys, and any key", async () => {
    const key = (name: string) => `X${String.fromCharCode(name.length)}\x00\x00\x00${name}`;
    const value = (await valueOf(pickle("}(", key("a"), "K\x01", key("__proto__"), "]", key("a"), "K\x02", "K\x05N", "\x88NK\x01K\x02\x86Nu"))) as PyTorchMap;
    expect([...value].map(([name]) => name)).toEqual(["a", "__proto__", 5, true, [1, 2]]);
    expect(value.get("a")).toBe(2);
    expect(Object.getPrototypeOf(value)).toBe(Map.prototype);
  });

  test("attributes of an OrderedDict are no entries", async () => {
    const value = await valueOf(pickle("ccollections\nOrderedDict\n)R}X\x09\x00\x00\x00__proto__}sb"));
    expect(Object.getPrototypeOf(value)).toBe(Map.prototype);
    expect(value).toEqual(new Map());
  });
});

/** Reads its standard input and says how its memory's peak grew, in bytes; what refused it goes before. */
const MEASURE = `
  import { readPyTorch } from "gatewise/formats";
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const bytes = new Uint8Array(Buffer.concat(chunks));
  chunks.length = 0;
  const peak = () => 1024 * process.resourceUsage().maxRSS;
  const before = peak();
  const outcome = await readPyTorch(bytes).then(() => "read", ({ code }) => code);
  console.log(JSON.stringify({ outcome, grown: peak() - before }));
`;

test.each([
  ["dictionaries", "(", "}", "t"],
  ["lists", "(", "]", "t"],
  ["marks", "", "(", ""],
  ["copies", "N", "2", ""],
  ["notes", "N", "\x94", ""],
  ["tuples in each other", "N", "\x85", ""],
])("memory stays within forty times the file: %s, one byte each", (_, open, byte, close) => {
  const size = 5_000_000;
  const input = torchFile(pickle(open, new Uint8Array(size).fill(byte.charCodeAt(0)), close));
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", MEASURE], { cwd: CHECKOUT, input, encoding: "utf8" });
  expect(stderr).toBe("");
  const { outcome, grown } = JSON.parse(stdout) as { outcome: string; grown: number };
  expect(outcome).toBe("invalid_file");
  // Beside what the file may take: the collector's slack, and fifteen to thirty bytes of arrays that grow.
  expect(grown / size).toBeLessThan(40);
});

describe("tensors that share numbers", () => {
  /** Entries that are all the same tensor of 2²⁰ numbers, one number repeated. */
  function repeated(entries: number): Uint8Array {
    const text = Buffer.from(TENSOR).toString("latin1").replace("K\x04\x85K\x01\x85", "J\x00\x00\x10\x00\x85K\x00\x85");
    const body = text.slice(2 + "}X\x01\x00\x00\x00w".length, -"s.".length);
    const names = Array.from({ length: entries }, (_, index) => `X\x03\x00\x00\x00${String(index).padStart(3, "0")}h\xf0`);
    return pickle(`${body}q\xf00}(${names.join("")}u`);
  }

  test("may repeat what they share to a bound", async () => {
    const file = await readPyTorch(torchFile(repeated(16)));
    expect((await file.tensors().get("015")?.read())?.length).toBe(1 << 20);
  });

  test("are refused beyond it", async () => {
    const file = await readPyTorch(torchFile(repeated(17)));
    expect(() => file.tensors()).toThrow(/its 17 tensors share the same numbers so often that they have 17825792/);
  });
});

test("names as long as the file do not multiply in lists of what is there", async () => {
  const long = "n".repeat(100_000);
  const key = (name: string) => Buffer.concat([Buffer.from("X"), new Uint8Array(Uint32Array.of(name.length).buffer), Buffer.from(name)]);
  const body = Buffer.from(Buffer.from(TENSOR).toString("latin1").slice(2 + "}X\x01\x00\x00\x00w".length, -2), "latin1");
  const inner = Array.from({ length: 2000 }, (_, index) => Buffer.concat([key(`i${index}`), Buffer.from("}X\x01\x00\x00\x00wh\x01s")]));
  const data = pickle(body, "q\x010}(", key(long), "}(", ...inner, "uu");
  const file = await readPyTorch(zip([{ name: "a/data.pkl", data }, { name: "a/data/0", data: new Uint8Array(16) }]));
  expect(file.stateDicts.length).toBeLessThanOrEqual(1000);
  expect(file.stateDicts.join("").length).toBeLessThan(1_000_000);
});
