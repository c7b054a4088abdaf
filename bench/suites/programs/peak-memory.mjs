// The largest resident memory that this process ever had.

import { existsSync, readFileSync } from "node:fs";

/**
 * On Linux not `maxRSS`: a process inherits that from the one that started it, whose memory may have been larger.
 * @returns {number} bytes
 */
export function peakMemory() {
  const status = "/proc/self/status";
  const [, kibibytes] = (existsSync(status) && /VmHWM:\s+(\d+) kB/.exec(readFileSync(status, "utf8"))) || [];
  return 1024 * (kibibytes ? Number(kibibytes) : process.resourceUsage().maxRSS);
}
