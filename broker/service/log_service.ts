/**
 * The log of one broker (wire.md §3.4, rulings "log"): its ring, who reads it, the way to rank 0, and there the log of
 * the session. A line goes to the ring of the broker it was given to, and to that of rank 0; what is severe enough
 * (`level`) goes to rank 0 and is written there, what is critical (`criticalLevel`) is shown where it happens.
 */

import {
  formatLogLine,
  formatTime,
  type LogLevel,
  parseLogLine,
  readableLogLine,
  severityOf,
  severityOfLine,
  type TreePosition,
} from "../handle/mod.ts";
import type { Clock } from "../ports/mod.ts";
import { LogFollower, type LogReader } from "./log_follower.ts";
import { LogForwarder } from "./log_forwarder.ts";
import { LogRing } from "./log_ring.ts";

const RING_SIZE = 1024;

export interface LogServiceOptions extends TreePosition {
  readonly clock: Clock;
  readonly rank: number;
  readonly pid: number;
  /** Hands lines, joined by newlines, to the parent; false when there is none. */
  sendUp(lines: string): boolean;
  /** Takes the log of the session at rank 0, whole lines. */
  sink(text: string): void;
  /** Shows what cannot wait, whole lines; undefined where `sink` does. */
  readonly alarm: ((text: string) => void) | undefined;
}

/** What a reader of the log asks for. */
export interface FollowOptions {
  /** Go on with what comes. */
  readonly follow: boolean;
  /** Begin with what comes rather than with what there is. */
  readonly nobacklog: boolean;
  /** Empty the ring of what was sent. */
  readonly clear: boolean;
}

export class LogService {
  readonly ring = new LogRing(RING_SIZE);
  /** Lines of this severity and more severe ones go to rank 0 and are written there. */
  level = severityOf("info");
  /** Lines of this severity and more severe ones are shown at once. */
  criticalLevel = severityOf("crit");
  /** Lines given to this broker. */
  local = 0;
  /** Lines that came from other brokers, at rank 0. */
  remote = 0;
  readonly #options: LogServiceOptions;
  #forwarder: LogForwarder | undefined;
  readonly #followers = new Set<LogFollower>();
  #unwritten = "";
  #output: (text: string) => void;

  constructor(options: LogServiceOptions) {
    this.#options = options;
    this.#output = options.sink;
    if (options.rank === 0) return;
    const { clock, level, maxLevel } = options;
    this.#forwarder = new LogForwarder({
      clock,
      level,
      maxLevel,
      send: (lines) => options.sendUp(lines),
      lost: (count) => this.own("err", `${count} log lines were lost while there was no way to rank 0`, "log"),
    });
  }

  /** Logs a text of the broker itself or of one of its modules. */
  log(level: LogLevel, text: string, source: string): void {
    this.append(this.own(level, text, source));
  }

  /** A line of this broker's own, as it travels; it is not logged by this. */
  own(level: LogLevel, text: string, source: string): string {
    const { clock, rank, pid } = this.#options;
    const time = formatTime(clock.wall());
    return formatLogLine({ severity: severityOf(level), time, host: `${rank}`, app: source, pid: `${pid}`, text });
  }

  /** Logs a line given to this broker; one for each line of its text. Throws EPROTO when it is none. */
  append(line: string): void {
    const { severity, text } = parseLogLine(line.includes("\n") ? line.slice(0, line.indexOf("\n")) : line);
    if (!line.includes("\n")) return this.#append(line, severity);
    const [first = "", ...others] = line.split("\n");
    const head = first.slice(0, first.length - text.length);
    for (const part of [text, ...others]) if (part !== "") this.#append(head + part, severity);
  }

  /** Takes lines that a child sent on their way to rank 0. */
  receive(lines: string): void {
    const severe = lines.split("\n").filter((line) => (severityOfLine(line) ?? Infinity) <= this.level);
    if (this.#forwarder) {
      if (severe.length > 0) this.#forwarder.add(severe.join("\n"));
      return;
    }
    this.remote += severe.length;
    for (const line of severe) this.#keep(line);
    for (const line of severe) this.#write(line);
  }

  /** Sends lines to a reader until it has what it asked for. */
  follow(reader: LogReader, { follow, nobacklog, clear }: FollowOptions): LogFollower {
    const { ring } = this;
    const range = { from: nobacklog ? ring.next : ring.first, to: follow ? Infinity : ring.next };
    const follower = new LogFollower(ring, this.#options.clock, reader, range);
    this.#followers.add(follower);
    void follower.done.then(() => {
      this.#followers.delete(follower);
      if (clear) ring.discard(follower.position);
    });
    follower.wake();
    return follower;
  }

  clear(): void {
    this.ring.discard(this.ring.next);
  }

  /** Sends and writes what waits, now. */
  flush(): void {
    this.#forwarder?.flush();
    this.#flushUnwritten();
  }

  /** Nothing can be sent any more: what did not get away, and what is still logged, is shown here. */
  close(): void {
    this.#flushUnwritten();
    if (!this.#forwarder) return;
    const left = this.#forwarder.close();
    this.#forwarder = undefined;
    this.#output = this.#options.alarm ?? this.#options.sink;
    for (const line of left === "" ? [] : left.split("\n")) this.#write(line);
    this.#flushUnwritten();
  }

  #append(line: string, severity: number): void {
    this.local++;
    this.#keep(line);
    const isCritical = severity <= this.criticalLevel;
    if (isCritical) this.#options.alarm?.(readable(line));
    if (severity > this.level) return;
    if (!this.#forwarder) return this.#write(line);
    this.#forwarder.add(line);
    if (isCritical) this.#forwarder.flush();
  }

  /** Readers see a line before a ring of size 0 drops it. */
  #keep(line: string): void {
    const { ring } = this;
    ring.push(line);
    if (this.#followers.size > 0) { for (const follower of this.#followers) follower.wake(); }
    if (ring.size > ring.limit) ring.trim();
  }

  /** Lines that come in one turn of the event loop are written together at its end. */
  #write(line: string): void {
    if (this.#unwritten === "") queueMicrotask(() => this.#flushUnwritten());
    this.#unwritten += readable(line);
  }

  #flushUnwritten(): void {
    const text = this.#unwritten;
    this.#unwritten = "";
    if (text !== "") this.#output(text);
  }
}

/** A line as people read it, with its newline. */
function readable(line: string): string {
  return readableLogLine(parseLogLine(line)) + "\n";
}
