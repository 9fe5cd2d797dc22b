/**
 * Why a connection could not be made. libzmq does not tell; a plain connection to the same place does. Asked only after an
 * attempt has failed.
 */

import { REFUSED } from "../../ports/mod.ts";
import { ipcPath } from "./unix_socket.ts";

/** `REFUSED` when nobody listens on the endpoint, else what the system says. */
export async function whyUnreachable(endpoint: string): Promise<string> {
  try {
    (await connect(endpoint)).close();
    return "the other side broke the connection off";
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotFound) return REFUSED;
    return error instanceof Error ? error.message : String(error);
  }
}

function connect(endpoint: string): Promise<Deno.Conn> {
  if (endpoint.startsWith("ipc://")) return Deno.connect({ transport: "unix", path: ipcPath(endpoint) });
  const [, hostname = "", port] = /^tcp:\/\/\[?([^\]]+)\]?:(\d+)$/.exec(endpoint) ?? [];
  return Deno.connect({ hostname, port: Number(port) });
}
