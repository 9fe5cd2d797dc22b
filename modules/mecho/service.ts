/** `mecho`: sends back what it is sent. `flux mping` calls it on many ranks at once (services.md §10). */

import { type Module, user } from "../../broker/handle/mod.ts";

const mecho: Module = {
  name: "mecho",
  async start({ handle }) {
    await handle.serve({ mecho: user(({ message }) => message.payload) });
  },
};
export default mecho;
