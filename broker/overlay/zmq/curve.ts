import type { KeyPair } from "../../ports/mod.ts";

/** A fresh Curve25519 key pair, made by libzmq. */
export function curveKeypair(): KeyPair {
  throw new Error("being written");
}
