/** `flux kvs get`: values, once or as they change. */

import { Queue } from "../../broker/handle/mod.ts";
import type { Kvs } from "../../modules/kvs/client.ts";
import { KvsFlag } from "../../modules/kvs/protocol.ts";
import { type TreeObject, valBytes } from "../../modules/kvs/tree/treeobj.ts";
import { command, type ParsedOptions, UsageError } from "../mod.ts";
import { about, allAbout, openKvs, readAt } from "./access.ts";
import { ahead } from "./ahead.ts";
import { AT } from "./options.ts";
import { shown, treeobjText, valueRecord } from "./value.ts";

const OPTIONS = {
  ...AT,
  raw: { short: "r", type: "flag", help: "Write the bytes as they are stored, nothing added" },
  treeobj: { short: "t", type: "flag", help: "Print the entry as it is stored" },
  label: { short: "l", type: "flag", help: "Print KEY= before each value" },
  watch: { short: "w", type: "flag", help: "Print the value again each time it is written" },
  waitcreate: { short: "W", type: "flag", help: "Wait for a key that is missing" },
  uniq: { short: "u", type: "flag", help: "With --watch, leave out writes of the same value" },
  append: { short: "A", type: "flag", help: "With --watch, print only what is appended" },
  full: { short: "f", type: "flag", help: "With --watch, notice replaced directories and links on the way too" },
  stream: { type: "flag", help: "Print a large value part by part" },
  count: { short: "c", type: "integer", arg: "N", min: 1, help: "With --watch, stop after N values of each key" },
} as const;

type Options = ParsedOptions<typeof OPTIONS>;

/** A key with what it has. */
interface Found {
  readonly key: string;
  readonly object: TreeObject;
}

export const get = command({
  name: "get",
  summary: "Print the values of keys",
  usage: ["[OPTIONS] KEY..."],
  signal: true,
  complete: "key",
  options: OPTIONS,
  async *run({ opts, args, json, connect, signal }): AsyncGenerator<string | Uint8Array | object, void> {
    check(opts, args);
    const kvs = await openKvs({ connect, opts });
    for await (const found of results(kvs, args, opts, signal)) {
      yield* json ? [record(found, opts)] : text(found, opts);
    }
  },
  human: (text) => text as string | Uint8Array,
});

function check(opts: Options, keys: readonly string[]): void {
  if (keys.length === 0) throw new UsageError("get: specify one or more keys");
  if (opts.raw && opts.treeobj) throw new UsageError("get: --raw and --treeobj exclude each other");
  if (opts.watch && opts.stream) throw new UsageError("get: --watch and --stream exclude each other");
  const live = (["watch", "waitcreate", "stream"] as const).find((name) => opts[name]);
  if (live && opts.at !== undefined) throw new UsageError(`get: --${live} follows the store, --at does not`);
  const alone = (["uniq", "append", "full", "count"] as const).find((name) => opts[name]);
  if (alone && !opts.watch) throw new UsageError(`get: --${alone} needs --watch`);
}

function results(kvs: Kvs, keys: string[], opts: Options, signal: AbortSignal): AsyncGenerator<Found, void> {
  if (opts.watch && keys.length > 1) return together(keys.map((key) => follow(kvs, key, opts, signal)));
  if (opts.watch || opts.waitcreate || opts.stream) return inTurn(keys, (key) => follow(kvs, key, opts, signal));
  const at = readAt(opts.at, signal);
  const flags = opts.treeobj ? KvsFlag.treeobj : 0;
  return ahead(keys, async (key) => ({ key, object: await about(key, kvs.lookup(key, flags, at)) }));
}

/** One key, by the service that watches. */
async function* follow(kvs: Kvs, key: string, opts: Options, signal: AbortSignal): AsyncGenerator<Found, void> {
  const { waitcreate, uniq, append, full, stream, treeobj } = opts;
  let left = opts.watch ? opts.count ?? Infinity : stream ? Infinity : 1;
  const changes = kvs.watch(key, { waitcreate, uniq, append, full, stream, treeobj, signal });
  for await (const object of allAbout(key, changes)) {
    yield { key, object };
    if (--left === 0) return;
  }
}

async function* inTurn<T>(keys: string[], each: (key: string) => AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  for (const key of keys) yield* each(key);
}

/** What several sources yield, as it comes; ends with the last of them, fails with the first that does. */
async function* together<T>(sources: readonly AsyncGenerator<T, void>[]): AsyncGenerator<T, void> {
  using queue = new Queue<T>();
  const drained = sources.map(async (source) => {
    for await (const item of source) queue.push(item);
  });
  Promise.all(drained).then(() => queue.end(), (error) => queue.fail(error));
  yield* queue;
}

function* text({ key, object }: Found, opts: Options): Generator<string | Uint8Array, void> {
  const label = opts.label ? `${key}=` : "";
  if (opts.treeobj || object.type !== "val") return yield label + treeobjText(object);
  const bytes = valBytes(object);
  // Parts of a value are no values: a line of its own would break them up.
  const value = opts.raw || opts.stream ? bytes : shown(bytes);
  if (typeof value === "string") return yield label + value;
  if (label) yield new TextEncoder().encode(label);
  yield value;
}

function record({ key, object }: Found, opts: Options): object {
  if (opts.treeobj || object.type !== "val") return { key, treeobj: object };
  const bytes = valBytes(object);
  return { key, ...(opts.raw ? { base64: bytes.toBase64() } : valueRecord(bytes)) };
}
