import type { Reply } from "@holdfast/client";
import { findingTexts, routes } from "@holdfast/protocol";
import { verb } from "../verb.ts";

/** How it came last, and what somebody should look at and do about it. */
export const postureRows = ({ id, lastTls, findings }: Reply<typeof routes.readDevice>): [string, string][] => [
  ["came over", [lastTls?.version, lastTls?.group].filter(Boolean).join(", ")],
  ...findings.flatMap((finding): [string, string][] => [
    [`look at it: ${finding}`, findingTexts[finding].says],
    ["", findingTexts[finding].fix.replaceAll("DEVICE", id)],
  ]),
];

export const postureVerbs = [
  verb({
    name: "device posture",
    summary: "Show what is weak about the devices that you may read: how many have each finding, and what to do",
    examples: ["device posture", "device list --finding classical"],
    async run(_, tools) {
      const posture = await (await tools.client()).call(routes.readPosture);
      const { total, well, items } = posture;
      tools.print.thing(posture, [
        ["devices", String(total)],
        ["without a finding", String(well)],
        ...items
          .filter(({ devices }) => devices > 0)
          .flatMap(({ finding, devices, says, fix }): [string, string][] => [
            [`${finding}: ${devices}`, says],
            ["", fix],
          ]),
      ]);
    },
  }),
];
