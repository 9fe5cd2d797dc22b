/** What guests may do: read and write the namespaces they own, and put nothing into them but values (wire.md §3.14). Pure. */

import { FluxError, Role } from "../../broker/message/mod.ts";
import type { Operation, Root } from "./protocol.ts";

/** Who asks. */
export interface Caller {
  readonly userid: number;
  readonly rolemask: number;
}

export function isGuest({ rolemask }: Caller): boolean {
  return (rolemask & Role.owner) === 0;
}

/** Throws EPERM when this caller may not use the namespace. */
export function checkNamespace(caller: Caller, { owner }: Root): void {
  if (isGuest(caller) && caller.userid !== owner) throw new FluxError("EPERM");
}

/** Throws EPERM when a guest brings more than null, values and empty directories. */
export function checkOperations(caller: Caller, ops: readonly Operation[]): void {
  if (isGuest(caller) && !ops.every(({ dirent }) => isHarmless(dirent))) throw new FluxError("EPERM");
}

function isHarmless(dirent: Operation["dirent"]): boolean {
  if (dirent === null || dirent.type === "val") return true;
  return dirent.type === "dir" && Object.keys(dirent.data).length === 0;
}
