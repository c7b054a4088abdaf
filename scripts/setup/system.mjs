// The system's package manager: installing through it where that is ours to do, else the command for the reader.

import { existsSync } from "node:fs";

import { run, which } from "./commands.mjs";

/** @typedef {{ debian: string, fedora: string, arch: string, alpine: string, macos: string, windows: string }} Commands */

/** Whether packages can be installed here without asking: root on a system with apt-get. */
export function canInstallPackages() {
  return process.getuid?.() === 0 && existsSync("/etc/debian_version") && which("apt-get") !== undefined;
}

/**
 * Installs packages with apt-get.
 * @param {string} log
 * @param {readonly string[]} packages
 */
export async function installPackages(log, packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await run(log, "apt-get", ["update"], { env });
  await run(log, "apt-get", ["install", "-y", "--no-install-recommends", ...packages], { env });
}

/**
 * The command for this platform.
 * @param {Commands} commands One for each platform.
 * @returns {string}
 */
export function commandForHere(commands) {
  if (process.platform === "darwin") return commands.macos;
  if (process.platform === "win32") return commands.windows;
  const sudo = process.getuid?.() === 0 ? "" : "sudo ";
  if (which("dnf")) return sudo + commands.fedora;
  if (which("pacman")) return sudo + commands.arch;
  if (which("apk")) return sudo + commands.alpine;
  return sudo + commands.debian;
}
