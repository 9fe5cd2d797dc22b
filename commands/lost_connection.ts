/** What a client says when the broker has gone while it followed something there. */

import type { Handle } from "../broker/handle/mod.ts";
import { CommandError } from "./command.ts";

/**
 * The error that a stream ended with, or that the connection was lost, if that is why. Asked when the stream has failed and
 * not when the handle is closed: what came before has then been dealt with, and it may be all that was waited for.
 */
export async function orLostConnection(handle: Handle, error: unknown): Promise<unknown> {
  const lost = await Promise.race([handle.closed, undefined]);
  return lost ? new CommandError("lost connection to the broker", { cause: lost }) : error;
}
