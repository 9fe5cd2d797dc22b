/** Message counts as `stats-get` gives them, and as the flat keys that the 0.1.0 tools read (services.md §3). */

import type { Counters } from "../router/mod.ts";

/** What each kind of message is called there. */
const FLAT = { request: "request", response: "response", event: "event", control: "keepalive" } as const;

export function nestedStats({ tx, rx }: Counters): object {
  return { tx, rx };
}

export function flatStats({ tx, rx }: Counters): Record<string, number> {
  const flat: Record<string, number> = {};
  for (const kind of ["request", "response", "event", "control"] as const) {
    flat[`#${FLAT[kind]} (tx)`] = tx[kind];
    flat[`#${FLAT[kind]} (rx)`] = rx[kind];
  }
  return flat;
}
