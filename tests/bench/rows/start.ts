/** Starting a session: until the program in it runs, until it has ended in order, and what it costs. */

import type { Bench, Surroundings } from "../bench.ts";
import { type Figure, figure } from "../figure.ts";
import { firstLine } from "../session.ts";
import { readRusage } from "../../../broker/ports/mod.ts";

const SIZES = [1, 2, 4, 8, 16, 32, 64];
/** Runs of each size: many where one is short. */
const runs = (size: number) => size < 8 ? 9 : size < 32 ? 5 : 3;

export const starts: readonly Bench[] = SIZES.map((size) => ({
  name: `start.${size}`,
  run: (around) => measure(size, around),
}));

async function* measure(size: number, { flux, work, large, times }: Surroundings): AsyncIterable<Figure> {
  if (size > large) return;
  const ready: number[] = [], exit: number[] = [], cpu: number[] = [];
  await once(flux, work, size);
  for (let i = 0; i < times(runs(size)); i++) {
    const one = await once(flux, work, size);
    ready.push(one.ready);
    exit.push(one.exit);
    cpu.push(one.cpu);
  }
  yield figure(`start.${size}.ready`, "s", ready);
  yield figure(`start.${size}.exit`, "s", exit);
  yield figure(`start.${size}.cpu`, "s", cpu);
}

/** Seconds until the program ran, until the session had ended, and of the processors used by all its processes. */
async function once(flux: string, work: string, size: number): Promise<{ ready: number; exit: number; cpu: number }> {
  const used = childrenSeconds();
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const args = ["start", "--size", `${size}`, "echo", "ready"];
  const child = new Deno.Command(flux, { args, cwd: work, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  const complaint = new Response(child.stderr).text();
  const line = await firstLine(child.stdout);
  const ready = seconds();
  const { code } = await child.status;
  const exit = seconds();
  await child.stdout.cancel();
  if (line !== "ready" || code !== 0) {
    throw new Error(`size ${size} ended with ${code}: ${(await complaint).trim().slice(-600)}`);
  }
  return { ready, exit, cpu: childrenSeconds() - used };
}

function childrenSeconds(): number {
  const { utime, stime } = readRusage("children");
  return utime + stime;
}
