import type { Clock, Random, Transport } from "../../ports/mod.ts";

/** The network of this machine: libzmq in a context of its own. */
export function zmqTransport(_ports?: { clock?: Clock; random?: Random }): Transport {
  throw new Error("being written");
}
