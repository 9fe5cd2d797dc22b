/** Where the log of a session is written: a file, or standard error. Writes are synchronous, so nothing is lost at exit. */

const utf8 = new TextEncoder();

/** Takes whole lines. */
export type LogOutput = (text: string) => void;

/** Standard error. */
export const stderrOutput: LogOutput = (text) => {
  try {
    writeAll(Deno.stderr, text);
  } catch {
    // Nobody reads standard error: there is no place left to say so.
  }
};

/**
 * Appends to the file at `path`, made if it is not there. When it cannot be written any more (ENOSPC, EIO), that is said
 * once on `fallback`, where the log goes on. Throws what opening it throws.
 */
export function fileOutput(path: string, fallback: LogOutput = stderrOutput): LogOutput {
  const file = Deno.openSync(path, { append: true, create: true });
  let failed = false;
  return (text) => {
    if (failed) return fallback(text);
    try {
      writeAll(file, text);
    } catch (error) {
      failed = true;
      fallback(`cannot write ${path}: ${error instanceof Error ? error.message : error}; the log goes on here\n`);
      fallback(text);
    }
  };
}

function writeAll(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = utf8.encode(text);
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}
