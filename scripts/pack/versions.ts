/** The pinned versions of `scripts/versions`, and which of them serves a target. */

/** A machine the executable is built for. */
export type Target = "linux-x64" | "linux-arm64";
export const TARGETS: readonly Target[] = ["linux-x64", "linux-arm64"];

/** `x64` of `linux-x64`: how npm packages and this project's pins name the processor. */
export function architecture(target: Target): "x64" | "arm64" {
  return target === "linux-arm64" ? "arm64" : "x64";
}

/** The target that is the machine this runs on. */
export function thisMachine(): Target {
  return Deno.build.arch === "aarch64" ? "linux-arm64" : "linux-x64";
}

/** NAME=value lines; `#` begins a comment line. */
export function parseVersions(text: string): Map<string, string> {
  const pairs = text.split("\n").filter((line) => /^[A-Za-z]\w*=/.test(line));
  return new Map(pairs.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1).trim()]));
}

const pins = parseVersions(await Deno.readTextFile(new URL("../versions", import.meta.url)));

/** A pinned value by its name in `scripts/versions`; a missing one is a mistake in the project. */
export function pin(name: string): string {
  const value = pins.get(name);
  if (value === undefined) throw new Error(`scripts/versions has no line ${name}=`);
  return value;
}

/**
 * How V8 runs the program in both forms: young generations neither grow nor shrink, and `broker.memory` can collect before it
 * counts.
 */
export const V8_FLAGS = "--min-semi-space-size=4,--max-semi-space-size=4,--expose-gc";

/**
 * In the self-extracting form the old generation starts small too, and is collected early: a broker that has worked for a
 * minute takes some 45 MiB of its own instead of 80. What `deno compile` makes crashes with it (2.7.11).
 */
export const SMALL_HEAP = "--initial-old-space-size=8";

/**
 * Deno's code cache is written when a module has been compiled, not after it has run, so that it has no function that is compiled
 * when it is first called. Where there is that cache, all are compiled with the module, once, and come out of it ready from then on:
 * a tenth of the processor time of a start, for 2 MiB a process.
 */
export const EAGER = "--no-lazy";
