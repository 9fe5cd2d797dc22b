/** libpmi.so (scripts/libpmi/pmi.c), compiled with what C compiler there is. */

import type { Target } from "./versions.ts";
import { thisMachine } from "./versions.ts";

const source = new URL("../libpmi/pmi.c", import.meta.url).pathname;
const FLAGS = ["-std=gnu11", "-O2", "-fPIC", "-fvisibility=hidden", "-U_FORTIFY_SOURCE", "-shared", "-s"];

/** Tried one after the other. */
function compilers(target: Target): string[] {
  if (target === thisMachine()) return ["cc", "gcc", "clang"];
  return target === "linux-arm64" ? ["aarch64-linux-gnu-gcc"] : ["x86_64-linux-gnu-gcc"];
}

/** The library; undefined where there is no compiler for the target. Throws an Error with what the compiler says. */
export async function libpmi(target: Target): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const work = await Deno.makeTempDir({ prefix: "flux-libpmi-" });
  try {
    for (const compiler of compilers(target)) {
      const done = await run(compiler, [...FLAGS, "-o", `${work}/libpmi.so`, source]);
      if (done === undefined) continue;
      if (!done.success) throw new Error(`${compiler} ${source}: ${new TextDecoder().decode(done.stderr).trim()}`);
      return await Deno.readFile(`${work}/libpmi.so`);
    }
    return undefined;
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** Undefined when there is no such program. */
async function run(command: string, args: string[]): Promise<Deno.CommandOutput | undefined> {
  try {
    return await new Deno.Command(command, { args, stdin: "null" }).output();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}
