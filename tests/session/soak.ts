/** One side of a soak: sends numbered messages, checks those that come, watches its memory. */

/** Bytes of a message: its number, and filling. */
const SIZE = 256;
/** Messages under way at most, so that what is measured is the transport's memory and not the soak's own backlog. */
const AHEAD = 8192;

/** What a side reports. */
export interface SoakResult {
  sent: number;
  received: number;
  /** The first number that was not the one expected, as `expected 7, got 9`; null when all came in order. */
  disorder: string | null;
  seconds: number;
  /** When half had come, and at the end. */
  memory: [early: Memory, late: Memory];
}

/** In MiB. */
export interface Memory {
  /** Of the whole process, libzmq included. */
  resident: number;
  /** What is alive on the JavaScript side. */
  alive: number;
}

type Bytes = Uint8Array<ArrayBuffer>;

export class Soak {
  readonly #count: number;
  readonly #limitMs: number;
  readonly #send: (bytes: Bytes) => void;
  readonly #report: (result: SoakResult) => void;
  readonly #start = performance.now();
  #sent = 0;
  #received = 0;
  /** How many of ours the other side said it has taken. */
  #taken = 0;
  /** How many the other side sends in all, once it has said so. */
  #expected: number | null = null;
  #isLastSent = false;
  #disorder: string | null = null;
  #early: Memory | null = null;
  #isReported = false;

  /** Sends `count` messages, or as many as there is time for in `limitSeconds`. */
  constructor(count: number, limitSeconds: number, send: (bytes: Bytes) => void, report: (result: SoakResult) => void) {
    this.#count = count;
    this.#limitMs = limitSeconds * 1000;
    this.#send = send;
    this.#report = report;
    this.#pump();
  }

  take(body: Uint8Array): void {
    const [kind, value] = new Uint32Array(body.buffer, 0, 2);
    if (kind === Kind.taken) this.#taken = value!;
    else if (kind === Kind.last) this.#expected = value!;
    else {
      if (value !== this.#received) this.#disorder ??= `expected ${this.#received}, got ${value}`;
      this.#received++;
      if (this.#received === this.#count >> 1) this.#early = memory();
      if (this.#received % (AHEAD / 4) === 0) this.#send(message(Kind.taken, this.#received, 8));
    }
    this.#pump();
    if (this.#isLastSent && this.#received === this.#expected) this.end(null);
  }

  /** The connection is over; `reason` is null when the soak is complete. */
  end(reason: string | null): void {
    if (this.#isReported) return;
    this.#isReported = true;
    const late = memory();
    this.#report({
      sent: this.#sent,
      received: this.#received,
      disorder: this.#disorder ?? reason,
      seconds: (performance.now() - this.#start) / 1000,
      memory: [this.#early ?? late, late],
    });
  }

  #pump(): void {
    while (this.#sent < this.#count && this.#sent < this.#taken + AHEAD) {
      if (this.#sent % 256 === 0 && performance.now() - this.#start > this.#limitMs) break;
      this.#send(message(Kind.data, this.#sent++, SIZE));
    }
    const isOver = this.#sent === this.#count || performance.now() - this.#start > this.#limitMs;
    if (!isOver || this.#isLastSent) return;
    this.#isLastSent = true;
    this.#send(message(Kind.last, this.#sent, 8));
  }
}

const Kind = { data: 0, taken: 1, last: 2 } as const;

function message(kind: number, value: number, size: number): Bytes {
  const bytes = new Uint8Array(size);
  new Uint32Array(bytes.buffer, 0, 2).set([kind, value]);
  return bytes;
}

/** Collects garbage first (`--expose-gc`), so that what is left is kept by somebody. */
function memory(): Memory {
  (globalThis as { gc?: () => void }).gc?.();
  const { rss, heapUsed, external } = Deno.memoryUsage();
  return { resident: Math.round(rss / (1 << 20)), alive: Math.round((heapUsed + external) / (1 << 20)) };
}
