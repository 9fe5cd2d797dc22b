/**
 * Connections to a listener whose handshake is not over. A stranger can open as many as it likes, and say nothing or a lot; so there
 * is room for some, the oldest makes way for the next, and each may say no more than a handshake takes: who means it needs
 * a few milliseconds and a few hundred bytes. libzmq would take in a first message of any size. Pure but for `doors`.
 */

/** More than children of one parent that come at the same time, few against the descriptors of a process. */
export const HALF_OPEN_LIMIT = 512;
/** Bytes; a name of 255 and the keys make about 700. */
export const HANDSHAKE_BYTES = 8192;

/** What can be done with the connection of `descriptor`, if that is still the one to `remote`. */
export interface ConnectionDoors {
  end(descriptor: number, remote: string): void;
  /** Bytes that have come; undefined when that cannot be told, or it is over. */
  received(descriptor: number, remote: string): number | undefined;
}

export class HalfOpen {
  readonly #doors: ConnectionDoors;
  readonly #limit: number;
  /** By the other side's endpoint, the oldest first. */
  readonly #descriptors = new Map<string, number>();

  constructor(doors: ConnectionDoors, limit: number = HALF_OPEN_LIMIT) {
    this.#doors = doors;
    this.#limit = limit;
  }

  get size(): number {
    return this.#descriptors.size;
  }

  accepted(remote: string, descriptor: number): void {
    this.#descriptors.set(remote, descriptor);
    if (this.#descriptors.size <= this.#limit) return;
    const [oldest] = this.#descriptors;
    this.#end(oldest![0], oldest![1]);
  }

  /** The handshake is over, or the connection. */
  over(remote: string): void {
    this.#descriptors.delete(remote);
  }

  /** Ends those that have said too much. To be called now and then while there are any. */
  inspect(): void {
    for (const [remote, descriptor] of [...this.#descriptors]) {
      if ((this.#doors.received(descriptor, remote) ?? 0) > HANDSHAKE_BYTES) this.#end(remote, descriptor);
    }
  }

  #end(remote: string, descriptor: number): void {
    this.#descriptors.delete(remote);
    this.#doors.end(descriptor, remote);
  }
}
