import type { Clock, Timer } from "../../broker/ports/mod.ts";
import type { NetworkStatistics } from "./network.ts";

/** What a connection needs of the network it runs through. */
export interface Wire {
  readonly clock: Clock;
  readonly statistics: NetworkStatistics;
  /** How long a connection survives a cut, ms. */
  readonly timeoutMs: number;
  /** Travel time of the next message between two hosts, ms. */
  delay(from: string, to: string): number;
  /** The way is cut. */
  isHeld(from: string, to: string): boolean;
  /** The process takes nothing in. */
  isStill(host: string): boolean;
  clockOf(host: string): Clock;
  leave(connection: Connection): void;
}

/** How one side of a connection behaves. */
export interface End {
  /** False once the process of this side died. */
  alive(): boolean;
  message(bytes: Uint8Array): void;
  down(reason: string): void;
  readonly backlogLimit: number;
}

type Content = { kind: "message"; bytes: Uint8Array<ArrayBuffer> } | { kind: "end"; reason: string };

interface Item {
  readonly content: Content;
  /** When it may arrive at the earliest, in time of the clock. */
  due: number;
}

/** One direction: a first-in first-out queue whose items travel one behind the other. */
interface Lane {
  readonly queue: Item[];
  /** Bytes in the queue. */
  bytes: number;
  /** Set for the first item of the queue, unless the direction is cut or who receives stands still. */
  timer: Timer | null;
  /** Nothing is taken in any more: its sender has closed. */
  closed: boolean;
}

/** Side 0 dialled, side 1 listens. A connection lives until both sides know it is over. */
export class Connection {
  readonly ends: (End | null)[] = [null, null];
  readonly hosts: readonly [string, string];
  readonly #wire: Wire;
  readonly #lanes: [Lane, Lane];
  #deadline: Timer | null = null;
  #over = false;

  constructor(wire: Wire, dialler: string, listener: string) {
    this.#wire = wire;
    this.hosts = [dialler, listener];
    const lane = (): Lane => ({ queue: [], bytes: 0, timer: null, closed: false });
    this.#lanes = [lane(), lane()];
  }

  /** Sends from `side`; false when this side is done. What passes the limit of the sender ends the connection. */
  send(side: 0 | 1, bytes: Uint8Array<ArrayBuffer>): boolean {
    const lane = this.#lanes[side], end = this.ends[side];
    if (this.#over || lane.closed || !end?.alive()) return false;
    this.#wire.statistics.sent++;
    this.#put(side, { kind: "message", bytes });
    if (lane.bytes > end.backlogLimit && lane.queue.length > 1) this.fail(`backlog over ${end.backlogLimit} bytes`);
    return true;
  }

  /** `side` is done: it hears nothing more, and the other side hears `reason` behind what was sent before. */
  close(side: 0 | 1, reason: string): void {
    if (this.#over || this.#lanes[side].closed || !this.ends[side]?.alive()) return;
    this.#put(side, { kind: "end", reason });
    this.#lanes[side].closed = true;
    this.ends[side] = null;
  }

  /** True when nothing `side` has sent is still under way. */
  isDrained(side: 0 | 1): boolean {
    return this.#over || this.#lanes[side].queue.length === 0;
  }

  /** Both sides hear `reason`; what is under way is lost. */
  fail(reason: string): void {
    if (this.#over) return;
    this.#finish();
    for (const side of [0, 1] as const) this.#tell(side, reason);
  }

  /** The process of a host died. The other side hears it, unless the cable is cut: then after the timeout. */
  bury(host: string): void {
    for (const side of [0, 1] as const) {
      if (this.hosts[side] !== host || this.#over) continue;
      this.ends[side] = null;
      if (!this.#lanes[side].closed) this.#put(side, { kind: "end", reason: "connection lost" });
      this.#lanes[side].closed = true;
    }
  }

  /** A direction was cut, or a process stopped: what is under way stays where it is. */
  hold(): void {
    for (const side of [0, 1] as const) {
      if (!this.#isHeld(side)) continue;
      this.#lanes[side].timer?.cancel();
      this.#lanes[side].timer = null;
    }
    if (this.#isCut) {
      this.#deadline ??= this.#wire.clock.after(this.#wire.timeoutMs, () => this.fail("connection timed out"));
    }
  }

  /** A cut may be over, or a process go on: what waited travels on. */
  release(): void {
    if (!this.#isCut) {
      this.#deadline?.cancel();
      this.#deadline = null;
    }
    for (const side of [0, 1] as const) {
      const [first] = this.#lanes[side].queue;
      if (!first || this.#lanes[side].timer) continue;
      first.due = Math.max(first.due, this.#wire.clock.now() + this.#delay(side));
      this.#start(side);
    }
  }

  #delay(side: 0 | 1): number {
    return this.#wire.delay(this.hosts[side], this.hosts[1 - side]!);
  }

  get #isCut(): boolean {
    const [a, b] = this.hosts;
    return this.#wire.isHeld(a, b) || this.#wire.isHeld(b, a);
  }

  #isHeld(side: 0 | 1): boolean {
    const to = this.hosts[1 - side]!;
    return this.#wire.isHeld(this.hosts[side], to) || this.#wire.isStill(to);
  }

  #put(side: 0 | 1, content: Content): void {
    const lane = this.#lanes[side];
    lane.queue.push({ content, due: this.#wire.clock.now() + this.#delay(side) });
    if (content.kind === "message") lane.bytes += content.bytes.length;
    this.#start(side);
  }

  /**
   * Only the first item of a lane has a timer: so nothing overtakes, and what is behind a late one is late too. As with
   * sockets that are polled, all that is there by then is taken in one go, before anything that follows from it.
   */
  #start(side: 0 | 1): void {
    const lane = this.#lanes[side], [first] = lane.queue;
    if (lane.timer || !first || this.#over || this.#isHeld(side)) return;
    lane.timer = this.#wire.clock.after(first.due - this.#wire.clock.now(), () => {
      lane.timer = null;
      const now = this.#wire.clock.now();
      while (lane.queue[0] && lane.queue[0].due <= now && !this.#over && !this.#isHeld(side)) {
        this.#arrive(side, lane.queue.shift()!.content);
      }
      this.#start(side);
    });
  }

  #arrive(side: 0 | 1, content: Content): void {
    const other = side === 0 ? 1 : 0, end = this.ends[other];
    if (content.kind === "end") {
      this.#finish();
      return this.#tell(other, content.reason);
    }
    this.#lanes[side].bytes -= content.bytes.length;
    if (!end?.alive()) return;
    const { clock, statistics } = this.#wire;
    statistics.delivered++;
    statistics.bytes += content.bytes.length;
    statistics.trace = Math.imul(statistics.trace ^ (clock.now() * 1e6) ^ content.bytes.length, 0x01000193);
    end.message(content.bytes);
  }

  #tell(side: 0 | 1, reason: string): void {
    const end = this.ends[side];
    this.ends[side] = null;
    if (!end) return;
    this.#wire.clockOf(this.hosts[side]).after(0, () => {
      if (end.alive()) end.down(reason);
    });
  }

  #finish(): void {
    this.#over = true;
    this.#deadline?.cancel();
    for (const lane of this.#lanes) lane.timer?.cancel();
    this.#wire.leave(this);
  }
}
