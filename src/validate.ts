// Cold data that is the facade's alone, held to valibot's schemas; what is wrong becomes the package's error, with the path
// that a caller would write. Knows none of the schemas.

import * as v from "valibot";

import { GatewiseError, type ErrorCode } from "./errors.js";
import { didYouMean } from "./suggest.js";

type Entries = v.ObjectEntries;

/** An object with these fields and no other. */
export function fields<const E extends Entries>(entries: E): v.StrictObjectSchema<E, v.ErrorMessage<v.StrictObjectIssue>> {
  const known = Object.keys(entries);
  return v.strictObject(entries, (issue) => {
    // Missing fields are expected by name; unknown ones are not expected at all.
    const key = issue.path?.at(-1)?.key;
    if (issue.expected === "never") return `there is no such field${didYouMean(String(key), known) || `: there are ${known.join(", ")}`}`;
    if (issue.expected === "Object") return `this must be an object, not ${issue.received}`;
    return "this field is missing";
  });
}

/**
 * `value` as the schema has it.
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
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const issue = deepest(result.issues[0]);
  throw new GatewiseError(code, pathOf(issue, path), issue.message);
}

/**
 * The issue that says most. Of a union: what is wrong inside of one of its variants, the deepest first; not the fields by which
 * the variants differ, of which all but one are bound to be wrong.
 */
function deepest(issue: v.BaseIssue<unknown>, below: readonly unknown[] = []): Found {
  const keys = [...below, ...(issue.path ?? []).map(({ key }) => key)];
  const telling = (issue.issues ?? []).filter((each) => each.path && each.type !== "literal" && each.expected !== "never" && each.received !== "undefined");
  const inner = telling.map((each) => deepest(each, keys));
  return inner.toSorted((a, b) => b.keys.length - a.keys.length)[0] ?? { keys, message: issue.message };
}

interface Found {
  readonly keys: readonly unknown[];
  readonly message: string;
}

function pathOf({ keys }: Found, path: string): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === "number") return `${path}[${key}]`;
    return path === "" ? String(key) : `${path}.${String(key)}`;
  }, path);
}
