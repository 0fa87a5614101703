import { routes } from "@holdfast/protocol";
import { verb } from "../verb.ts";

export const simulationVerbs = [
  verb({
    name: "simulation end",
    summary: "Remove the simulated fleet, with its organisation and all that it holds, for ever",
    async run(_, tools) {
      const client = await tools.client();
      const { org } = await client.call(routes.whoAmI);
      await client.call(routes.endSimulation);
      tools.print.thing({ org, ended: true }, [["removed", org]]);
    },
  }),
];
