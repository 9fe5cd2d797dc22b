/** `<service>.rusage`: what the process of this broker used of the machine (wire.md §3.1). */

import { FluxError, real } from "../message/mod.ts";
import { type Method, optionalString, user } from "../handle/mod.ts";
import { type Rusage, type Who } from "../ports/mod.ts";

/** All modules of a broker share its process, so each answers for all. */
export function rusageMethod(read: (who: Who) => Rusage): Method {
  return user(({ payload }) => {
    const { utime, stime, ...counts } = read(whoField(optionalString(payload, "who")));
    return { utime: real(utime), stime: real(stime), ...counts };
  });
}

function whoField(who = "self"): Who {
  if (who === "self" || who === "children" || who === "thread") return who;
  throw new FluxError("EPROTO", `"who" must be self, children or thread, not "${who}"`);
}
