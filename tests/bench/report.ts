/** The results of a run, for people and for programs. Pure. */

import type { Row, Unit } from "./figure.ts";

/** A bench that could not tell its figures. */
export interface Failure {
  readonly bench: string;
  readonly reason: string;
}

const HEAD = ["figure", "value", "worst", "budget", "unit", "verdict"] as const;

/** The widths of columns are those of names and numbers as they are used, so that rows can be printed as they come. */
const WIDTHS = [30, 11, 11, 11, 12, 9] as const;

export function headLine(): string {
  return line(HEAD);
}

export function rowLine(row: Row): string {
  const budget = row.budget === null ? "" : number(row.budget);
  const verdict = row.verdict === "no budget" ? "" : row.verdict;
  return line([row.name, number(row.value), number(row.worst), budget, unitName(row.unit), verdict]);
}

export function closingLine(rows: readonly Row[], failures: readonly Failure[]): string {
  const count = (verdict: Row["verdict"]) => rows.filter((row) => row.verdict === verdict).length;
  return `${rows.length} figures: ${count("met")} budgets met, ${
    count("missed")
  } missed; ${failures.length} benches failed`;
}

/** Three digits that count, and whole numbers above. */
export function number(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return value.toPrecision(3);
}

function unitName(unit: Unit): string {
  return unit === "us" ? "µs" : unit;
}

function line(cells: readonly string[]): string {
  return cells.map((cell, i) => i === 0 || i > 3 ? cell.padEnd(WIDTHS[i]!) : cell.padStart(WIDTHS[i]!)).join(" ")
    .trimEnd();
}
