import { routes, type usageGroups, type usageSteps } from "@holdfast/protocol";
import { apiFor, everyPage } from "../api/index.ts";
import { save } from "../kit/index.ts";
import { counted } from "./measures.ts";

/** All steps of the time that is shown, whatever of them has been loaded, as a file for a spreadsheet. */
export async function exportUsage(
  org: string,
  asked: { readonly every: (typeof usageSteps)[number]; readonly by: (typeof usageGroups)[number] },
): Promise<void> {
  const steps = await everyPage((cursor) =>
    apiFor(org).call(routes.readUsage, { query: { ...asked, cursor, limit: 10_000 } }),
  );
  const rows = steps.map((step) => [step.time, step.about ?? "", ...counted.map((name) => step[name])]);
  // Times, ids and numbers: nothing in it needs a quote.
  save("usage.csv", "text/csv", [["time", "about", ...counted], ...rows].map((row) => `${row.join(",")}\r\n`).join(""));
}
