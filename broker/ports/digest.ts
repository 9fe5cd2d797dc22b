/** The door to the digest of content: OpenSSL's, which costs 20 ms to load and is asked for when the first blob is hashed. */

import type { Hash } from "../message/mod.ts";

let loading: Promise<Hash> | undefined;

/** What computes blobrefs (SHA-1), 0.8 us a small blob, 2 GB/s a large one. */
export function loadHash(): Promise<Hash> {
  return loading ??= import("node:crypto").then(({ createHash }) => (blob) =>
    `sha1-${createHash("sha1").update(blob).digest("hex")}`
  );
}
