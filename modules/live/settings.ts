/** The thresholds of `live`, in heartbeats: the same on every rank, and settable while the session runs. Pure. */

import { FluxError } from "../../broker/message/mod.ts";

export interface Settings {
  /** Silent for more than this many heartbeats, a rank is slow, */
  readonly slowIdle: number;
  /** for more than this many it has failed, and its link is ended. */
  readonly maxIdle: number;
  /** A rank that has not heard of rank 0 for more than this many ends. */
  readonly maxCutoff: number;
}

export const DEFAULTS: Settings = { slowIdle: 3, maxIdle: 5, maxCutoff: 30 };

/** Attribute names, and the words of `live`'s arguments (`max-idle=9`). */
export const NAMES = { slowIdle: "slow-idle", maxIdle: "max-idle", maxCutoff: "max-cutoff" } as const;
export type SettingName = keyof typeof NAMES;

/** The settings with one of them changed. Throws EINVAL for what is no number of heartbeats, or does not fit the others. */
export function changed(settings: Settings, name: SettingName, text: string): Settings {
  const label = `live.${NAMES[name]}`;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 1e6) {
    throw new FluxError("EINVAL", `${label}: "${text}" is no number of heartbeats`);
  }
  return checked({ ...settings, [name]: value }, `${label}=${text}`);
}

/** Reads arguments. Throws EINVAL, naming the word. */
export function readArguments(settings: Settings, words: readonly string[]): Settings {
  for (const word of words) {
    const [key, text = ""] = word.split("=", 2);
    const name = (Object.keys(NAMES) as SettingName[]).find((one) => NAMES[one] === key);
    if (!name) throw new FluxError("EINVAL", `"${word}" is none of ${Object.values(NAMES).join("=N, ")}=N`);
    settings = changed(settings, name, text);
  }
  return settings;
}

/** Reads what another rank sent. Throws EPROTO. */
export function readSettings(value: unknown): Settings {
  const { slowIdle, maxIdle, maxCutoff } = (value ?? {}) as Record<string, unknown>;
  if (![slowIdle, maxIdle, maxCutoff].every(Number.isInteger)) throw new FluxError("EPROTO", "malformed live settings");
  return { slowIdle: Number(slowIdle), maxIdle: Number(maxIdle), maxCutoff: Number(maxCutoff) };
}

function checked(settings: Settings, what: string): Settings {
  const { slowIdle, maxIdle, maxCutoff } = settings;
  if (slowIdle < maxIdle && maxIdle < maxCutoff) return settings;
  throw new FluxError(
    "EINVAL",
    `${what}: must be slow-idle < max-idle < max-cutoff (${slowIdle} < ${maxIdle} < ${maxCutoff})`,
  );
}
