/** `overlay.restart`: a broker that has died is started anew, where somebody can do that. */

import { FluxError } from "../message/mod.ts";
import { integerField, type Methods } from "../handle/mod.ts";
import { ONLINE } from "./groups_service.ts";
import type { BrokerParts } from "./native.ts";

/**
 * `overlay.restart {"rank":i,"force":b?}` → {} once the rank is up. With `force` a broker that is there is killed first. Throws
 * EPROTO elsewhere than at rank 0, EINVAL for rank 0 and for what is no rank, EEXIST when the rank is up, EAGAIN while
 * the session does not run, ENOTSUP when nobody here can start brokers, EIO when it does not come up.
 */
export function restartService({ groups, machine, options }: BrokerParts): Methods {
  return {
    "overlay.restart": async ({ payload }) => {
      const rank = integerField(payload, "rank"), force = payload.force === true;
      const { size, restart } = options;
      if (options.rank !== 0) throw new FluxError("EPROTO", "this RPC is only available on rank 0");
      if (rank < 0 || rank >= size) throw new FluxError("EINVAL", `${rank}: the session has ranks 0 to ${size - 1}`);
      if (rank === 0) throw new FluxError("EINVAL", "rank 0 is the session: it cannot be started anew");
      if (!restart) throw new FluxError("ENOTSUP", "nobody can start brokers of this session from here");
      if (machine.state !== "run") throw new FluxError("EAGAIN", "the session does not run");
      if (!force && groups.members(ONLINE).has(rank)) throw new FluxError("EEXIST", `rank ${rank} is up`);
      await restart(rank);
    },
  };
}
