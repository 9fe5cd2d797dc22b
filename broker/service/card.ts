/** Where one broker's overlays are reached, and its public key: what brokers must know of each other to be linked. */

import { FluxError, type JsonObject } from "../message/mod.ts";
import { integerField, optionalString, stringField } from "./fields.ts";

export interface Card {
  readonly rank: number;
  readonly hostname: string;
  readonly tbon: string;
  readonly events: string;
  readonly ring: string;
  readonly publicKey?: string | undefined;
}

/** Reads a card from an answer. Throws EPROTO naming the field. */
export function readCard(payload: JsonObject): Card {
  const [tbon, events, ring, hostname] = ["tbon", "events", "ring", "hostname"].map((name) =>
    stringField(payload, name)
  );
  const rank = integerField(payload, "rank");
  if (rank < 0) throw new FluxError("EPROTO", '"rank" must not be negative');
  return {
    rank,
    hostname: hostname!,
    tbon: tbon!,
    events: events!,
    ring: ring!,
    publicKey: optionalString(payload, "publicKey"),
  };
}
