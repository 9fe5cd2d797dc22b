/**
 * Values of any length in a PMI server that takes short ones. One that is too long is put as `N:` and the first of N pieces
 * under its key, the rest under `key.1` …; so no value may itself begin with a number and a colon.
 */

import { FluxError } from "../message/mod.ts";
import type { PmiClient } from "../pmi/mod.ts";

/**
 * The longest line that every server takes, its newline included. Slurm's says that it takes values of 1024 bytes, and cuts
 * lines at as many.
 */
const LINE = 1024;
/** More pieces than this are no value of ours. */
const PIECES_LIMIT = 10_000;

/** `text` is plain ASCII without a newline. Throws as `PmiClient.put` does. */
export async function putLong(pmi: PmiClient, key: string, text: string): Promise<void> {
  const room = Math.min(pmi.valueLimit, LINE - 1 - `cmd=put kvsname=${pmi.kvsname} key=${key}.999 value=`.length);
  const pieces = split(text, room);
  await Promise.all(pieces.map((piece, at) => pmi.put(at === 0 ? key : `${key}.${at}`, piece)));
}

/** Throws as `PmiClient.get` does, EPROTO for what is no value of `putLong`. */
export async function getLong(pmi: PmiClient, key: string): Promise<string> {
  const first = await pmi.get(key);
  const [, count, head = ""] = /^(\d+):(.*)$/s.exec(first) ?? [];
  if (count === undefined) return first;
  if (Number(count) > PIECES_LIMIT) throw new FluxError("EPROTO", `PMI value of key ${key}: malformed`);
  const rest = Array.from({ length: Number(count) - 1 }, (_, at) => pmi.get(`${key}.${at + 1}`));
  return head + (await Promise.all(rest)).join("");
}

function split(text: string, room: number): string[] {
  if (text.length <= room) return [text];
  // As many pieces as there are when the first one has no more room than its count leaves.
  for (let count = Math.ceil(text.length / room);; count++) {
    const head = room - `${count}:`.length;
    if (1 + Math.ceil((text.length - head) / room) > count) continue;
    const pieces = [`${count}:${text.slice(0, head)}`];
    for (let at = head; at < text.length; at += room) pieces.push(text.slice(at, at + room));
    return pieces;
  }
}
