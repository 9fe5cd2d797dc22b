/** What a broker puts up for its neighbours to read (wire.md §7.1), as one line of JSON of at most 1024 bytes. Pure. */

import { FluxError } from "../message/mod.ts";

/** Where one broker's overlays are reached, and the public key of its links. */
export interface Card {
  readonly rank: number;
  readonly hostname: string;
  readonly tbon: string;
  readonly events: string;
  readonly ring: string;
  readonly publicKey?: string | undefined;
}

export function encodeCard(card: Card): string {
  const { hostname, publicKey, tbon, events, ring } = card;
  return JSON.stringify({ host: hostname, ...(publicKey && { pubkey: publicKey }), uri: [tbon, events, ring] });
}

/** Reads the card of `rank`. Throws EPROTO naming what is wrong with it. */
export function decodeCard(rank: number, text: string): Card {
  const bad = (what: string) => new FluxError("EPROTO", `business card of rank ${rank}: ${what}`);
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    throw bad("not JSON");
  }
  const { host, pubkey, uri } = (fields ?? {}) as Record<string, unknown>;
  if (typeof host !== "string") throw bad("host is missing");
  if (pubkey !== undefined && (typeof pubkey !== "string" || pubkey.length !== 40)) throw bad("pubkey is no Z85 key");
  if (!Array.isArray(uri) || uri.length < 3 || !uri.every((one) => typeof one === "string")) {
    throw bad("uri is no list");
  }
  const [tbon, events, ring] = uri as string[];
  return { rank, hostname: host, publicKey: pubkey, tbon: tbon!, events: events!, ring: ring! };
}
