import { FluxError } from "../../message/mod.ts";
import type { KeyPair } from "../../ports/mod.ts";
import { zmqCurve } from "./library.ts";

const KEY_CHARACTERS = 40;
const decoder = new TextDecoder();

/** A fresh Curve25519 key pair, made by libzmq. */
export function curveKeypair(): KeyPair {
  const publicKey = new Uint8Array(KEY_CHARACTERS + 1), secretKey = new Uint8Array(KEY_CHARACTERS + 1);
  if (zmqCurve().zmq_curve_keypair(publicKey, secretKey) !== 0) {
    throw new FluxError("ENOTSUP", "this libzmq has no CURVE");
  }
  return { publicKey: keyText(publicKey), secretKey: keyText(secretKey) };
}

/** Z85 text of a key of 32 bytes. */
export function encodeKey(key: Uint8Array<ArrayBuffer>): string {
  const text = new Uint8Array(KEY_CHARACTERS + 1);
  zmqCurve().zmq_z85_encode(text, key, BigInt(key.length));
  return keyText(text);
}

function keyText(text: Uint8Array): string {
  return decoder.decode(text.subarray(0, KEY_CHARACTERS));
}
