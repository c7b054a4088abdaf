// Versions of tools, compared as numbers. Enough of semver for package.json's `engines` (`^`, `>=`, `||`): set-up runs
// before any npm package is there.

/**
 * The first version in a text such as `rustc 1.95.0 (59807616e 2026-04-14)`.
 * @param {string} text
 * @returns {string | undefined}
 */
export function versionIn(text) {
  return /\d+\.\d+(?:\.\d+)?/.exec(text)?.[0];
}

/**
 * @param {string} found
 * @param {string} wanted Missing parts count as 0.
 * @returns {boolean} Whether `found` is `wanted` or newer.
 */
export function atLeast(found, wanted) {
  const [a, b] = [numbers(found), numbers(wanted)];
  for (const part of [0, 1, 2]) {
    const difference = (a[part] ?? 0) - (b[part] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/**
 * @param {string} version
 * @param {string} range Ranges of the form `^1.2.3` or `>=1.2.3`, joined by `||`.
 * @returns {boolean}
 */
export function satisfies(version, range) {
  return range.split("||").some((part) => {
    const alternative = part.trim();
    const wanted = versionIn(alternative) ?? "0";
    const sameMajor = numbers(version)[0] === numbers(wanted)[0];
    return atLeast(version, wanted) && (sameMajor || alternative.startsWith(">="));
  });
}

/** @param {string} version */
function numbers(version) {
  return version.split(".").map(Number);
}
