/** The door to chance: identifiers, jitter, keys. */

export interface Random {
  /** `count` random bytes. */
  bytes(count: number): Uint8Array<ArrayBuffer>;
  /** A number in [0, 1). */
  float(): number;
  /** A version 4 UUID, 36 characters: what a route id looks like. */
  uuid(): string;
}

/** The machine's random source, fit for keys. */
export const systemRandom: Random = {
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  float: () => crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32,
  uuid: () => crypto.randomUUID(),
};
