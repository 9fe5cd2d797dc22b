/** What a bench yields: one row of the table, judged against its budget. Pure. */

import { mean, median, quantile } from "./samples.ts";

/** Of `/s` and `MB/s` more is better, of the others less. */
export type Unit = "lines" | "bytes" | "s" | "ms" | "us" | "MiB" | "MB" | "% of a core" | "/s" | "MB/s";

export interface Figure {
  /** Stable: the key of its budget, and what a person names to run it. */
  readonly name: string;
  readonly unit: Unit;
  /** The median; for memory the mean, for `….p99` the 99th of a hundred. */
  readonly value: number;
  readonly worst: number;
  readonly samples: number;
}

export type Verdict = "met" | "missed" | "no budget";

/** A figure beside its budget. */
export interface Row extends Figure {
  readonly budget: number | null;
  readonly verdict: Verdict;
  /** Load average of the machine when it was taken, 1 minute. */
  readonly load: number;
}

export type Budgets = Readonly<Record<string, number>>;

function isMoreBetter(unit: Unit): boolean {
  return unit === "/s" || unit === "MB/s";
}

function worstOf(unit: Unit, samples: readonly number[]): number {
  return quantile(samples, isMoreBetter(unit) ? 0 : 1);
}

/** The median and the worst of some samples. */
export function figure(name: string, unit: Unit, samples: readonly number[]): Figure {
  return { name, unit, value: median(samples), worst: worstOf(unit, samples), samples: samples.length };
}

/** The mean and the worst: for what adds up, such as memory. */
export function meanFigure(name: string, unit: Unit, samples: readonly number[]): Figure {
  return { ...figure(name, unit, samples), value: mean(samples) };
}

/** Latencies: the median and the worst, and beside them the 99th of a hundred. */
export function latencyFigures(name: string, unit: Unit, samples: readonly number[]): Figure[] {
  const all = figure(name, unit, samples);
  return [all, { ...all, name: `${name}.p99`, value: quantile(samples, 0.99) }];
}

/** Sets a figure beside its budget; one without is never missed. */
export function judge(figure: Figure, budgets: Budgets, load: number): Row {
  const budget = Object.hasOwn(budgets, figure.name) ? budgets[figure.name]! : null;
  if (budget === null) return { ...figure, budget, verdict: "no budget", load };
  const met = isMoreBetter(figure.unit) ? figure.value >= budget : figure.value <= budget;
  return { ...figure, budget, verdict: met ? "met" : "missed", load };
}
