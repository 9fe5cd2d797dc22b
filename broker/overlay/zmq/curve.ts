import { FluxError } from "../../message/mod.ts";
import type { KeyPair } from "../../ports/mod.ts";
import { zmqCurve, zmqPlain } from "./library.ts";

const KEY_CHARACTERS = 40;
const encoder = new TextEncoder(), decoder = new TextDecoder();
/** Z85 of 32 bytes (RFC 32). libzmq does not look at the length. */
const KEY = /^[0-9a-zA-Z.\-:+=^!/*?&<>()[\]{}@%$#]{40}$/;

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

/** True for what may be a key in Z85. */
export function isKey(text: string): boolean {
  return KEY.test(text);
}

/** The public key a secret one belongs to; undefined for what is none. */
export function publicKeyOf(secretKey: string): string | undefined {
  if (!isKey(secretKey)) return undefined;
  const publicKey = new Uint8Array(KEY_CHARACTERS + 1);
  return zmqPlain().zmq_curve_public(publicKey, encoder.encode(`${secretKey}\0`)) === 0
    ? keyText(publicKey)
    : undefined;
}

function keyText(text: Uint8Array): string {
  return decoder.decode(text.subarray(0, KEY_CHARACTERS));
}
