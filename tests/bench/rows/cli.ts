/** Wall time of commands inside a session, and of a Deno program that does nothing. */

import type { Bench } from "../bench.ts";
import { figure } from "../figure.ts";

const COMMANDS: readonly [string, readonly string[]][] = [
  ["cli.help", ["-h"]],
  ["cli.getattr", ["getattr", "rank"]],
  ["cli.ping", ["ping", "-c1", "broker"]],
];

export const cli: Bench = {
  name: "cli",
  async *run({ flux, work, session, times }) {
    const env = { FLUX_URI: (await session({ size: 1 })).uri() };
    const empty = `${work}/empty.js`;
    await Deno.writeTextFile(empty, "");
    const programs: [string, string, readonly string[]][] = [
      ["cli.empty", Deno.execPath(), ["run", "--no-config", "-q", empty]],
      ...COMMANDS.map(([name, args]) => [name, flux, args] as [string, string, readonly string[]]),
    ];
    const samples = new Map<string, number[]>(programs.map(([name]) => [name, []]));
    // In turns, so that they are all measured on the same machine.
    for (let i = -2; i < times(30); i++) {
      for (const [name, program, args] of programs) {
        const ms = await wall(name, program, args, env);
        if (i >= 0) samples.get(name)!.push(ms);
      }
    }
    for (const [name, all] of samples) yield figure(name, "ms", all);
  },
};

async function wall(
  name: string,
  program: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<number> {
  const start = performance.now();
  const { code, stderr } = await new Deno.Command(program, { args: [...args], env, stdin: "null" }).output();
  const ms = performance.now() - start;
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${new TextDecoder().decode(stderr).trim()}`);
  return ms;
}
