/**
 * What a user's certificates (`flux keygen`) are used for when a session boots: a seal on each rank's business card, and link keys
 * where no card can be exchanged. Both are bound to the session, its size and the rank. Pure.
 */

import nacl from "tweetnacl";
import { FluxError, type JsonObject } from "../message/mod.ts";
import type { KeyPair, Mechanism } from "../ports/mod.ts";
import { keyPairOf } from "./certificate.ts";
import { decodeZ85, encodeZ85 } from "./z85.ts";

/** Whose card or key it is. */
export interface Identity {
  /** What tells this session from all others, as the bootstrap names it. */
  readonly session: string;
  readonly size: number;
  readonly rank: number;
}

/** Of SHA-512, bytes. */
const BLOCK = 128, KEY = 32;
const encoder = new TextEncoder();

/**
 * The key that all brokers of one user have and nobody else: made of the secret certificate `client` and the public one
 * `server`, so that the secrets of the two sides need not be on the same host. A MAC is enough, since whoever can check a
 * card is the user and could sign it too.
 */
export class UserKey {
  readonly #key: Uint8Array;

  /** Throws EINVAL for what are no keys. */
  constructor(clientSecret: string, serverPublic: string) {
    const [secret, known] = [clientSecret, serverPublic].map(decodeZ85);
    if (secret!.length !== KEY || known!.length !== KEY) throw new FluxError("EINVAL", "a key has 40 characters");
    const shared = nacl.box.before(known!, secret!);
    this.#key = nacl.hash(joined(encoder.encode("flux user key 1\0"), shared)).subarray(0, KEY);
  }

  /** The fields of a card, with a `seal` over all of them and over whose card it is. */
  seal(fields: JsonObject, identity: Identity): JsonObject {
    const { seal: _, ...rest } = fields;
    return { ...rest, seal: encodeZ85(this.#mac("card", identity, rest)) };
  }

  /** Throws EACCES for a card that is not the one this user's broker of that rank has sealed in that session. */
  check(fields: JsonObject, identity: Identity): void {
    const { seal, ...rest } = fields;
    const card = `business card of rank ${identity.rank}${typeof rest.host === "string" ? ` (${rest.host})` : ""}`;
    if (seal === undefined) {
      throw new FluxError(
        "EACCES",
        `${card}: not sealed: the keys of flux keygen are on this host, but not on that one`,
      );
    }
    if (typeof seal !== "string" || !/^.{40}$/s.test(seal) || !isEqual(seal, this.#mac("card", identity, rest))) {
      throw new FluxError("EACCES", `${card}: the seal is wrong: other keys, another session, or it was changed`);
    }
  }

  /**
   * The keys of a rank's links, which every broker of this user can tell: for a bootstrap that exchanges nothing. Passwords are
   * others than the secret keys of CURVE, since they are shown.
   */
  linkKeys(identity: Identity, mechanism: Mechanism = "curve"): KeyPair {
    const isPlain = mechanism === "plain";
    const keys = keyPairOf(encodeZ85(this.#mac(isPlain ? "password" : "link", identity, {})));
    return isPlain ? { ...keys, mechanism } : keys;
  }

  /** HMAC-SHA-512 (RFC 2104), cut to 32 bytes. */
  #mac(purpose: "card" | "link" | "password", { session, size, rank }: Identity, fields: JsonObject): Uint8Array {
    const text = encoder.encode(JSON.stringify([purpose, session, size, rank, fields]));
    const pad = (byte: number) => Uint8Array.from({ length: BLOCK }, (_, i) => (this.#key[i] ?? 0) ^ byte);
    return nacl.hash(joined(pad(0x5c), nacl.hash(joined(pad(0x36), text)))).subarray(0, KEY);
  }
}

function isEqual(text: string, mac: Uint8Array): boolean {
  try {
    return nacl.verify(decodeZ85(text), mac);
  } catch (error) {
    if (error instanceof FluxError) return false;
    throw error;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
