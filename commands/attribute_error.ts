/** What the attribute commands say when there is no such attribute. */

import type { Handle } from "../broker/handle/mod.ts";
import type { FluxError } from "../broker/message/mod.ts";
import { CommandError } from "./mod.ts";
import { nearest } from "./suggest.ts";

/** Says whether `name` is unknown, and what may have been meant, or has no value. */
export async function noSuchAttribute(handle: Handle, name: string, cause: FluxError): Promise<CommandError> {
  const { names } = await handle.rpc<{ names: string[] }>("cmb.attrlist");
  const near = nearest(name, names.filter((other) => other !== name));
  let hint = "'flux lsattr' prints the names of all attributes";
  if (names.includes(name)) hint = `the attribute ${name} has no value`;
  else if (near !== undefined) hint = `did you mean '${near}'?`;
  return new CommandError(`${name}: ${cause.message}`, { hint, cause });
}
