// Data on its way to workers: its typed arrays lie in shared memory once, and each worker copies them into memory of its own,
// as the core takes no shared arrays. What is no typed array (targets as names) is cloned with the message.

import { type Hash, createHash } from "node:crypto";

import type { LabelledData } from "../data/types.js";
import type { OutputDefinition } from "../model/outputs.js";

type Data = LabelledData<OutputDefinition>;
type Arrays = Float32Array | Uint32Array | Int32Array | Uint16Array | Int16Array | Uint8Array | Int8Array;
type ArrayConstructor = new (buffer: ArrayBufferLike) => Arrays;

/** What both sides know of data: nothing but the fields that hold some. */
const FIELDS = ["shape", "x", "tokens", "statics", "lengths", "targets", "weights"] as const;

/** The data with its typed arrays in shared memory. Other fields are left behind. */
export function share(data: Data): Data {
  return withArrays(data, (array) => copyInto(array, new SharedArrayBuffer(array.byteLength)));
}

/** The data with its typed arrays in memory of the caller's own. */
export function unshare(data: Data): Data {
  return withArrays(data, (array) => copyInto(array, new ArrayBuffer(array.byteLength)));
}

function withArrays(data: Data, copy: (array: Arrays) => Arrays): Data {
  const entries = FIELDS.flatMap((name) => {
    const value: unknown = data[name];
    return value === undefined ? [] : [[name, isArray(value) ? copy(value) : value]];
  });
  return Object.fromEntries(entries) as unknown as Data;
}

function copyInto(array: Arrays, buffer: ArrayBufferLike): Arrays {
  const copy = new (array.constructor as ArrayConstructor)(buffer);
  copy.set(array as Float32Array);
  return copy;
}

function isArray(value: unknown): value is Arrays {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

/** SHA-256 of all that the data holds, to tell other data by. */
export function digestOf(...parts: readonly unknown[]): string {
  const hash = createHash("sha256");
  for (const part of parts) addTo(hash, part);
  return hash.digest("hex");
}

function addTo(hash: Hash, part: unknown): void {
  if (isArray(part)) {
    hash.update(`${part.constructor.name}:${part.length}:`).update(part);
  } else if (typeof part === "object" && part !== null && FIELDS.some((name) => name in part)) {
    for (const name of FIELDS) addTo(hash.update(`${name}:`), (part as Partial<Data>)[name]);
  } else {
    hash.update(`${JSON.stringify(part)};`);
  }
}
