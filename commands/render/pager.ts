/** Text a screenful at a time, by the user's `PAGER` or `less`. */

/** Shows `text`; false when there is no pager to show it. Resolves when the user has seen enough. */
export async function page(text: string, env: (name: string) => string | undefined): Promise<boolean> {
  const pager = env("PAGER") ?? "less -R";
  if (pager === "" || pager === "cat") return false;
  const child = new Deno.Command("sh", {
    args: ["-c", `command -v "\${0%% *}" >/dev/null || exit 127; exec ${pager}`, pager],
    env: { LESS: env("LESS") ?? "FRX" },
    stdin: "piped",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  // Ctrl-C is for the pager.
  const ignore = () => {};
  Deno.addSignalListener("SIGINT", ignore);
  try {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text)).then(() => writer.close()).catch(brokenOnly);
    return (await child.status).code !== 127;
  } finally {
    Deno.removeSignalListener("SIGINT", ignore);
  }
}

/** Leaving a pager before the end of the text is no error. */
function brokenOnly(error: unknown): void {
  if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
}
