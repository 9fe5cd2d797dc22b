/** `flux version`: of this program and what it is made of, and of the broker if there is one. */

import { VERSION, ZEROMQ } from "./build.ts";
import { within } from "./deadline.ts";
import { command, CommandError, type Context, UsageError } from "./mod.ts";
import { FluxError } from "../broker/message/errno.ts";

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
  human: (versions) =>
    Object.entries(versions).map(([name, value]) => `${`${name}:`.padEnd(10)}${value ?? "-"}`).join("\n"),
});

/** The broker's `version` attribute; null, with a warning, when it cannot be had. */
async function brokerVersion(context: Context<Record<never, never>>): Promise<string | null> {
  try {
    const answer = context.connect().then((handle) => handle.rpc<{ value: string }>("attr.get", { name: "version" }));
    return (await within(PATIENCE, answer)).value;
  } catch (error) {
    if (!(error instanceof CommandError || error instanceof FluxError)) throw error;
    context.warn(`broker version: ${error.message}`);
    return null;
  }
}
