/** Where a session keeps what is stored, as benches of the store are named after it. */

import type { Surroundings } from "./bench.ts";
import type { SessionOptions } from "./session.ts";

/** `memory` is the default of a session, and of a row's name. */
export type Medium = "memory" | "statedir";
export const MEDIA: readonly Medium[] = ["memory", "statedir"];

/** `kvs.put.same`, `kvs.put.same.statedir` */
export function rowName(name: string, medium: Medium): string {
  return medium === "memory" ? name : `${name}.${medium}`;
}

/** What a session of this medium is started with. */
export function storedIn(medium: Medium, { work }: Pick<Surroundings, "work">): Pick<SessionOptions, "statedir"> {
  return medium === "memory" ? {} : { statedir: `${work}/state` };
}
