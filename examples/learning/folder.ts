// Files of the user's own folder: where they are, or where to get them.

import { existsSync } from "node:fs";
import { join } from "node:path";

/** A file is not where it should be: a sentence for the user. */
export class MissingData extends Error {}

/**
 * The first of these files that there is, in the folder itself or in its `inner` folder, gzipped or not.
 *
 * @throws {MissingData} where there is none, with `source`, which says where to get it
 */
export function findFile(folder: string, inner: string, names: readonly string[], source: string): string {
  const paths = names.flatMap((name) => [join(folder, name), join(folder, inner, name)]).flatMap((path) => [path, `${path}.gz`]);
  const found = paths.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new MissingData(`There is no ${names.join(" and no ")} in ${folder} or in its folder ${inner}.\n${source}`);
}
