/** Where a node of Slurm is reached. That need not be its name: Slurm has an address for each (`NodeAddr`), which only its controller tells. */

import { FluxError } from "../message/mod.ts";
import type { Clock, Spawner } from "../ports/mod.ts";

const HERE = "127.0.0.1";
/** The controller may take this long, ms. */
const PATIENCE = 5000;

export interface NodePorts {
  readonly clock: Clock;
  readonly spawner: Pick<Spawner, "spawn">;
  /** Rejects when nobody knows a host of this name. */
  resolve(name: string): Promise<unknown>;
}

/**
 * What to dial for the node `name`, on the node `own`: the name, unless nobody knows it and Slurm has an address for it. Without one the
 * name it stays, which may become known later.
 */
export async function nodeAddress(
  name: string,
  own: string,
  env: Readonly<Record<string, string>>,
  ports: NodePorts,
): Promise<string> {
  if (name === own) return HERE;
  try {
    await ports.resolve(name);
    return name;
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
  }
  return addressIn(await askController(name, env, ports)) ?? name;
}

/** The address in what `scontrol show node` prints. */
export function addressIn(text: string): string | undefined {
  return /(?:^|\s)NodeAddr=(\S+)/.exec(text)?.[1];
}

/** Empty when there is no answer. */
async function askController(name: string, env: Readonly<Record<string, string>>, ports: NodePorts): Promise<string> {
  const { clock, spawner } = ports;
  const argv = ["scontrol", "--oneliner", "show", "node", name];
  try {
    const child = spawner.spawn({ argv, env, stdin: "null", stdout: "piped", stderr: "null" });
    const late = clock.after(PATIENCE, () => child.kill("SIGKILL"));
    const text = await new Response(child.stdout as ReadableStream<Uint8Array<ArrayBuffer>>).text();
    await child.status;
    late.cancel();
    return text;
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
    return "";
  }
}
