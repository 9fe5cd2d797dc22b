/** `flux kvs watch` and `watch-dir`: what a key has, then each change of it (cli.md §4.2). */

import { errnum, isErrno, strerror } from "../../broker/message/mod.ts";
import type { Kvs, WatchOptions } from "../../modules/kvs/client.ts";
import { type TreeObject, valBytes } from "../../modules/kvs/tree/treeobj.ts";
import { command, UsageError } from "../mod.ts";
import { keyError, openKvs } from "./access.ts";
import { DEPTH, line, listRows } from "./dir.ts";
import { pinned } from "./listing.ts";
import { NAMESPACE } from "./options.ts";
import { valueRecord } from "./value.ts";

const RULE = "=".repeat(22);

const COUNT = {
  count: { short: "c", type: "integer", arg: "N", min: 1, help: "Stop after N of them" },
} as const;

export const watch = command({
  name: "watch",
  summary: "Print a value, and again each time it changes",
  usage: ["[OPTIONS] KEY"],
  signal: true,
  complete: "key",
  options: { ...NAMESPACE, ...COUNT },
  async *run({ opts, args, json, connect, signal }): AsyncGenerator<string | object, void> {
    const [key, extra] = args;
    if (key === undefined || extra !== undefined) throw new UsageError("watch: specify one key");
    let left = opts.count ?? Infinity;
    for await (const object of changes(await openKvs({ connect, opts }), key, { signal })) {
      const bytes = object?.type === "val" ? valBytes(object) : undefined;
      if (json) yield { key, ...(bytes ? valueRecord(bytes) : { missing: true }) };
      else yield bytes ? new TextDecoder().decode(bytes).replace(/\n$/, "") : "NULL";
      if (--left === 0) return;
    }
  },
  human: (text) => text as string,
});

export const watchDir = command({
  name: "watch-dir",
  summary: "List a directory, and again each time something in it changes",
  usage: ["[OPTIONS] KEY"],
  signal: true,
  complete: "key",
  options: { ...NAMESPACE, ...COUNT, ...DEPTH },
  async *run({ opts, args, connect, signal }): AsyncGenerator<string, void> {
    const [key, extra] = args;
    if (key === undefined || extra !== undefined) throw new UsageError("watchdir: specify one directory");
    const kvs = await openKvs({ connect, opts });
    const depth = { recursive: opts.recursive || opts.descend, values: true };
    let left = opts.count ?? Infinity;
    for await (const object of changes(kvs, key, { dir: true, signal })) {
      if (object) {
        // One version for the whole list, at least as new as the change.
        const at = await pinned(kvs, { signal });
        for await (const row of listRows(kvs, key, at, depth)) yield line(row);
        yield RULE;
      } else {
        yield `${key}: ${strerror(errnum("ENOENT"))}`;
      }
      if (--left === 0) return;
    }
  },
});

/** What the key has, then each change; undefined when it is missing or goes missing. Never ends by itself. */
async function* changes(kvs: Kvs, key: string, options: WatchOptions): AsyncGenerator<TreeObject | undefined, void> {
  const watched = (waitcreate: boolean) => kvs.watch(key, { ...options, full: true, uniq: true, waitcreate });
  let seen = "";
  try {
    for (;;) {
      try {
        for await (const object of watched(false)) {
          // The first one of a watch that was begun again is known.
          if (seen !== (seen = JSON.stringify(object))) yield object;
        }
        return;
      } catch (error) {
        if (!isErrno(error, "ENOENT")) throw error;
        yield undefined;
      }
      for await (const object of watched(true)) {
        seen = JSON.stringify(object);
        yield object;
        break;
      }
    }
  } catch (error) {
    throw keyError(key, error);
  }
}
