/** `flux`: one command line in, one exit status out. What it does is in `commands/`. */

import { frontEnd } from "./commands/front_end.ts";
import { isOwned } from "./commands/stray_errors.ts";
import { system } from "./commands/surroundings.ts";

if (import.meta.main) {
  for (const kind of ["error", "unhandledrejection"] as const) {
    addEventListener(kind, (event) => void crash(event));
  }
  Deno.exit(await frontEnd(Deno.args, system));
}

/** A mistake in the program that reached nobody who could name it better. */
async function crash(event: ErrorEvent | PromiseRejectionEvent): Promise<void> {
  event.preventDefault();
  const error = "reason" in event ? event.reason : event.error;
  if (isOwned(error)) return;
  const { frontVerdict } = await import("./commands/errors.ts");
  const { text, status } = frontVerdict(error, Boolean(Deno.env.get("FLUX_DEBUG")));
  system.complain(text);
  Deno.exit(status);
}
