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
  run: (around) => measure(`start.${size}`, size, [], around),
}));

/** The same without keys on the links, and with passwords: what CURVE costs a wire-up. */
export const openStarts: readonly Bench[] = ["none", "plain"].flatMap((security) =>
  [8, 64].map((size) => ({
    name: `start.${security}.${size}`,
    run: (around: Surroundings) => measure(`start.${security}.${size}`, size, [`--security=${security}`], around),
  }))
);

async function* measure(
  name: string,
  size: number,
  options: readonly string[],
  { flux, work, large, times }: Surroundings,
): AsyncIterable<Figure> {
  if (size > large) return;
  const ready: number[] = [], exit: number[] = [], cpu: number[] = [];
  await once(flux, work, size, options);
  for (let i = 0; i < times(runs(size)); i++) {
    const one = await once(flux, work, size, options);
    ready.push(one.ready);
    exit.push(one.exit);
    cpu.push(one.cpu);
  }
  yield figure(`${name}.ready`, "s", ready);
  yield figure(`${name}.exit`, "s", exit);
  yield figure(`${name}.cpu`, "s", cpu);
}

/** Seconds until the program ran, until the session had ended, and of the processors used by all its processes. */
async function once(
  flux: string,
  work: string,
  size: number,
  options: readonly string[],
): Promise<{ ready: number; exit: number; cpu: number }> {
  const used = childrenSeconds();
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const args = ["start", "--size", `${size}`, ...options, "echo", "ready"];
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
