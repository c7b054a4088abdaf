// The records of zip archives (APPNOTE.TXT of PKWARE, 4.3) as the reader and the writer need them: how they begin, and how long
// they are without their names, comments and extra fields.

export const LOCAL = { signature: 0x04034b50, bytes: 30 } as const;
export const CENTRAL = { signature: 0x02014b50, bytes: 46 } as const;
export const END = { signature: 0x06054b50, bytes: 22 } as const;
export const END64 = { signature: 0x06064b50, bytes: 56 } as const;
export const LOCATOR = { signature: 0x07064b50, bytes: 20 } as const;
