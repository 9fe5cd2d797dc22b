/**
 * `kvs`: a tree of keys in which every change makes a new root (wire.md §3.13–3.15), on a content store. Rank 0 writes the
 * roots; every rank reads by itself, and follows the events that tell of new ones.
 */

import type { Module } from "../../broker/handle/mod.ts";
import { openBranch } from "./branch/side.ts";
import { openCore } from "./core.ts";
import { Fences } from "./fence.ts";
import { readMethods } from "./read_methods.ts";
import { openRoot } from "./root/side.ts";
import { dropCache, serviceMethods, type ServiceParts } from "./service_methods.ts";
import { watchMethods } from "./watch/service.ts";

const kvs: Module = {
  name: "kvs",
  services: ["kvs-watch"],
  async start({ handle, ports }) {
    const core = openCore(handle, ports);
    const { clock, random, rank, size } = ports;
    const side = await (rank === 0 ? openRoot(core) : openBranch(core));
    const { committer } = side;
    const arity = Number(ports.attribute("tbon-arity"));
    const took = (seconds: number) => core.stats.fences.add(seconds);
    const fences = new Fences({ ...core, committer, clock, random, rank, size, arity, took });
    const parts: ServiceParts = {
      ...core,
      ...(side.collector && { collector: side.collector }),
      pending: () => side.pending(),
      watchers: async () =>
        (await handle.rpc<{ watchers: number }>("kvs-watch.stats-get", undefined, { rank })).watchers,
      fences: () => fences.pending,
      log: (text) => ports.log("info", text),
    };
    await handle.serve({
      ...readMethods({ ...core, clock }),
      ...side.methods,
      ...watchMethods(core),
      ...fences.methods,
      ...serviceMethods(parts),
    });
    await handle.listen("kvs.dropcache", () => {
      dropCache(parts).catch((error) => ports.log("err", `dropcache: ${error.message}`));
    });
    return {
      async stop(gone) {
        fences.stop();
        await side.close();
        core.closing.abort(gone);
      },
    };
  },
};
export default kvs;
