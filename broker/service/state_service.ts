/** `state-machine.*`: where a broker stands between start and exit (wire.md §3.8). */

import { FluxError, real } from "../message/mod.ts";
import { type Methods, optionalInteger, type Request, user } from "../handle/mod.ts";
import { type StateMachine, stateNumber, STATES } from "./state_machine.ts";
import { watched } from "./watched.ts";

export function stateService(machine: StateMachine): Methods {
  return {
    "state-machine.get": user(() => ({ state: machine.state, duration: real(machine.duration / 1000) })),
    "state-machine.wait": user(async (request) => {
      await machine.when("run", request.signal);
      if (!machine.hasRun) throw new FluxError("EINVAL", `broker is in state ${machine.state}`);
    }),
    "state-machine.monitor": (request) => {
      const final = optionalInteger(request.payload, "final") ?? STATES.length;
      return request.isStreaming ? monitor(machine, request, final) : { state: stateNumber(machine.state) };
    },
  };
}

function monitor(machine: StateMachine, request: Request, final: number) {
  const watch = (push: (item: { state: number }) => void) => {
    push({ state: stateNumber(machine.state) });
    return machine.watch((state) => push({ state: stateNumber(state) }));
  };
  return watched(request, watch, ({ state }) => state >= final);
}
