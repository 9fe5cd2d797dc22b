/**
 * Whose links a broker takes: the public keys that may join, and the rank that each of them stands for. Those that the bootstrap
 * told are asked for there; others come while the broker runs, from ranks below and from who is to become a child. Pure.
 *
 * Invariant: a key stands for one rank as long as the broker lives.
 */

import { FluxError } from "../message/mod.ts";

export class Keyring {
  readonly #told: (publicKey: string) => number | undefined;
  readonly #admitted = new Map<string, number>();

  /** `told` gives the ranks of keys that the bootstrap knows. */
  constructor(told: (publicKey: string) => number | undefined = () => undefined) {
    this.#told = told;
  }

  /** The rank that proves with this key who it is; undefined for a stranger. */
  rankOf(publicKey: string): number | undefined {
    return this.#told(publicKey) ?? this.#admitted.get(publicKey);
  }

  /** Lets a rank in with this key. Throws EPERM for a key that stands for another one. */
  admit(publicKey: string, rank: number): void {
    const known = this.rankOf(publicKey);
    if (known === rank) return;
    if (known !== undefined) throw new FluxError("EPERM", `the key of rank ${known} cannot stand for rank ${rank}`);
    this.#admitted.set(publicKey, rank);
  }
}
