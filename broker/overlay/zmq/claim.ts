/** What a peer shows to be let in, as libzmq hands it over (RFC 27). */

import { encodeKey, isKey, publicKeyOf } from "./curve.ts";

export interface Claim {
  /** Whose key it is said to be; undefined for what is no key. */
  readonly key: string | undefined;
  /** The peer has proved to own it. */
  readonly isProved: boolean;
}

const KEY_BYTES = 32;
const NONE: Claim = { key: undefined, isProved: false };
const decoder = new TextDecoder();

/** CURVE has proved the key it names. A PLAIN user is named by a public key, and the password is the secret one that belongs to it. */
export function readClaim(mechanism: string, credentials: readonly Uint8Array<ArrayBuffer>[]): Claim {
  const [first, second] = credentials;
  if (mechanism === "CURVE" && first?.length === KEY_BYTES) return { key: encodeKey(first), isProved: true };
  if (mechanism !== "PLAIN" || !first || !second) return NONE;
  const user = decoder.decode(first);
  return isKey(user) ? { key: user, isProved: publicKeyOf(decoder.decode(second)) === user } : NONE;
}
