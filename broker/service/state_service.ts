/** `state-machine.*`: where a broker stands between start and exit (wire.md §3.8). */

import { FluxError, real } from "../message/mod.ts";
import { type Methods, Queue, type Request, user } from "../handle/mod.ts";
import { optionalInteger } from "./fields.ts";
import { type State, type StateMachine, stateNumber, STATES } from "./state_machine.ts";

export function stateService(machine: StateMachine): Methods {
  return {
    "state-machine.get": user(() => ({ state: machine.state, duration: real(machine.duration / 1000) })),
    "state-machine.wait": user(async (request) => {
      await machine.when("run", request.signal);
      if (stateNumber(machine.state) > stateNumber("run")) {
        throw new FluxError("EINVAL", `broker is in state ${machine.state}`);
      }
    }),
    "state-machine.monitor": (request) => {
      const final = optionalInteger(request.payload, "final") ?? STATES.length;
      return request.isStreaming ? monitor(machine, request, final) : { state: stateNumber(machine.state) };
    },
  };
}

async function* monitor(machine: StateMachine, request: Request, final: number) {
  using states = new Queue<State>();
  using _watch = machine.watch((state) => states.push(state));
  request.signal.addEventListener("abort", () => states.end(), { once: true });
  yield { state: stateNumber(machine.state) };
  if (stateNumber(machine.state) >= final) return;
  for await (const state of states) {
    yield { state: stateNumber(state) };
    if (stateNumber(state) >= final) return;
  }
}
