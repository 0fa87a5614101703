import { csvCell } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { allPages } from "../pages.ts";
import { onlyApplication } from "./devices.ts";
import { duration, idOf, onOff, optional, required, text } from "../parameter.ts";
import { verb, type Verb } from "../verb.ts";

const one = { device: required(idOf("device"), "which device") } as const;
const lasting = { expires: optional(duration, "how long the codes are good; without it until they are replaced") };

export const claimVerbs: readonly Verb[] = [
  verb({
    name: "device claim",
    summary: "Show whose a device is, and whether the code on its box is good",
    arguments: one,
    async run(params, tools) {
      const claim = await (await tools.client()).call(routes.readDeviceClaim, { params });
      tools.print.thing(claim, [
        ["state", claim.state],
        ["until", tools.print.at(claim.until)],
        ["user", claim.user ?? ""],
        ["code", claim.code],
        ["good until", tools.print.at(claim.codeExpiresAt)],
      ]);
    },
  }),
  verb({
    name: "device code",
    summary: "Make the code for a device's box, in place of any before",
    arguments: one,
    flags: lasting,
    async run({ expires: expiresIn, ...params }, tools) {
      const made = await (await tools.client()).call(routes.createClaimCode, { params, body: { expiresIn } });
      tools.print.thing(made, [
        ["code", made.code ?? ""],
        ["until", tools.print.at(made.expiresAt)],
      ]);
      if (made.code !== undefined) tools.print.secretNote("code");
    },
  }),
  verb({
    name: "device hand-over",
    summary: "Make the code by which another organisation takes a device over, in place of any before",
    arguments: one,
    flags: { withdraw: onOff("make the code worth nothing, in place of making one") },
    async run({ withdraw, ...params }, tools) {
      const client = await tools.client();
      if (withdraw) {
        await client.call(routes.withdrawHandover, { params });
        tools.print.thing({ id: params.device, withdrawn: true }, [["withdrawn", params.device]]);
        return;
      }
      const made = await client.call(routes.offerHandover, { params, body: {} });
      tools.print.thing(made, [
        ["code", made.code ?? ""],
        ["until", tools.print.at(made.expiresAt)],
      ]);
      if (made.code !== undefined) tools.print.secretNote("code");
    },
  }),
  verb({
    name: "device take-over",
    summary: "Take a device over from another organisation, by the code that it made",
    arguments: { code: required(text("CODE"), "the code") },
    flags: {
      application: optional(idOf("application"), "where it is to be; without it the only one there is"),
      product: optional(idOf("product"), "what class of device it is here"),
    },
    async run({ application, ...body }, tools) {
      const client = await tools.client();
      const params = { application: application ?? (await onlyApplication(client)) };
      const made = await client.call(routes.takeHandover, { params, body });
      tools.print.thing(made, [
        ["id", made.device],
        ["name", made.name],
        ["application", made.application],
        ["product", made.product ?? ""],
        ["key", made.key.id],
        ["secret", made.key.secret ?? ""],
      ]);
      if (made.key.secret !== undefined) tools.print.secretNote("key's secret");
    },
  }),
  verb({
    name: "device codes",
    summary: "Make codes for the boxes of a product's devices that are nobody's and have none that is good, as CSV",
    flags: {
      product: required(idOf("product"), "of which product"),
      replace: onOff("also for those that have a good one: what was printed of them before is worth nothing then"),
      ...lasting,
    },
    examples: ["device codes --product prd_… > codes.csv"],
    async run({ product, replace, expires: expiresIn }, tools) {
      const client = await tools.client();
      const devices = await allPages(
        { limit: undefined, cursor: undefined },
        tools.print,
        (query) => client.call(routes.listDevices, { query: { product, ...query } }),
        { most: Infinity }, // who prints labels for a product has them for all
      );
      const free = devices.items.filter(({ state, user }) => state !== "retired" && user === undefined);
      if (free.length === 0) throw new Misuse("No device of this product is there that is nobody's.");
      let kept = 0;
      let made = 0;
      for (const { id, name } of free) {
        const params = { device: id };
        // Its box may be in a shop by now.
        if (!replace && (await client.call(routes.readDeviceClaim, { params })).code === "good") {
          kept += 1;
          continue;
        }
        const { code = "" } = await client.call(routes.createClaimCode, { params, body: { expiresIn } });
        if (made === 0 && !tools.print.isJson) tools.print.page("device,name,code");
        tools.print.line({ device: id, name, code }, [id, csvCell(name), code].join(","));
        made += 1;
      }
      if (made === 0) throw new Misuse("Each of them has a code that is good: --replace makes others in their place.");
      if (kept > 0) tools.print.note(`${kept} have a code that is good, and keep it: --replace makes others.`);
      tools.print.secretNote("code of each");
    },
  }),
];
