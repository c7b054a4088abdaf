// What set-up cannot bring: Node, Rust and a C linker. Each is checked before anything is built, and a missing one is
// reported with the command that installs it.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { answer } from "./commands.mjs";
import { oldestRust, packageJson } from "./manifests.mjs";
import { Problem } from "./problem.mjs";
import { commandForHere } from "./system.mjs";
import { atLeast, satisfies, versionIn } from "./versions.mjs";

/** Node, as package.json's `engines` asks. */
export function requireNode() {
  const version = process.versions.node;
  const wanted = packageJson.engines.node;
  if (satisfies(version, wanted)) return;
  throw new Problem(
    `This is Node ${version}; Gatewise needs ${wanted}. Install a newer one, for instance from https://nodejs.org, or:`,
    commandForHere({
      debian: "npm install --global n && n lts",
      fedora: "dnf install nodejs",
      arch: "pacman -S nodejs npm",
      alpine: "apk add nodejs npm",
      macos: "brew install node",
      windows: "winget install OpenJS.NodeJS.LTS",
    }),
  );
}

/** Rust, as Cargo.toml's `rust-version` asks: `cargo` and `rustc`. */
export function requireRust() {
  const wanted = oldestRust();
  for (const program of ["cargo", "rustc"]) {
    const found = versionIn(answer(program, ["--version"]) ?? "");
    if (!found) throw new Problem(`There is no working \`${program}\` on the PATH. Install Rust ${wanted} or newer:`, rustup());
    if (!atLeast(found, wanted)) {
      throw new Problem(`This is ${program} ${found}; Gatewise needs ${wanted} or newer.`, `rustup update stable\nor, where there is no rustup:\n${rustup()}`);
    }
  }
}

/** A linker: an empty program is linked, which no look at the PATH can replace. */
export function requireLinker() {
  const folder = mkdtempSync(join(tmpdir(), "gatewise-"));
  try {
    const args = ["--crate-name", "empty", "--crate-type", "bin", "-o", join(folder, "empty.exe"), "-"];
    const { status, stderr } = spawnSync("rustc", args, { input: "fn main() {}", encoding: "utf8", cwd: folder });
    if (status === 0) return;
    const reason = stderr.trim().split("\n", 1)[0] ?? "";
    throw new Problem(`Rust cannot link a program (${reason}). Install a C compiler, which brings a linker:`, compiler());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function rustup() {
  if (process.platform === "win32") return "winget install Rustlang.Rustup";
  return "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh\n. \"$HOME/.cargo/env\"";
}

function compiler() {
  return commandForHere({
    debian: "apt-get install -y gcc libc6-dev",
    fedora: "dnf install gcc",
    arch: "pacman -S gcc",
    alpine: "apk add build-base",
    macos: "xcode-select --install",
    windows: 'winget install Microsoft.VisualStudio.2022.BuildTools --override "--add Microsoft.VisualStudio.Workload.VCTools"',
  });
}
