/** Z85, the text form of binary keys (ZeroMQ RFC 32): five characters for four bytes. Pure. */

import { FluxError } from "../message/mod.ts";

const CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
const BASE = 85;

/** Throws EINVAL unless the length is a multiple of 4. */
export function encodeZ85(bytes: Uint8Array): string {
  if (bytes.length % 4 !== 0) throw new FluxError("EINVAL", `Z85: ${bytes.length} bytes are no multiple of 4`);
  let text = "";
  for (let at = 0; at < bytes.length; at += 4) {
    const value = bytes.subarray(at, at + 4).reduce((sum, byte) => sum * 256 + byte, 0);
    for (let power = BASE ** 4; power >= 1; power /= BASE) text += CHARACTERS[Math.floor(value / power) % BASE];
  }
  return text;
}

/** Throws EINVAL for what is no Z85 text. */
export function decodeZ85(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 5 !== 0) throw new FluxError("EINVAL", `Z85: ${text.length} characters are no multiple of 5`);
  const bytes = new Uint8Array(text.length / 5 * 4);
  for (let at = 0; at < text.length; at += 5) {
    let value = 0;
    for (const character of text.slice(at, at + 5)) {
      const digit = CHARACTERS.indexOf(character);
      if (digit < 0) throw new FluxError("EINVAL", `Z85: "${character}" is no character of it`);
      value = value * BASE + digit;
    }
    if (value > 0xffff_ffff) throw new FluxError("EINVAL", `Z85: "${text.slice(at, at + 5)}" is too large`);
    for (let i = 0; i < 4; i++) bytes[at / 5 * 4 + i] = Math.floor(value / 256 ** (3 - i)) % 256;
  }
  return bytes;
}
