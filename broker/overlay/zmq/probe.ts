/**
 * Why a connection could not be made. libzmq does not tell; a plain connection to the same place does. Asked only after an
 * attempt has failed.
 */

import { REFUSED } from "../../ports/mod.ts";
import { tcpParts } from "./endpoint.ts";
import { ipcPath } from "./unix_socket.ts";

/** `REFUSED` when nobody listens on the place, else what the system says. */
export async function whyUnreachable(place: string): Promise<string> {
  try {
    (await connect(place)).close();
    return "the other side broke the connection off";
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotFound) return REFUSED;
    return error instanceof Error ? error.message : String(error);
  }
}

function connect(place: string): Promise<Deno.Conn> {
  const { host, port } = tcpParts(place) ?? {};
  if (host === undefined) return Deno.connect({ transport: "unix", path: ipcPath(place) });
  return Deno.connect({ hostname: host, port: Number(port) });
}
