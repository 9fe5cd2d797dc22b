/** The output of many ranks, kept until the end, where what is equal is told once. Pure. */

import { Idset } from "../../broker/message/mod.ts";

/** Output beyond this is too much to keep, bytes. */
const LIMIT = 256 << 20;

/** Ranks that wrote the same. */
export interface Group {
  readonly ranks: Idset;
  readonly bytes: Uint8Array;
}

export class Collapsed {
  readonly #parts = new Map<number, Uint8Array[]>();
  #size = 0;

  /** False when that is more than can be kept. */
  add(rank: number, bytes: Uint8Array): boolean {
    const parts = this.#parts.get(rank);
    if (parts) parts.push(bytes);
    else this.#parts.set(rank, [bytes]);
    this.#size += bytes.length;
    return this.#size <= LIMIT;
  }

  /** Those that wrote anything, by their lowest rank. */
  groups(): Group[] {
    const groups: Group[] = [];
    for (const rank of [...this.#parts.keys()].sort((a, b) => a - b)) {
      const bytes = joined(this.#parts.get(rank)!);
      const group = groups.find((other) => equal(other.bytes, bytes));
      if (group) group.ranks.add(rank);
      else groups.push({ ranks: new Idset([rank]), bytes });
    }
    return groups;
  }
}

/** The lines above a group: its ranks, how many they are, and where. */
export function groupTitle(ranks: Idset, hosts: readonly string[]): string {
  const count = `${ranks.size} ${ranks.size === 1 ? "rank" : "ranks"}`;
  const line = `${ranks.toNodeset()} (${count} on ${hostSet([...ranks].map((rank) => hosts[rank] ?? "?"))})`;
  const rule = "-".repeat(16);
  return `${rule}\n${line}\n${rule}\n`;
}

/** Names of hosts, each once: those that differ in the number at their end as `node[1-4,7]`. */
export function hostSet(names: readonly string[]): string {
  const families = new Map<string, Idset>();
  const plain = new Set<string>();
  for (const name of names) {
    const parts = /^(.*?)(0|[1-9]\d{0,5})$/.exec(name);
    if (!parts) plain.add(name);
    else families.set(parts[1]!, (families.get(parts[1]!) ?? new Idset()).union([Number(parts[2])]));
  }
  const numbered = [...families].map(([name, numbers]) => `${name}${numbers.toNodeset()}`);
  return [...plain, ...numbered].join(",");
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
