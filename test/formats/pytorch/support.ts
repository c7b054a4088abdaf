// The committed files of torch.save with what is in them (test/vectors/pytorch-files/generate.py), and values as plain text.

import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { GatewiseError } from "gatewise";
import { type PyTorchValue, type StoredTensor, readPyTorch } from "gatewise/formats";

import { type Numbers, readSafetensors } from "../../vectors/safetensors.js";

const FOLDER = fileURLToPath(new URL("../../vectors/pytorch-files/", import.meta.url));

export const NAMES: readonly string[] = readdirSync(FOLDER).filter((name) => name.endsWith(".pt")).map((name) => name.slice(0, -3));

export function pathOf(name: string): string {
  return `${FOLDER}${name}.pt`;
}

export function bytesOf(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(pathOf(name)));
}

export interface Expected {
  readonly tensors: ReadonlyMap<string, Numbers>;
  readonly types: Readonly<Record<string, string>>;
  readonly plain: Readonly<Record<string, unknown>>;
}

export function expectedOf(name: string): Expected {
  const { metadata, tensors } = readSafetensors(`${FOLDER}${name}.safetensors`);
  return { tensors, types: JSON.parse(metadata["types"] ?? "{}"), plain: JSON.parse(metadata["plain"] ?? "{}") };
}

export function isTensor(value: unknown): value is StoredTensor {
  return typeof value === "object" && value !== null && "read" in value;
}

export interface Leaf {
  readonly path: string;
  readonly value: Exclude<PyTorchValue, readonly PyTorchValue[] | ReadonlyMap<PyTorchValue, PyTorchValue>>;
}

/** All that is no dictionary and no list, under the same paths as generate.py's. */
export function leavesOf(value: PyTorchValue, path = ""): Leaf[] {
  const at = (key: unknown) => (path === "" ? String(key) : `${path}/${String(key)}`);
  if (value instanceof Map) return [...value].flatMap(([key, entry]: [PyTorchValue, PyTorchValue]) => leavesOf(entry, at(key)));
  if (Array.isArray(value)) return (value as readonly PyTorchValue[]).flatMap((entry, index) => leavesOf(entry, at(index)));
  return [{ path, value: value as Leaf["value"] }];
}

/** Reads every tensor of a file: its value with numbers in the place of tensors, as one text. */
export async function textOf(bytes: Uint8Array): Promise<string> {
  const file = await readPyTorch(bytes);
  const lines: string[] = [];
  for (const { path, value } of leavesOf(file.value)) {
    const shown = isTensor(value) ? `${value.type} ${value.shape.join("x")} ${[...(await value.read())].join()}` : `${typeof value} ${String(value)}`;
    lines.push(`${path}: ${shown}`);
  }
  return lines.join("\n");
}

/** What refuses; anything but the package's own error is thrown on. */
export async function refused(source: Uint8Array | Promise<unknown>): Promise<GatewiseError> {
  try {
    await (source instanceof Uint8Array ? textOf(source) : source);
  } catch (error) {
    if (error instanceof GatewiseError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}
