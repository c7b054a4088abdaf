// The names that wrappers of modules leave in state dicts: `module.` of DataParallel and DistributedDataParallel, `_orig_mod.` of
// torch.compile.

const LEADING = ["module.", "_orig_mod."];
const COMPILED = /(^|\.)_orig_mod\./g;

/**
 * The same entries under the names that the model has without its wrappers. A prefix goes where every name has it, one after the
 * other in whatever order they come; `_orig_mod.` goes everywhere, because parts of a model are compiled too and nobody else
 * writes it. Where two names would become one, all stay as they are.
 *
 * @example
 * ```ts
 * const file = await readPyTorch("compiled.pt"); // _orig_mod.module.rnn.weight_ih_l0, …
 * withoutWrappers(file.tensors()).keys(); // rnn.weight_ih_l0, …
 * ```
 */
export function withoutWrappers<Value>(tensors: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> {
  let entries = [...tensors];
  for (let prefix = commonPrefix(entries); prefix !== undefined; prefix = commonPrefix(entries)) {
    const { length } = prefix;
    entries = entries.map(([name, value]) => [name.slice(length), value]);
  }
  const stripped = new Map(entries.map(([name, value]) => [name.replaceAll(COMPILED, "$1"), value] as const));
  return stripped.size === tensors.size ? stripped : tensors;
}

/** A wrapper's prefix that all names have; none of a name may remain empty. */
function commonPrefix(entries: readonly (readonly [string, unknown])[]): string | undefined {
  if (entries.length === 0) return undefined;
  return LEADING.find((prefix) => entries.every(([name]) => name.startsWith(prefix) && name.length > prefix.length));
}
