/** `flux kvs dropcache`, `dropcache-all` and `gc`: what the store keeps besides what is in it. */

import { within } from "../deadline.ts";
import { command, UsageError } from "../mod.ts";

/** A broker drops its caches at once, or something is wrong, ms. */
const PATIENCE = 30_000;

export const dropcache = command({
  name: "dropcache",
  summary: "Drop what the local rank has cached",
  usage: ["[OPTIONS]"],
  options: { all: { short: "a", type: "flag", help: "On all ranks, by an event, as dropcache-all" } },
  async run({ opts, args, connect }) {
    if (args.length > 0) throw new UsageError("dropcache: takes no arguments");
    const flux = await connect();
    if (opts.all) flux.publish("kvs.dropcache");
    else await within(PATIENCE, flux.rpc("kvs.dropcache"));
  },
});

export const dropcacheAll = command({
  name: "dropcache-all",
  summary: "Drop what all ranks have cached, by an event",
  usage: ["[OPTIONS]"],
  options: {},
  async run({ args, connect }) {
    if (args.length > 0) throw new UsageError("dropcache-all: takes no arguments");
    (await connect()).publish("kvs.dropcache");
  },
});

export const gc = command({
  name: "gc",
  summary: "Delete what no version that is kept leads to",
  usage: ["[OPTIONS]"],
  signal: true,
  options: {},
  async *run({ args, connect, signal }) {
    if (args.length > 0) throw new UsageError("gc: takes no arguments");
    yield await (await connect()).rpc<Collected>("kvs.gc", undefined, { rank: 0, signal });
  },
  human: ({ deleted, bytes, live }) => `${deleted} blobs deleted, ${bytes} bytes; ${live} bytes are kept`,
});

/** What a collection has done. */
interface Collected {
  readonly deleted: number;
  readonly bytes: number;
  readonly live: number;
}
