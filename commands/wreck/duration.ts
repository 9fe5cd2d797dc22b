/** Times as people give them on the command line. */

import { CommandError } from "../command.ts";

const UNITS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };

/** `90`, `1.5m`, `2h`, `1d` in whole seconds, rounded up. Throws CommandError. */
export function seconds(text: string): number {
  const [, number, unit] = /^(\d+\.?\d*|\.\d+)([smhd]?)$/.exec(text) ?? [];
  const value = Number(number) * (UNITS[unit ?? ""] ?? NaN);
  if (Number.isFinite(value)) return Math.ceil(value);
  throw new CommandError(`Error: Invalid duration '${text}'`, {
    hint: "a number with s, m, h or d behind it, such as 90s or 1.5h",
  });
}

/** Milliseconds as `1.234s`, `2.000m`, `1.500h`, `3.000d`. */
export function readableDuration(ms: number): string {
  const whole = ms / 1000;
  const unit = whole >= UNITS.d! ? "d" : whole >= UNITS.h! ? "h" : whole >= UNITS.m! ? "m" : "s";
  return `${(whole / UNITS[unit]!).toFixed(3)}${unit}`;
}
