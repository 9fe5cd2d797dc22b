/**
 * A tar archive (ustar), made in memory: the same input gives the same bytes, whatever machine, time and user.
 * Only what the packed executable needs: plain files with short names in one directory.
 */

export interface TarFile {
  readonly name: string;
  readonly data: Uint8Array;
  readonly executable?: boolean;
}

const BLOCK = 512;
const encoder = new TextEncoder();

/** The entry of one file: header, data, padding to a whole block. Throws for a name over 100 bytes. */
export function tarEntry(file: TarFile): Uint8Array<ArrayBuffer> {
  const name = encoder.encode(file.name);
  if (name.length > 100) throw new Error(`${file.name}: name too long for the archive`);
  const entry = new Uint8Array(BLOCK + Math.ceil(file.data.length / BLOCK) * BLOCK);
  const put = (at: number, text: string) => entry.set(encoder.encode(text), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0") + "\0";
  entry.set(name, 0);
  put(100, octal(file.executable ? 0o755 : 0o644, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(file.data.length, 11));
  put(136, octal(0, 11));
  put(148, " ".repeat(8));
  put(156, "0");
  put(257, "ustar\0" + "00");
  const sum = entry.subarray(0, BLOCK).reduce((total, byte) => total + byte, 0);
  put(148, sum.toString(8).padStart(6, "0") + "\0 ");
  entry.set(file.data, BLOCK);
  return entry;
}

/** What ends an archive. */
export function tarEnd(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(2 * BLOCK);
}
