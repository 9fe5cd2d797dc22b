/**
 * The program itself, as something that can be started again: a session starts its brokers this way. Each form of the
 * program knows itself by another means, and none trusts what another left in the environment.
 */

/** Set by the build; not there when main.ts is run from source. */
declare const FLUX_FORM: "self-extracting" | "compile" | undefined;

let found: readonly string[] | undefined;

/** The words in front of the arguments to start this program again: the executable, or deno and main.ts. */
export function selfArgv(): readonly string[] {
  return found ??= find();
}

/**
 * The executable file: absolute, without symbolic links, found once. From source it is the executable that
 * `scripts/flux` builds.
 */
export function selfPath(): string {
  const argv = selfArgv();
  return argv.length === 1 ? argv[0]! : new URL("../dist/flux", import.meta.url).pathname;
}

function find(): readonly string[] {
  switch (typeof FLUX_FORM === "undefined" ? undefined : FLUX_FORM) {
    case "self-extracting": // the header of the executable has just set it
      return [Deno.env.get("FLUX_SELF")!];
    case "compile":
      return [executable()];
    default:
      return [Deno.execPath(), "run", "-A", "--no-prompt", new URL("../main.ts", import.meta.url).pathname];
  }
}

/** The file the kernel runs for this process; ` (deleted)` stands behind a name that was replaced meanwhile. */
function executable(): string {
  return Deno.readLinkSync("/proc/self/exe").replace(/ \(deleted\)$/, "");
}
