// Dictionaries, numbers and tensors out of a file, as readers of files give them: maps, or plain objects. Knows no optimiser.

import { GatewiseError } from "../../errors.js";
import { isStoredTensor } from "../tensors.js";

/** A dictionary out of a file: what `readPyTorch` gives, or the same as an object. */
export class Dictionary {
  readonly #entries: ReadonlyMap<string, unknown>;
  readonly #path: string;

  private constructor(entries: ReadonlyMap<string, unknown>, path: string) {
    this.#entries = entries;
    this.#path = path;
  }

  /** `value` as a dictionary that stands at `path`. Keys that are numbers are looked for as text. */
  static of(value: unknown, path: string): Dictionary {
    if (value instanceof Map) return new Dictionary(new Map([...value].map(([key, field]) => [String(key), field])), path);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value) && !isStoredTensor(value);
    if (!isObject) throw invalid(path, "there is no dictionary here");
    return new Dictionary(new Map(Object.entries(value)), path);
  }

  get keys(): string[] {
    return [...this.#entries.keys()];
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get(key: string): unknown {
    return this.#entries.get(key);
  }

  /** Where what is under `key` stands. */
  at(key: string): string {
    return this.#path === "" ? key : `${this.#path}.${key}`;
  }

  dictionary(key: string): Dictionary {
    return Dictionary.of(this.get(key), this.at(key));
  }

  list(key: string): readonly unknown[] {
    const value = this.get(key);
    if (!Array.isArray(value)) throw invalid(this.at(key), "there is no list here");
    return value;
  }

  /** A number, or true or false, or a tensor of one number: `capturable` optimisers have those. */
  setting(key: string, index?: number): Promise<number | boolean> {
    const place = index === undefined ? this.at(key) : `${this.at(key)}[${index}]`;
    return settingOf(index === undefined ? this.get(key) : this.list(key)[index], place);
  }

  async number(key: string): Promise<number> {
    const value = await this.setting(key);
    if (typeof value !== "number") throw invalid(this.at(key), "there is no number here");
    return value;
  }
}

async function settingOf(value: unknown, path: string): Promise<number | boolean> {
  if (typeof value === "number" || typeof value === "boolean") return value;
  const [number, more] = isStoredTensor(value) ? await value.read() : [];
  if (number === undefined || more !== undefined) throw invalid(path, "there is no number here");
  return number;
}

/** The error of a file that is not what it should be. */
export function invalid(path: string, message: string): GatewiseError {
  const what = "give what `optimizer.state_dict()` was saved as, with state and param_groups";
  return new GatewiseError("invalid_file", path, `${message}: ${what}`);
}
