// The package's version, for the files that it writes. A test holds it to package.json.

export const VERSION = "0.1.0";
