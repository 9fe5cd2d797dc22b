/**
 * Connections to a listener whose handshake is not over. A stranger can open as many as it likes and say nothing; so there is room
 * for some, and the oldest makes way for the next: who means it needs a few milliseconds. Pure but for `end`.
 */

/** More than children of one parent that come at the same time, few against the descriptors of a process. */
export const HALF_OPEN_LIMIT = 512;

export class HalfOpen {
  readonly #limit: number;
  readonly #end: (descriptor: number, remote: string) => void;
  /** By the other side's endpoint, the oldest first. */
  readonly #descriptors = new Map<string, number>();

  /** `end` ends the connection of `descriptor` if that is still the one to `remote`. */
  constructor(end: (descriptor: number, remote: string) => void, limit: number = HALF_OPEN_LIMIT) {
    this.#end = end;
    this.#limit = limit;
  }

  get size(): number {
    return this.#descriptors.size;
  }

  accepted(remote: string, descriptor: number): void {
    this.#descriptors.set(remote, descriptor);
    if (this.#descriptors.size <= this.#limit) return;
    const [oldest] = this.#descriptors;
    this.#descriptors.delete(oldest![0]);
    this.#end(oldest![1], oldest![0]);
  }

  /** The handshake is over, or the connection. */
  over(remote: string): void {
    this.#descriptors.delete(remote);
  }
}
