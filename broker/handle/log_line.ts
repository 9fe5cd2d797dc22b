/**
 * One line of the log, as it travels (wire.md §3.4: like RFC 5424, `<PRI>1 TIME HOST APP PROCID - - TEXT`, with
 * PRI = severity * 8 and HOST = the rank it comes from) and as people read it (cli.md §4.10). Pure.
 */

import { FluxError } from "../message/mod.ts";
import { LOG_LEVELS, type LogLevel } from "./module.ts";

/** A line taken apart. Its text may hold spaces, never a newline. */
export interface LogLine {
  /** 0 (emerg) … 7 (debug). */
  readonly severity: number;
  /** `2026-11-22T14:09:34.505313Z`. */
  readonly time: string;
  /** The rank it comes from, in decimal, or what the sender put there. */
  readonly host: string;
  readonly app: string;
  readonly pid: string;
  readonly text: string;
}

/** The number of a severity. */
export function severityOf(level: LogLevel): number {
  return LOG_LEVELS.indexOf(level);
}

/** A severity by name (`info`) or number (`6`); undefined for anything else. */
export function parseLevel(text: string): number | undefined {
  if (/^[0-7]$/.test(text)) return Number(text);
  const severity = LOG_LEVELS.indexOf(text as LogLevel);
  return severity < 0 ? undefined : severity;
}

/** A name fit to stand in a line: no blanks, no control characters, not empty, 48 characters at most (RFC 5424 APP-NAME). */
export function isAppName(text: string): boolean {
  return /^[\x21-\x7e]{1,48}$/.test(text);
}

/** The line as it travels. */
export function formatLogLine(line: LogLine): string {
  return `<${line.severity * 8}>1 ${line.time} ${line.host} ${line.app} ${line.pid} - - ${line.text}`;
}

/** The severity of a line that travels, without taking it apart; undefined when it does not begin like one. */
export function severityOfLine(line: string): number | undefined {
  if (line.charCodeAt(0) !== 0x3c) return undefined;
  const end = line.indexOf(">");
  const priority = Number(line.slice(1, end));
  return end > 1 && end < 5 && priority >= 0 ? Math.min(priority >> 3, 7) : undefined;
}

/** Takes a line apart. Throws EPROTO when it is none. */
export function parseLogLine(line: string): LogLine {
  const severity = severityOfLine(line);
  const a = line.indexOf(" ");
  const b = line.indexOf(" ", a + 1);
  const c = line.indexOf(" ", b + 1);
  const d = line.indexOf(" ", c + 1);
  const e = line.indexOf(" ", d + 1);
  const f = line.indexOf(" ", e + 1);
  if (severity === undefined || a < 0 || b < a || c < b || d < c || e < d || f < e) {
    throw new FluxError("EPROTO", "not a log line: it must begin with <PRI>1 TIME HOST APP PROCID MSGID SD");
  }
  const g = line.indexOf(" ", f + 1);
  return {
    severity,
    time: line.slice(a + 1, b),
    host: line.slice(b + 1, c),
    app: line.slice(c + 1, d),
    pid: line.slice(d + 1, e),
    text: g < 0 ? "" : line.slice(g + 1),
  };
}

/** Microseconds since the epoch as lines carry them: `2026-11-22T14:09:34.505313Z`. `wall` is in milliseconds. */
export function formatTime(wall: number): string {
  const micros = Math.floor(wall * 1000);
  const second = Math.floor(micros / 1e6);
  if (second !== lastSecond.number) {
    lastSecond = { number: second, text: new Date(second * 1000).toISOString().slice(0, 19) };
  }
  return `${lastSecond.text}.${String(micros - second * 1e6).padStart(6, "0")}Z`;
}

/** Seconds since the epoch with six decimals: `1453931234.004321`; `0.000000` for a time that cannot be read. */
export function secondsOf(time: string): string {
  const text = time.slice(0, 19);
  if (text !== lastSecond.text) {
    const number = Date.parse(`${text}Z`) / 1000;
    if (Number.isNaN(number)) return "0.000000";
    lastSecond = { number, text };
  }
  const fraction = time.charCodeAt(19) === 0x2e ? /^\d*/.exec(time.slice(20, 26))![0] : "";
  return `${lastSecond.number}.${fraction.padEnd(6, "0")}`;
}

/** Lines come in the order of time: nearly all of them share the second of the one before. */
let lastSecond = { number: 0, text: "1970-01-01T00:00:00" };

/** The line as people read it: `[1453931234.004321] broker.info[0]: insmod kvs`. */
export function readableLogLine(line: LogLine): string {
  return `[${secondsOf(line.time)}] ${line.app}.${LOG_LEVELS[line.severity]}[${line.host}]: ${line.text}`;
}
