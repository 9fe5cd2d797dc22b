/** What each rank does for a broadcast: takes a file for itself, hands blocks on to its children. */

import { encodeJson, FluxError, NODEID_UPSTREAM } from "../../broker/message/mod.ts";
import { type Handle, integerField, type Methods } from "../../broker/handle/mod.ts";
import type { Clock } from "../../broker/ports/mod.ts";
import { type Origin, readOffer, readOrigin, senderService } from "./protocol.ts";
import { type Disk, receive } from "./receiver.ts";
import { Relay } from "./relay.ts";

/** How long a block may take to come, ms: whoever has it is stuck, or gone without a word. */
const PATIENCE = 60_000;

export interface BcastParts {
  readonly handle: Handle;
  readonly clock: Clock;
  readonly rank: number;
  readonly hostname: string;
  readonly disk: Disk;
}

/**
 * `bcast.receive` (an offer) → `{"digest":hex}` once the file is in its place; in its directory `{rank}` and `{host}` stand for
 * those of the receiver. `bcast.pull {"id":s,"from":i,"n":i}` → the bytes of a block.
 */
export function bcastMethods({ handle, clock, rank, hostname, disk }: BcastParts): { methods: Methods; relay: Relay } {
  const ask = async (origin: Origin, n: number): Promise<Uint8Array> => {
    // Where the sender is, and at the root, there is nobody further up to ask.
    const isNear = rank === 0 || rank === origin.from;
    const { id, from } = origin;
    const [topic, payload, to] = isNear
      ? [`${senderService(id)}.block`, { n }, from]
      : ["bcast.pull", { id, from, n }, NODEID_UPSTREAM];
    const block = await handle.rpcRaw(topic, encodeJson(payload), { rank: to, timeout: PATIENCE });
    return block ?? new Uint8Array(0);
  };
  const relay = new Relay(ask, clock);
  const methods: Methods = {
    "bcast.receive": async ({ payload, signal }) => {
      const offer = readOffer(payload);
      const directory = offer.directory.replaceAll("{rank}", `${rank}`).replaceAll("{host}", hostname);
      const pull = (n: number) => withSignal(relay.pull(offer, n), signal);
      const digest = await receive({ ...offer, directory }, { rank, disk, pull, signal });
      return { digest: digest.toHex() };
    },
    "bcast.pull": async ({ payload }) => {
      const n = integerField(payload, "n");
      if (n < 0) throw new FluxError("EINVAL", '"n" must not be negative');
      return await relay.pull(readOrigin(payload), n);
    },
  };
  return { methods, relay };
}

/** Stops waiting when nobody wants it any more; others may still share what comes. */
function withSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
