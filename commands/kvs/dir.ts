/** `flux kvs dir` and `dirsize`: directories with the values in them (cli.md §4.2). */

import type { At, Kvs } from "../../modules/kvs/client.ts";
import { normalize } from "../../modules/kvs/tree/key.ts";
import { valBytes } from "../../modules/kvs/tree/treeobj.ts";
import { command, UsageError } from "../mod.ts";
import { about, keyError, openKvs, readAt } from "./access.ts";
import { ahead } from "./ahead.ts";
import { entriesOf, type Entry, isDirectory, pinned } from "./listing.ts";
import { AT } from "./options.ts";
import { shown, valueRecord } from "./value.ts";

export const DEPTH = {
  recursive: { short: "r", type: "flag", help: "List what is in subdirectories too" },
  descend: { short: "R", type: "flag", help: "The same as --recursive" },
} as const;

/** An entry with what is shown of it. */
export interface Row {
  readonly key: string;
  readonly type: "value" | "directory" | "link";
  /** Of a value. */
  readonly bytes?: Uint8Array;
  readonly target?: string;
  readonly namespace?: string;
}

export const dir = command({
  name: "dir",
  summary: "List a directory with its values",
  usage: ["[OPTIONS] [KEY]"],
  complete: "key",
  options: {
    ...AT,
    ...DEPTH,
    directory: { short: "d", type: "flag", help: "Leave out the values" },
    width: { short: "w", type: "integer", arg: "COLS", min: 0, default: 0, help: "Cut lines to COLS characters" },
  },
  async *run({ opts, args, json, connect }): AsyncGenerator<Row | object, void> {
    const [key = ".", extra] = args;
    if (extra !== undefined) throw new UsageError("dir: specify zero or one directory");
    const kvs = await openKvs({ connect, opts });
    const at = await about(key, pinned(kvs, readAt(opts.at)));
    const rows = listRows(kvs, key, at, { recursive: opts.recursive || opts.descend, values: !opts.directory });
    for await (const row of rows) yield json ? record(row) : row;
  },
  human: (row, opts) => line(row as Row, opts.width),
});

export const dirsize = command({
  name: "dirsize",
  summary: "Print the number of entries of a directory",
  usage: ["[OPTIONS] KEY"],
  complete: "key",
  options: AT,
  async *run({ opts, args, connect }) {
    const [key, extra] = args;
    if (key === undefined || extra !== undefined) throw new UsageError("dirsize: specify one directory");
    const kvs = await openKvs({ connect, opts });
    yield { key, size: (await about(key, kvs.dir(key, readAt(opts.at)))).size };
  },
  human: ({ size }) => `${size}`,
});

/** The rows of a directory, and with `recursive` of those below in place of their own rows. */
export async function* listRows(
  kvs: Kvs,
  key: string,
  at: At,
  { recursive, values }: { recursive: boolean; values: boolean },
): AsyncGenerator<Row, void> {
  let entries: Entry[];
  try {
    entries = await entriesOf(kvs, normalize(key), at);
  } catch (error) {
    throw keyError(key, error);
  }
  for await (const row of ahead(entries, (entry) => rowOf(kvs, entry, at, values))) {
    if (recursive && row.type === "directory") yield* listRows(kvs, row.key, at, { recursive, values });
    else yield row;
  }
}

async function rowOf(kvs: Kvs, entry: Entry, at: At, values: boolean): Promise<Row> {
  const { key, object } = entry;
  if (isDirectory(entry)) return { key, type: "directory" };
  if (object.type === "symlink") return { key, type: "link", ...object.data };
  if (!values) return { key, type: "value" };
  return { key, type: "value", bytes: object.type === "val" ? valBytes(object) : await kvs.getBytes(key, at) };
}

/** One row as it is printed, at most `width` characters of it unless that is 0. */
export function line({ key, type, bytes, target, namespace }: Row, width = 0): string {
  const text = type === "directory"
    ? `${key}.`
    : type === "link"
    ? `${key} -> ${namespace === undefined ? "" : `${namespace}::`}${target}`
    : bytes === undefined
    ? key
    : `${key} = ${printable(bytes)}`;
  return width > 0 && text.length > width ? `${text.slice(0, Math.max(0, width - 4))} ...` : text;
}

function printable(bytes: Uint8Array): string {
  const value = shown(bytes);
  return typeof value === "string" ? value : new TextDecoder().decode(value);
}

function record({ bytes, ...row }: Row): object {
  return bytes === undefined ? row : { ...row, ...valueRecord(bytes) };
}
