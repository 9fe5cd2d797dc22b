/**
 * What one writes and several take, each at his own pace: nothing is kept here, so the slowest decides when more may be read.
 * Pure.
 */

export interface Taker {
  /** More may be given to it. What was read last may be more than it has room for. */
  readonly hasRoom: boolean;
  /** Without bytes: the end. The bytes are not changed afterwards. */
  take(bytes: Uint8Array | undefined): void;
}

export class Tee {
  readonly #takers = new Set<Taker>();
  #waiting: PromiseWithResolvers<void> | undefined;
  #ended = false;

  /** Its end was given. */
  get ended(): boolean {
    return this.#ended;
  }

  /** True when all who take have room; also when there is nobody. */
  get hasRoom(): boolean {
    for (const { hasRoom } of this.#takers) if (!hasRoom) return false;
    return true;
  }

  /** Gets everything from now on; of a stream that has ended, the end at once. */
  add(taker: Taker): void {
    if (this.#ended) taker.take(undefined);
    else this.#takers.add(taker);
  }

  remove(taker: Taker): void {
    this.#takers.delete(taker);
    this.roomMade();
  }

  /** Bytes for everybody; without any, the end. */
  give(bytes: Uint8Array | undefined): void {
    for (const taker of [...this.#takers]) taker.take(bytes);
    if (bytes) return;
    this.#ended = true;
    this.#takers.clear();
  }

  /** Somebody has room again. */
  roomMade(): void {
    if (!this.#waiting || !this.hasRoom) return;
    this.#waiting.resolve();
    this.#waiting = undefined;
  }

  /** Resolves when there is room. */
  async room(): Promise<void> {
    while (!this.hasRoom) await (this.#waiting ??= Promise.withResolvers()).promise;
  }
}
