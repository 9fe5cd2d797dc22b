/** A broker's business card: what others must know to be linked with it (wire.md §7.1). Pure. */

import { FluxError } from "./errno.ts";
import type { JsonObject } from "./json.ts";

/** Where one broker's overlays are reached, and the public key of its links. */
export interface Card {
  readonly rank: number;
  readonly hostname: string;
  readonly tbon: string;
  readonly events: string;
  readonly ring: string;
  readonly publicKey?: string | undefined;
  /** With a public key: it is shown to be its broker's by a password, in clear text. */
  readonly isPlain?: boolean | undefined;
}

/** The card as it is sent: whose it is, goes without saying. */
export function cardFields({ hostname, publicKey, isPlain, tbon, events, ring }: Card): JsonObject {
  const key = publicKey && { pubkey: publicKey, ...(isPlain && { plain: true }) };
  return { host: hostname, ...key, uri: [tbon, events, ring] };
}

/** How the links of this broker are secured, as `--security` has it. */
export function securityOf({ publicKey, isPlain }: Pick<Card, "publicKey" | "isPlain">): "none" | "plain" | "curve" {
  return publicKey === undefined ? "none" : isPlain ? "plain" : "curve";
}

/** Reads the card of `rank`. Throws EPROTO naming what is wrong with it. */
export function readCard(rank: number, { host, pubkey, plain, uri }: JsonObject): Card {
  const bad = (what: string) => new FluxError("EPROTO", `business card of rank ${rank}: ${what}`);
  if (typeof host !== "string") throw bad("host is missing");
  if (pubkey !== undefined && (typeof pubkey !== "string" || pubkey.length !== 40)) throw bad("pubkey is no Z85 key");
  if (!Array.isArray(uri) || uri.length < 3 || !uri.every((one) => typeof one === "string")) {
    throw bad("uri is no list");
  }
  const [tbon, events, ring] = uri as string[];
  return {
    rank,
    hostname: host,
    publicKey: pubkey,
    ...(plain === true && { isPlain: true }),
    tbon: tbon!,
    events: events!,
    ring: ring!,
  };
}
