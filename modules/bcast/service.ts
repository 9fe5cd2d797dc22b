/** `bcast`: files from one client to directories of all ranks, over the tree. */

import type { Module } from "../../broker/handle/mod.ts";
import { systemDisk } from "./disk.ts";
import { bcastMethods } from "./methods.ts";

const bcast: Module = {
  name: "bcast",
  async start({ handle, ports }) {
    const { clock, rank } = ports;
    const hostname = ports.attribute("hostname") ?? "";
    const { methods, relay } = bcastMethods({ handle, clock, rank, hostname, disk: systemDisk });
    await handle.serve(methods);
    return { stop: () => relay.clear() };
  },
};
export default bcast;
