/** How a broker finds out which rank it is and who the others are. Pure. */

import { FluxError } from "../message/mod.ts";
import type { BootstrapConfig } from "./bootstrap_config.ts";
import { type SlurmStep, slurmStep } from "./slurm.ts";
import { START_ANEW, START_PID, START_SESSION, START_SOCKET } from "./control.ts";

export type BootMethod =
  /** Alone: rank 0 of 1. */
  | { readonly kind: "single"; readonly rank: 0; readonly size: 1 }
  /** Started by `flux start`, which serves PMI. */
  | {
    readonly kind: "start";
    readonly rank: number;
    readonly size: number;
    /** It serves it at a UNIX socket, as process `pid` of this host; else over our standard streams. */
    readonly socket: { readonly path: string; readonly pid: number } | undefined;
    /** Names the session when it has ranks on other hosts. */
    readonly session: string | undefined;
    /** This takes the place of a broker that was there before: the session runs already. */
    readonly anew: boolean;
  }
  /** Started by another launcher, which serves PMI at an inherited file descriptor. */
  | { readonly kind: "fd"; readonly rank: number; readonly size: number; readonly fd: number }
  /** Started by Slurm, which serves no PMI. */
  | { readonly kind: "slurm" } & SlurmStep
  /** Started by a system that has written down where all brokers are. */
  | { readonly kind: "config"; readonly rank: number; readonly size: number; readonly config: BootstrapConfig };

/** By what the environment offers; `asked` is `single` or `pmi`. Throws EINVAL for numbers that are none. */
export function bootMethod(asked: "single" | "pmi", env: (name: string) => string | undefined): BootMethod {
  const path = env(START_SOCKET), session = env(START_SESSION), fd = env("PMI_FD");
  const isServed = path !== undefined || session !== undefined;
  const step = slurmStep(env);
  if (asked === "single") return { kind: "single", rank: 0, size: 1 };
  if (!isServed && fd === undefined) {
    return step && step.size > 1 ? { kind: "slurm", ...step } : { kind: "single", rank: 0, size: 1 };
  }
  const size = number("PMI_SIZE", env), rank = number("PMI_RANK", env);
  if (size < 1 || rank >= size) throw new FluxError("EINVAL", `PMI_RANK=${rank} is no rank of PMI_SIZE=${size}`);
  if (!isServed) {
    if (size === 1 && step && step.size > 1) {
      throw new FluxError("EINVAL", `Slurm has started ${step.size} tasks, but PMI tells each that it is alone`);
    }
    return { kind: "fd", rank, size, fd: number("PMI_FD", env) };
  }
  const socket = path === undefined ? undefined : { path, pid: number(START_PID, env) };
  return { kind: "start", rank, size, socket, session, anew: env(START_ANEW) !== undefined };
}

/** That of a rank whose place is written down. Throws EINVAL for a rank that is not. */
export function configuredMethod(config: BootstrapConfig, rank: number): BootMethod {
  const size = config.brokers.length;
  if (rank >= size) throw new FluxError("EINVAL", `--rank ${rank}: [bootstrap] has ${size} brokers`);
  return { kind: "config", rank, size, config };
}

function number(name: string, env: (name: string) => string | undefined): number {
  const text = env(name);
  if (text === undefined) throw new FluxError("EINVAL", `${name} is not set`);
  if (!/^\d{1,9}$/.test(text)) throw new FluxError("EINVAL", `${name}=${text} is not a number`);
  return Number(text);
}

/** What the host of a rank is called: Slurm's name for it where Slurm has started the rank, else what the `system` says. */
export function hostnameOf(method: BootMethod, env: Readonly<Record<string, string>>, system: string): string {
  const isLocal = method.kind === "single" || method.kind === "start";
  return (isLocal ? undefined : env.SLURMD_NODENAME) || system;
}
