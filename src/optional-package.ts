// Packages that only some features need: the optional peers of package.json. Each is imported when its feature is first used.

import { GatewiseError } from "./errors.js";

/**
 * The optional peer `name`, or an error that says how to install it.
 *
 * @param name as npm knows it
 * @param purpose what it is needed for, as a sentence goes on after its name: "reads Parquet files"
 * @param load imports it: `() => import("hyparquet")`, a literal, so that bundlers find it
 * @throws {GatewiseError} `missing_package` where it is not installed
 */
export async function optionalPackage<Module>(name: string, purpose: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
    throw new GatewiseError("missing_package", name, `the package ${name} ${purpose}, and is not installed: npm install ${name}`, { cause });
  }
}

/** Node has a code for a package that is not there; browsers a TypeError about the specifier; Vite's builds an error of their own. */
function isMissing(cause: unknown): boolean {
  const { code, message } = (cause ?? {}) as { code?: unknown; message?: unknown };
  return code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND" || /module specifier|^Could not resolve /.test(String(message));
}
