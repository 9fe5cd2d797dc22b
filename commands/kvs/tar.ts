/**
 * The tar format, as much of it as the store needs: ustar headers, with pax records before them for what does not fit
 * (POSIX.1-2001 pax). Read are GNU's long names too. Pure.
 */

/** Everything in an archive is a multiple of this, bytes. */
export const BLOCK = 512;
/** What an archive ends with: two empty blocks, and as many as make a whole record of twenty. */
const RECORD = 20 * BLOCK;

/** Types of entries by their letter. */
export const TarType = {
  file: "0",
  symlink: "2",
  directory: "5",
  pax: "x",
  paxGlobal: "g",
  gnuLongName: "L",
  gnuLongLink: "K",
} as const;

/** What is told of an entry before its data. */
export interface TarHeader {
  /** Slashes between the parts; a directory's has one at the end too. */
  readonly path: string;
  readonly type: string;
  /** Of the data, bytes. */
  readonly size: number;
  /** Of a symbolic link. */
  readonly target?: string;
}

/** Offsets and lengths of the fields that are used. */
const NAME = [0, 100] as const;
const MODE = [100, 8] as const;
const UID = [108, 8] as const;
const GID = [116, 8] as const;
const SIZE = [124, 12] as const;
const MTIME = [136, 12] as const;
const CHECKSUM = [148, 8] as const;
const TYPE = 156;
const LINKNAME = [157, 100] as const;
const MAGIC = [257, 8] as const;
const PREFIX = [345, 155] as const;
/** Permissions by type. */
const MODES: Readonly<Record<string, string>> = { [TarType.directory]: "0000755", [TarType.symlink]: "0000777" };
type Field = readonly [number, number];

const utf8 = new TextEncoder();
const text = new TextDecoder();
const SPACE = 0x20;

/** Not an archive, or one that is damaged. */
export class TarError extends Error {
  override readonly name = "TarError";
}

/** The blocks before an entry's data. `time`: seconds since 1970. */
export function encodeHeader({ path, type, size, target }: TarHeader, time: number): Uint8Array<ArrayBuffer> {
  const records: [string, string][] = [];
  if (!fits(path)) records.push(["path", path]);
  if (target !== undefined && !fits(target)) records.push(["linkpath", target]);
  const header = block(path, type, size, target ?? "", time);
  if (records.length === 0) return header;
  return joined(encodeRecords(TarType.pax, "PaxHeader", records, time), header);
}

/** An entry of pax records: for the next entry, or for all of them. */
export function encodeRecords(
  type: "x" | "g",
  name: string,
  records: readonly (readonly [string, string])[],
  time: number,
): Uint8Array<ArrayBuffer> {
  const data = utf8.encode(records.map(record).join(""));
  return joined(block(name, type, data.length, "", time), data, padding(data.length));
}

/** What fills data up to a whole block. */
export function padding(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array((BLOCK - size % BLOCK) % BLOCK);
}

/** What ends an archive of `written` bytes. */
export function ending(written: number): Uint8Array<ArrayBuffer> {
  const least = written + 2 * BLOCK;
  return new Uint8Array(Math.ceil(least / RECORD) * RECORD - written);
}

/** Reads a header; null for an empty block. Throws TarError when its checksum is wrong. */
export function decodeHeader(bytes: Uint8Array): TarHeader | null {
  if (bytes.every((byte) => byte === 0)) return null;
  if (parseInt(string(bytes, CHECKSUM), 8) !== checksum(bytes)) {
    throw new TarError("not a tar header (its checksum is wrong)");
  }
  const prefix = isUstar(bytes) ? string(bytes, PREFIX) : "";
  const name = string(bytes, NAME);
  const target = string(bytes, LINKNAME);
  return {
    path: prefix === "" ? name : `${prefix}/${name}`,
    type: bytes[TYPE] === 0 ? TarType.file : String.fromCharCode(bytes[TYPE]!),
    size: octal(bytes, SIZE),
    ...(target !== "" && { target }),
  };
}

/** Pax records as they stand in the data of an `x` or `g` entry. Throws TarError. */
export function decodeRecords(data: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(SPACE, at);
    const length = Number(text.decode(data.subarray(at, space)));
    const [whole, equals] = [data.subarray(space + 1, at + length - 1), data.indexOf(0x3d, space)];
    if (space < 0 || !Number.isInteger(length) || length < 5 || at + length > data.length || equals < 0) {
      throw new TarError("malformed pax record");
    }
    const split = equals - space - 1;
    records.set(text.decode(whole.subarray(0, split)), text.decode(whole.subarray(split + 1)));
    at += length;
  }
  return records;
}

/** Whether a name can stand in a ustar header, where only ASCII is sure to be understood. */
function fits(name: string): boolean {
  return name.length <= NAME[1] && /^[ -~]*$/.test(name);
}

function block(path: string, type: string, size: number, target: string, time: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(BLOCK);
  put(bytes, NAME, path);
  put(bytes, MODE, MODES[type] ?? "0000644");
  put(bytes, UID, "0000000");
  put(bytes, GID, "0000000");
  put(bytes, SIZE, size.toString(8).padStart(11, "0"));
  put(bytes, MTIME, Math.floor(time).toString(8).padStart(11, "0"));
  bytes[TYPE] = type.charCodeAt(0);
  put(bytes, LINKNAME, target);
  put(bytes, MAGIC, "ustar\x0000");
  put(bytes, CHECKSUM, `${checksum(bytes).toString(8).padStart(6, "0")}\0 `);
  return bytes;
}

/** `LENGTH NAME=VALUE\n`, where LENGTH counts itself. */
function record([name, value]: readonly [string, string]): string {
  const rest = utf8.encode(` ${name}=${value}\n`).length;
  let length = rest + `${rest}`.length;
  if (rest + `${length}`.length > length) length++;
  return `${length} ${name}=${value}\n`;
}

/** Puts as much of ASCII `value` as there is room for; other characters become `?`. */
function put(bytes: Uint8Array, [at, length]: Field, value: string): void {
  for (let i = 0; i < Math.min(length, value.length); i++) {
    const code = value.charCodeAt(i);
    bytes[at + i] = code < 0x80 ? code : 0x3f;
  }
}

function string(bytes: Uint8Array, [at, length]: Field): string {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return text.decode(end < 0 ? field : field.subarray(0, end));
}

/** Throws TarError for a number that is none; GNU's binary numbers, of files over 8 GiB, are none either. */
function octal(bytes: Uint8Array, field: Field): number {
  const digits = string(bytes, field).trim();
  if (!/^[0-7]*$/.test(digits)) throw new TarError("malformed number in a tar header");
  return digits === "" ? 0 : parseInt(digits, 8);
}

/** The sum of all bytes, those of the checksum itself taken as blanks. */
function checksum(bytes: Uint8Array): number {
  const [from, length] = CHECKSUM;
  let sum = length * SPACE;
  for (let i = 0; i < BLOCK; i++) if (i < from || i >= from + length) sum += bytes[i]!;
  return sum;
}

function isUstar(bytes: Uint8Array): boolean {
  return text.decode(bytes.subarray(MAGIC[0], MAGIC[0] + 6)) === "ustar\0";
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
