// The peers' npm packages, which are installed outside the checkout. Their types are not here: each worker says what it
// uses of them.

import { createRequire } from "node:module";
import { join } from "node:path";

export function requirePeer<Module>(name: string): Module {
  const location = process.env["GATEWISE_BENCH_PEERS"];
  if (!location) throw new Error("GATEWISE_BENCH_PEERS is to name the folder of the peers' node_modules");
  return createRequire(join(location, "package.json"))(name) as Module;
}
