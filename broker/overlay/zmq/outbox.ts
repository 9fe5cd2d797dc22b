/**
 * Flow control of one direction of one connection, in bytes, above libzmq (whose high-water marks count messages
 * and so bound nothing). The sender hands libzmq at most `WINDOW` bytes, and one message over it, that the receiver's
 * event loop has not taken; the receiver returns credit as it takes them. So libzmq holds little on both sides,
 * whatever a peer does, and what waits is here, counted, in order.
 */
type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes under way to one peer. Enough for 10 ms of small messages and 1 ms of large ones. */
export const WINDOW = 1 << 20;

/** Bytes received after which credit is returned. */
const CREDIT_STEP = WINDOW / 4;

/** What a message takes beside its body: in libzmq, and as an object of ours (measured). */
const OVERHEAD = 64, OBJECT_OVERHEAD = 512;

export class Outbox {
  readonly #limit: number;
  #queue: Bytes[] = [];
  #head = 0;
  /** Bytes that the queue takes. */
  #waiting = 0;
  #underWay = 0;

  /** `limit`: bytes that may wait. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#head === this.#queue.length;
  }

  /** True when `body` may be sent now; else it waits its turn in here. */
  admit(body: Bytes): boolean {
    if (this.isEmpty && this.#underWay < WINDOW) {
      this.#underWay += body.length + OVERHEAD;
      return true;
    }
    this.wait(body);
    return false;
  }

  /** Puts `body` behind what waits. */
  wait(body: Bytes): void {
    this.#queue.push(body);
    this.#waiting += body.length + OBJECT_OVERHEAD;
  }

  /** True when more waits than may. One message may always wait, however large. */
  get isOver(): boolean {
    return this.#waiting > this.#limit && this.#queue.length - this.#head > 1;
  }

  /** Takes the next body that may be sent now. */
  next(): Bytes | undefined {
    if (this.isEmpty || this.#underWay >= WINDOW) return undefined;
    const body = this.#queue[this.#head]!;
    this.#queue[this.#head++] = NOTHING;
    if (this.#head * 2 >= this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    this.#waiting -= body.length + OBJECT_OVERHEAD;
    this.#underWay += body.length + OVERHEAD;
    return body;
  }

  /** Forgets what waits. */
  clear(): void {
    this.#queue = [];
    this.#head = this.#waiting = 0;
  }

  /** The receiver has taken `bytes` more. */
  credit(bytes: number): void {
    this.#underWay = Math.max(0, this.#underWay - bytes);
  }
}

const NOTHING: Bytes = new Uint8Array(0);

/** The receiving end: counts what was taken. */
export class Inbox {
  #taken = 0;

  /** Counts a body of `length` bytes; the credit that is to be returned now, 0 for none. */
  take(length: number): number {
    this.#taken += length + OVERHEAD;
    if (this.#taken < CREDIT_STEP) return 0;
    const credit = this.#taken;
    this.#taken = 0;
    return credit;
  }
}
