/** Where the log of a session goes. */

const NAME = "cmbd.log";

/** `cmbd.log` in the current directory, or where that cannot be written, in the run directory, which `warn` says. */
export function logFile(rundir: string, warn: (text: string) => void): string {
  try {
    const path = `${Deno.cwd()}/${NAME}`;
    Deno.openSync(path, { append: true, create: true }).close();
    return path;
  } catch (error) {
    const path = `${rundir}/${NAME}`;
    const why = error instanceof Error ? error.message.replace(/ \(os error.*/, "") : error;
    warn(`cannot write ${NAME} here (${why}); the log is ${path}`);
    return path;
  }
}
