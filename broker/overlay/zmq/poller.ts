/**
 * The event loop of libzmq's sockets. A thread of Deno's pool waits in poll(2) for the sockets' descriptors; everything
 * else happens on the main thread.
 *
 * A descriptor of libzmq is edge triggered, and any call on its socket can consume the edge. So a source that became
 * ready is drained until it is empty or its share of the turn is used up (then it stays `ready`, and the loop only
 * passes by the other work of the process); and a socket that was written to is looked at again before the loop waits
 * (`touch`).
 *
 * While the loop runs it wakes the clock as well: a timerfd among the descriptors is set with one call of the kernel, again and
 * again, without anybody being woken before the time.
 */
import type { Alarm, Clock } from "../../ports/mod.ts";
import { libc } from "./library.ts";
import { report } from "./report.ts";
import { TimerDescriptor } from "./timer_descriptor.ts";

/** Something with a descriptor to wait for. */
export interface Source {
  readonly fd: number;
  /** Whether there is something to drain, found out without the descriptor. */
  isReadable(): boolean;
  /** Handles up to `limit` messages. True when there may be more. */
  drain(limit: number): boolean;
}

/** Messages of one source in one turn: about 0.3 ms of work, after which timers, sockets and the other sources come. */
const SHARE = 256;

const POLLIN = 1;

export class Poller {
  readonly #sources = new Set<Source>();
  /** To be drained in the next turn whatever poll says. */
  readonly #ready = new Set<Source>();
  /** Written to since they were drained last. */
  readonly #touched = new Set<Source>();
  /** Descriptors to wait for: that of `#timer`, then those of `#polled`. Null when sources have changed. */
  #set: Int32Array<ArrayBuffer> | null = null;
  #polled: Source[] = [];
  readonly #clock: Clock;
  /** Ends the waiting: at once, or for the clock. Open while the loop runs. */
  #timer: TimerDescriptor | null = null;
  /** Tells the clock that its alarm rings. */
  #ring = () => {};
  /** True while a thread waits in poll. */
  #isWaiting = false;
  /** The timer is set to end the waiting at once. It must not be set anew before it has: the thread might see only that. */
  #isInterrupted = false;
  #isInTurn = false;
  #isCheckDue = false;
  #loop: Promise<void> | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(source: Source): void {
    this.#sources.add(source);
    this.#ready.add(source);
    this.#set = null;
    if (this.#loop) this.#interrupt();
    else this.#loop = this.#run();
  }

  /** The caller may close the source's descriptor right after. */
  remove(source: Source): void {
    this.#sources.delete(source);
    this.#ready.delete(source);
    this.#touched.delete(source);
    this.#set = null;
    this.#interrupt();
  }

  /** To be called after writing to a source's socket. */
  touch(source: Source): void {
    this.#touched.add(source);
    if (this.#isInTurn || this.#isCheckDue) return;
    this.#isCheckDue = true;
    queueMicrotask(() => {
      this.#isCheckDue = false;
      this.#check();
      if (this.#ready.size > 0) this.#interrupt();
    });
  }

  /** Resolves when the loop has ended, which it does when the last source is removed. */
  async ended(): Promise<void> {
    await this.#loop;
  }

  async #run(): Promise<void> {
    const timer = this.#timer = new TimerDescriptor();
    this.#isInterrupted = false;
    const lent = this.#clock.wakeBy?.((ring) => this.#alarm(timer, ring));
    while (this.#sources.size > 0) {
      const set = this.#set ??= this.#describe();
      const polled = this.#polled;
      this.#isWaiting = true;
      await libc().poll(bytes(set), BigInt(polled.length + 1), this.#ready.size > 0 ? 0 : -1);
      this.#isWaiting = false;
      const isTimerOver = set[1]! >>> 16 !== 0;
      for (let i = 0; i < polled.length; i++) {
        if (set[2 * i + 3]! >>> 16 && this.#sources.has(polled[i]!)) this.#ready.add(polled[i]!);
      }
      this.#turn();
      if (!isTimerOver) continue;
      this.#isInterrupted = false;
      timer.set(Infinity);
      // Whatever the timer was over for: the clock sets it again.
      report(this.#ring);
    }
    lent?.[Symbol.dispose]();
    timer.close();
    this.#timer = this.#loop = null;
  }

  #alarm(timer: TimerDescriptor, ring: () => void): Alarm {
    this.#ring = ring;
    return { set: (due) => this.#isInterrupted || timer.set(due - this.#clock.now()) };
  }

  #turn(): void {
    const ready = [...this.#ready];
    this.#ready.clear();
    this.#isInTurn = true;
    for (const source of ready) {
      if (this.#sources.has(source) && source.drain(SHARE) && this.#sources.has(source)) this.#ready.add(source);
    }
    this.#isInTurn = false;
    this.#check();
  }

  /** Finds the touched sources whose edge a write has consumed. */
  #check(): void {
    for (const source of this.#touched) if (source.isReadable()) this.#ready.add(source);
    this.#touched.clear();
  }

  #interrupt(): void {
    if (!this.#isWaiting || this.#isInterrupted) return;
    this.#isInterrupted = true;
    this.#timer!.set(0);
  }

  /** Builds `struct pollfd[]`: descriptor, then events in the low and revents in the high half (little-endian). */
  #describe(): Int32Array<ArrayBuffer> {
    this.#polled = [...this.#sources];
    const set = new Int32Array(2 * this.#polled.length + 2);
    [this.#timer!.fd, ...this.#polled.map((source) => source.fd)].forEach((fd, i) => set.set([fd, POLLIN], 2 * i));
    return set;
  }
}

function bytes(set: Int32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(set.buffer);
}
