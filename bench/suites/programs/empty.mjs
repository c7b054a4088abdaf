// A program: nothing. What Node itself takes to import a file.
export const nothing = undefined;
