import { assertEquals } from "../../assert.ts";
import { figure, judge, latencyFigures, meanFigure } from "../../bench/figure.ts";
import { closingLine, number, rowLine } from "../../bench/report.ts";
import { quantile } from "../../bench/samples.ts";

Deno.test("quantile() lies between the two nearest samples", () => {
  assertEquals([0, 0.25, 0.5, 1].map((share) => quantile([4, 1, 3, 2], share)), [1, 1.75, 2.5, 4]);
});

Deno.test("figure() has the median, and the largest sample as the worst", () => {
  const { value, worst, samples } = figure("a", "ms", [3, 1, 9]);
  assertEquals([value, worst, samples], [3, 9, 3]);
});

Deno.test("figure() of a rate has the smallest sample as the worst", () => {
  assertEquals(figure("a", "/s", [3, 1, 9]).worst, 1);
});

Deno.test("meanFigure() has the mean", () => {
  assertEquals(meanFigure("a", "MiB", [1, 2, 6]).value, 3);
});

Deno.test("latencyFigures() are the median and the 99th of a hundred", () => {
  const samples = Array.from({ length: 101 }, (_, i) => i);
  assertEquals(latencyFigures("p", "us", samples).map(({ name, value }) => [name, value]), [["p", 50], ["p.p99", 99]]);
});

Deno.test("judge() meets a budget at or below it, a rate at or above it, and never misses one that is none", () => {
  const verdict = (unit: "ms" | "/s", value: number, budgets = { a: 5 }) =>
    judge(figure("a", unit, [value]), budgets, 0).verdict;
  assertEquals([4, 5, 6].map((value) => verdict("ms", value)), ["met", "met", "missed"]);
  assertEquals([4, 5, 6].map((value) => verdict("/s", value)), ["missed", "met", "met"]);
  assertEquals(judge(figure("b", "ms", [1e9]), { a: 5 }, 0).verdict, "no budget");
});

Deno.test("number() keeps three digits, and whole numbers from a thousand on", () => {
  assertEquals([0.01234, 1.5, 25, 999.4, 1000.4, 48211].map(number), [
    "0.0123",
    "1.50",
    "25.0",
    "999",
    "1,000",
    "48,211",
  ]);
});

Deno.test("rowLine() and closingLine() name figure, value, budget and verdict", () => {
  const row = judge(figure("ping.own.0", "us", [70]), { "ping.own.0": 60 }, 0);
  assertEquals(rowLine(row).split(/\s+/), ["ping.own.0", "70.0", "70.0", "60.0", "µs", "missed"]);
  assertEquals(closingLine([row], []), "1 figures: 0 budgets met, 1 missed; 0 benches failed");
});
