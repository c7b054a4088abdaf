// Cold data that is the facade's alone, held to valibot's schemas; what is wrong becomes the package's error, with the path
// that a caller would write. Knows none of the schemas.

import * as v from "valibot";

import { GatewiseError, type ErrorCode } from "./errors.js";
import { nearest } from "./suggest.js";

type Entries = v.ObjectEntries;
type Issue = v.BaseIssue<unknown>;

/** An object with these fields and no other. */
export function fields<const E extends Entries>(entries: E): v.StrictObjectSchema<E, v.ErrorMessage<v.StrictObjectIssue>> {
  const known = Object.keys(entries);
  return v.strictObject(entries, (issue) => {
    // Missing fields are expected by name; unknown ones are not expected at all.
    if (issue.expected === "never") return unknownField(String(issue.path?.at(-1)?.key), known);
    return issue.expected === "Object" ? sentence(issue) : "this is missing";
  });
}

function unknownField(written: string, known: readonly string[]): string {
  const meant = nearest(written, known);
  return `there is no such field${meant === undefined ? `: there are ${known.join(", ")}` : `, did you mean "${meant}"?`}`;
}

/**
 * `value` as the schema has it, every default filled in.
 *
 * The schema's own sentences stand for valibot's; of the offending field they speak as `this`: "this must be above 0".
 *
 * @param path where `value` stands, as a caller writes it: `"space"`
 * @throws {GatewiseError} `code` with the path of the first field that is wrong
 */
export function validated<const Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  path: string,
  code: ErrorCode = "invalid_option",
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value, { message: sentence });
  if (result.success) return result.output;
  const { keys, message } = deepest(result.issues[0]);
  const place = pathOf(keys, path);
  throw new GatewiseError(code, place, place === "" ? message : withPlace(message, place));
}

/** An error's sentence stands for itself: it is read where the path is not shown. */
function withPlace(message: string, place: string): string {
  return message.startsWith("this ") ? place + message.slice("this".length) : `${place}: ${message}`;
}

/** What is said where the schema has no sentence of its own. */
function sentence({ type, expected, received, requirement, message }: Issue): string {
  if (received === "undefined") return "this is missing";
  if (type === "safe_integer") return `this must be a whole number, not ${received}`;
  if (type === "finite") return `this must be finite, not ${received}`;
  if (type === "min_value") return `this must be at least ${String(requirement)}, not ${received}`;
  if (type === "min_length" && requirement === 1) return "this must not be empty";
  if (type === "min_length") return `this must have at least ${String(requirement)}, not ${received}`;
  return expected === null ? message : `this must be ${oneOf(expected)}, not ${named(received)}`;
}

const NAMES: Readonly<Record<string, string>> = {
  Array: "a list",
  Object: "an object",
  boolean: "true or false",
  number: "a number",
  string: "text",
};

function named(kind: string): string {
  return Object.hasOwn(NAMES, kind) ? String(NAMES[kind]) : kind;
}

/** Valibot's `("a" | "b") | Array` as people write it. */
function oneOf(kinds: string): string {
  const each = [...new Set(kinds.replaceAll(/[()]/g, "").split(" | "))].map(named);
  return each.length === 1 ? String(each[0]) : `${each.slice(0, -1).join(", ")} or ${each.at(-1)}`;
}

interface Found {
  readonly keys: readonly unknown[];
  readonly message: string;
}

/**
 * The issue that says most. Of a union: what is wrong inside of one of its variants, the deepest first. Where a union has a
 * sentence of its own, that says more than the fields by which the variants differ, of which all but one are bound to be wrong.
 */
function deepest(issue: Issue, below: readonly unknown[] = []): Found {
  const keys = [...below, ...keysOf(issue)];
  const described = issue.message !== sentence(issue);
  const telling = (issue.issues ?? []).filter((each) => each.path && !(described && isStructural(each)));
  const inner = telling.map((each) => deepest(each, keys));
  return inner.toSorted((a, b) => b.keys.length - a.keys.length)[0] ?? { keys, message: issue.message };
}

function isStructural({ type, expected, received }: Issue): boolean {
  return type === "literal" || expected === "never" || received === "undefined";
}

function keysOf({ path }: Issue): unknown[] {
  return path?.map(({ key }) => key) ?? [];
}

function pathOf(keys: readonly unknown[], path: string): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === "number") return `${path}[${key}]`;
    return path === "" ? String(key) : `${path}.${String(key)}`;
  }, path);
}
