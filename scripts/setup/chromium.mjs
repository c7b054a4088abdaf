// The browser that the browser tests drive: an installed Chromium or Chrome. Tests import `findChromium`.

import { homedir } from "node:os";
import { join } from "node:path";

import { isProgram, which } from "./commands.mjs";
import { Problem } from "./problem.mjs";
import { step } from "./step.mjs";
import { canInstallPackages, commandForHere, installPackages } from "./system.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/**
 * The browser to drive: the one that `GATEWISE_CHROMIUM` names, else the first that is installed.
 * @returns {string | undefined} Its path; undefined if there is none.
 * @throws {Problem} If `GATEWISE_CHROMIUM` names no program.
 */
export function findChromium() {
  const named = process.env["GATEWISE_CHROMIUM"];
  if (!named) return NAMES.map((name) => which(name)).find(Boolean) ?? usualPlaces().find(isProgram);
  const found = isProgram(named) ? named : which(named);
  if (!found) throw new Problem(`GATEWISE_CHROMIUM names ${named}, which is not a program.`);
  return found;
}

/** Whether there is Chromium, or we can install it. */
export function canHaveChromium() {
  return findChromium() !== undefined || canInstallPackages();
}

/** Finds Chromium, or says how to get it; nothing that takes long. */
export function requireChromium() {
  if (!canHaveChromium()) throw noChromium();
}

/** Installs Chromium where it is missing and that is ours to do. */
export async function bringChromium() {
  if (findChromium()) return;
  await step("chromium", "Installing Chromium for the browser tests", "2 minutes", (log) => installPackages(log, ["chromium"]));
  // Ubuntu's package of that name is empty where there is no snap.
  if (!findChromium()) throw noChromium();
}

function noChromium() {
  return new Problem(
    "There is no Chromium or Chrome for the browser tests. Install one, or name one in GATEWISE_CHROMIUM:",
    commandForHere({
      debian: "apt-get install -y --no-install-recommends chromium",
      fedora: "dnf install chromium",
      arch: "pacman -S chromium",
      alpine: "apk add chromium",
      macos: "brew install --cask google-chrome",
      windows: "winget install Google.Chrome",
    }),
  );
}

/** @returns {string[]} */
function usualPlaces() {
  if (process.platform === "darwin") {
    const programs = ["Google Chrome.app/Contents/MacOS/Google Chrome", "Chromium.app/Contents/MacOS/Chromium"];
    return ["/Applications", join(homedir(), "Applications")].flatMap((at) => programs.map((name) => join(at, name)));
  }
  if (process.platform !== "win32") return ["/snap/bin/chromium"];
  const { ProgramFiles, "ProgramFiles(x86)": ProgramFiles86, LOCALAPPDATA } = process.env;
  const programs = ["Google/Chrome/Application/chrome.exe", "Chromium/Application/chrome.exe"];
  return [ProgramFiles, ProgramFiles86, LOCALAPPDATA].flatMap((at) => (at ? programs.map((name) => join(at, name)) : []));
}
