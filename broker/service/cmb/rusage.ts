/** `cmb.rusage`: as the 0.1.0 tools read it, with times as text (services.md §3). */

import { type Methods, user } from "../../handle/mod.ts";
import type { Rusage, Who } from "../../ports/mod.ts";

export function cmbRusageService(read: (who: Who) => Rusage): Methods {
  return {
    "cmb.rusage": user(() => {
      const { utime, stime, ...counts } = read("self");
      return { utime: utime.toFixed(6), stime: stime.toFixed(6), ...counts };
    }),
  };
}
