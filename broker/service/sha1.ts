/** SHA-1 as a pure function, for small inputs: what identifies the code of a module. */

const BLOCK = 64;

/** The digest of `bytes` as 40 hexadecimal digits. */
export function sha1Hex(bytes: Uint8Array): string {
  const state = new Uint32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / BLOCK) * BLOCK);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  // The length in bits, big-endian, behind everything else.
  for (let i = 1, rest = bytes.length * 8; rest > 0; i++, rest = Math.floor(rest / 256)) {
    padded[padded.length - i] = rest;
  }
  const words = new Uint32Array(80);
  for (let at = 0; at < padded.length; at += BLOCK) {
    for (let i = 0; i < BLOCK; i++) words[i >> 2] = (words[i >> 2]! << 8) | padded[at + i]!;
    compress(state, words);
  }
  return [...state].map((word) => word.toString(16).padStart(8, "0")).join("");
}

/** Takes one block into `state`; the first 16 of `words` hold the block. */
function compress(state: Uint32Array, words: Uint32Array): void {
  for (let i = 16; i < 80; i++) {
    words[i] = rotate(words[i - 3]! ^ words[i - 8]! ^ words[i - 14]! ^ words[i - 16]!, 1);
  }
  let [a, b, c, d, e] = state as unknown as [number, number, number, number, number];
  for (let i = 0; i < 80; i++) {
    const [mixed, constant] = i < 20
      ? [(b & c) | (~b & d), 0x5a827999]
      : i < 40
      ? [b ^ c ^ d, 0x6ed9eba1]
      : i < 60
      ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc]
      : [b ^ c ^ d, 0xca62c1d6];
    const next = (rotate(a, 5) + mixed + e + constant + words[i]!) | 0;
    [e, d, c, b, a] = [d, c, rotate(b, 30), a, next];
  }
  [a, b, c, d, e].forEach((word, i) => state[i] = state[i]! + word);
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
