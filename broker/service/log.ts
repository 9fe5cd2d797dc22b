/** The broker's log. */

import type { LogLevel } from "../handle/mod.ts";

/** Where a part of the broker writes to: severity, text, and the name of the part. */
export type Log = (level: LogLevel, text: string, source?: string) => void;
