/** What ranks other than 0 answer by asking rank 0. */

import { type Handle, type Methods, type Request, user } from "../../../broker/handle/mod.ts";
import type { Clock } from "../../../broker/ports/mod.ts";
import type { Relay } from "./relay.ts";
import { checkSize } from "../requests.ts";
import type { Stats } from "../stats.ts";
import { timed } from "../timing.ts";

export interface RelayParts {
  readonly handle: Pick<Handle, "rpc" | "rpcRaw">;
  readonly relay: Relay;
  readonly stats: Stats;
  readonly clock: Clock;
}

export function relayMethods({ handle, relay, stats, clock }: RelayParts): Methods {
  const pass = ({ topic, message, signal }: Request) => handle.rpcRaw(topic, message.payload, { rank: 0, signal });
  return {
    "kvs.commit": user(({ message, userid, rolemask }) => {
      checkSize(message.payload);
      const answer = relay.forward(message.payload ?? new Uint8Array(0), { userid, rolemask });
      return timed(clock, () => stats.commits, answer);
    }),
    "kvs.namespace-create": ({ payload, userid, signal }) => {
      const owner = payload.owner === -1 ? userid : payload.owner;
      return handle.rpc("kvs.namespace-create", { ...payload, owner }, { rank: 0, signal });
    },
    "kvs.namespace-remove": pass,
    "kvs.namespace-list": pass,
    "kvs.gc": pass,
  };
}
