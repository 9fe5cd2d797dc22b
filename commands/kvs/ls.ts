/** `flux kvs ls`: names, as ls(1) lists files. */

import { isErrno } from "../../broker/message/mod.ts";
import type { At, Kvs } from "../../modules/kvs/client.ts";
import { KvsFlag } from "../../modules/kvs/protocol.ts";
import { normalize } from "../../modules/kvs/tree/key.ts";
import type { TreeObject } from "../../modules/kvs/tree/treeobj.ts";
import { inColumns } from "../render/columns.ts";
import { command } from "../mod.ts";
import { about, openKvs, readAt } from "./access.ts";
import { ahead } from "./ahead.ts";
import { entriesOf, type Entry, isDirectory, pinned } from "./listing.ts";
import { AT } from "./options.ts";

/** Directories that are read together. */
const READAHEAD = 16;

/** Names listed together. */
interface Group {
  /** The directory they are in, null for keys that were named themselves. */
  readonly directory: string | null;
  readonly names: readonly string[];
}

/** One with how it is set off from others; JSON has no need of that. */
type Listed = Group & { readonly title?: string };

export const ls = command({
  name: "ls",
  summary: "List the names in directories",
  usage: ["[OPTIONS] [KEY...]"],
  complete: "key",
  options: {
    ...AT,
    recursive: { short: "R", type: "flag", help: "List subdirectories too" },
    directory: { short: "d", type: "flag", help: "List directories themselves, not what is in them" },
    classify: { short: "F", type: "flag", help: "Mark directories with . and links with @" },
    one: { short: "1", type: "flag", help: "Print one name a line, as is done unless on a terminal" },
    width: { short: "w", type: "integer", arg: "COLS", min: 0, help: "Print in columns on lines of COLS characters" },
  },
  async *run({ opts, args, json, connect }): AsyncGenerator<Listed, void> {
    const kvs = await openKvs({ connect, opts });
    const at = await about(args[0] ?? ".", pinned(kvs, readAt(opts.at)));
    const mark = (object: TreeObject) =>
      !opts.classify ? "" : isDirectory({ object }) ? "." : object.type === "symlink" ? "@" : "";
    const files: string[] = [];
    const directories: string[] = [];
    for await (const { key, object, lists } of ahead(args.length > 0 ? args : ["."], (key) => find(kvs, key, at))) {
      if (lists && !opts.directory) directories.push(normalize(key));
      else files.push(key + mark(object));
    }
    if (files.length > 0) yield { directory: null, names: files };
    let gap = files.length > 0 ? "\n" : "";
    const titled = opts.recursive || directories.length + files.length > 1;
    for await (const { directory, entries } of contents(kvs, directories, at, opts.recursive)) {
      const names = entries.map(({ name, object }) => name + mark(object));
      yield { directory, names, ...(titled && !json && { title: `${gap}${directory}:` }) };
      gap = "\n";
    }
  },
  human({ names, title }, { one, width }): string | null {
    const columns = one ? 0 : width ?? terminalWidth();
    const lines = columns > 0 ? inColumns(names, columns) : names;
    const whole = title === undefined ? lines : [title, ...lines];
    return whole.length > 0 ? whole.join("\n") : null;
  },
});

/** A key that was named, and whether it has names to list: a link to a directory has. */
async function find(kvs: Kvs, key: string, at: At): Promise<{ key: string; object: TreeObject; lists: boolean }> {
  const object = await about(key, kvs.lookup(key, KvsFlag.treeobj, at));
  if (object.type !== "symlink") return { key, object, lists: isDirectory({ object }) };
  try {
    await kvs.lookup(key, KvsFlag.readdir, at);
    return { key, object, lists: true };
  } catch (error) {
    if (isErrno(error, "ENOTDIR") || isErrno(error, "ENOENT")) return { key, object, lists: false };
    throw error;
  }
}

/** Directories with their entries, each followed by those below it. */
async function* contents(
  kvs: Kvs,
  directories: readonly string[],
  at: At,
  recursive: boolean,
): AsyncGenerator<{ directory: string; entries: Entry[] }, void> {
  const read = async (directory: string) => ({
    directory,
    entries: await about(directory, entriesOf(kvs, directory, at)),
  });
  for await (const one of ahead(directories, read, READAHEAD)) {
    yield one;
    if (recursive) yield* contents(kvs, one.entries.filter(isDirectory).map(({ key }) => key), at, true);
  }
}

/** 0 when standard output is no terminal. */
function terminalWidth(): number {
  try {
    return Deno.stdout.isTerminal() ? Deno.consoleSize().columns : 0;
  } catch {
    return 0;
  }
}
