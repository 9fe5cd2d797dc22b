/** CURVE certificates: key pairs as the text files that czmq reads and writes (ZPL, ZeroMQ RFC 4). Pure but for chance. */

import nacl from "tweetnacl";
import { FluxError } from "../message/mod.ts";
import type { KeyPair, Random } from "../ports/mod.ts";
import { decodeZ85, encodeZ85 } from "./z85.ts";

const SECRET_BYTES = 32;

/** A fresh key pair for Curve25519. */
export function makeKeyPair(random: Random): KeyPair {
  return keyPairOf(encodeZ85(random.bytes(SECRET_BYTES)));
}

/** The pair a secret key belongs to. Throws EINVAL for what is no key. */
export function keyPairOf(secretKey: string): KeyPair {
  const secret = decodeZ85(secretKey);
  if (secret.length !== SECRET_BYTES) {
    throw new FluxError("EINVAL", `a secret key has 40 characters, not ${secretKey.length}`);
  }
  return { publicKey: encodeZ85(nacl.box.keyPair.fromSecretKey(secret).publicKey), secretKey };
}

/** The public or the secret key of a certificate, Z85. Throws EINVAL with the `path` of the text when that holds none. */
export function certificateKey(text: string, which: "public" | "secret", path: string): string {
  const key = new RegExp(`^\\s+${which}-key\\s*=\\s*"([^"]{40})"\\s*$`, "m").exec(text)?.[1];
  if (key === undefined) throw new FluxError("EINVAL", `${path}: a certificate without its ${which}-key`);
  return key;
}

export interface CertificateFiles {
  /** For everyone who is to know the key. */
  readonly public: string;
  /** For its owner alone. */
  readonly secret: string;
}

/** The two files of one pair. `meta` goes into both; `time` is when it was made, for people. */
export function certificateFiles(
  keys: KeyPair,
  meta: Readonly<Record<string, string>>,
  time: string,
): CertificateFiles {
  const head = (...lines: string[]) =>
    [`  ****  Generated on ${time} by flux  ****`, ...lines].map((line) => `# ${line}\n`).join("") + "\n";
  const section = (name: string, values: Readonly<Record<string, string>>) =>
    `${name}\n` + Object.entries(values).map(([key, value]) => `    ${key} = "${value}"\n`).join("");
  const { publicKey, secretKey } = keys;
  return {
    public: head("  ZeroMQ CURVE Public Certificate", "  Give it to others in a way that nobody can change it.") +
      section("metadata", meta) + section("curve", { "public-key": publicKey }),
    secret:
      head("  ZeroMQ CURVE **Secret** Certificate", "  Give it to nobody, and leave its permissions as they are.") +
      section("metadata", meta) + section("curve", { "public-key": publicKey, "secret-key": secretKey }),
  };
}
