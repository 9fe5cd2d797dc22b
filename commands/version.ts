/** `flux version`: of this program and what it is made of, and of the broker if there is one. */

import { VERSION, ZEROMQ } from "./build.ts";
import { command, CommandError, type Context, UsageError } from "./mod.ts";

/** Milliseconds for the broker to answer; the rest does not need it. */
const PATIENCE = 2000;

export default command({
  name: "version",
  summary: "Print versions of flux and of the broker",
  usage: ["[OPTIONS]"],
  options: {},
  async *run(context) {
    if (context.args.length > 0) throw new UsageError("version accepts no arguments");
    const uri = Deno.env.get("FLUX_URI");
    yield {
      flux: VERSION,
      deno: Deno.version.deno,
      libzmq: `npm ${ZEROMQ}`,
      target: Deno.build.target,
      ...(uri ? { uri, broker: await brokerVersion(context) } : {}),
    };
  },
  human: (versions) => Object.entries(versions).map(([name, value]) => `${`${name}:`.padEnd(10)}${value ?? "-"}`).join("\n"),
});

/** The broker's `version` attribute; null, with a warning, when it cannot be had. */
async function brokerVersion(context: Context<Record<never, never>>): Promise<string | null> {
  try {
    const handle = await context.connect();
    return (await handle.rpc<{ value: string }>("attr.get", { name: "version" }, { timeout: PATIENCE })).value;
  } catch (error) {
    const { FluxError } = await import("../broker/message/errno.ts");
    if (!(error instanceof CommandError || error instanceof FluxError)) throw error;
    context.warn(`broker version: ${error.message}`);
    return null;
  }
}
