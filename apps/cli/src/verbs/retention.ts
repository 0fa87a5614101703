import type { Reply } from "@holdfast/client";
import { routes, type Keep } from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { any, idOf, onOff, optional, type Reader } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";

type Rule = Reply<typeof routes.readProductRetention>;
type Going = Reply<typeof routes.previewOrgRetention>;

const keep: Reader<Keep> = {
  hint: "DAYS|forever",
  read: (given) => {
    if (given === "forever") return given;
    if (!/^\d{1,5}$/.test(given) || Number(given) < 1) throw new Misuse(`"${given}" is no number of days, nor forever`);
    return Number(given);
  },
};

/** A name may hold `=` itself. */
const named: Reader<readonly [name: string, keep: Keep]> = {
  hint: "NAME=DAYS|forever",
  read: (given) => {
    const at = given.lastIndexOf("=");
    if (at < 1) throw new Misuse(`"${given}" is not NAME=DAYS or NAME=forever`);
    return [given.slice(0, at), keep.read(given.slice(at + 1))];
  },
};

const inWords = (kept: Keep | undefined): string =>
  kept === undefined ? "as the organisation says" : kept === "forever" ? "for ever" : `${kept} days`;

const show = (rule: Rule, { print }: Tools): void =>
  print.thing(rule, [
    ["kept", inWords(rule.keep)],
    ...Object.entries(rule.attributes ?? {}).map(([name, kept]): [string, string] => [
      `kept of ${name}`,
      inWords(kept),
    ]),
  ]);

const showGoing = (going: Going, { print }: Tools): void =>
  print.thing(going, [
    ["readings that would go", going.points.toLocaleString("en")],
    ["bytes", going.bytes.toLocaleString("en")],
    ["chunks that would be shown in part", going.straddling.toLocaleString("en")],
  ]);

const ofProduct = { product: optional(idOf("product"), "of its devices, in place of the organisation's") } as const;

export const retentionVerbs = [
  verb({
    name: "retention show",
    summary: "Show how long readings are kept: by your organisation, or by one of its products",
    flags: ofProduct,
    async run({ product }, tools) {
      const client = await tools.client();
      show(
        product
          ? await client.call(routes.readProductRetention, { params: { product } })
          : await client.call(routes.readOrgRetention),
        tools,
      );
    },
  }),
  verb({
    name: "retention set",
    summary:
      "Say how long readings are kept; what is older is shown no more at once, and removed within hours, for good",
    flags: {
      ...ofProduct,
      keep: optional(keep, "how many days"),
      attribute: any(named, "of one attribute of a product by itself"),
      preview: onOff("show how much would go, and change nothing"),
    },
    examples: ["retention set --keep 365 --preview", "retention set --product PRODUCT --attribute vibration=30"],
    async run({ product, keep: kept, attribute, preview }, tools) {
      const client = await tools.client();
      if (product) {
        const attributes = Object.fromEntries(attribute);
        const body = { ...(kept !== undefined && { keep: kept }), ...(attribute.length > 0 && { attributes }) };
        const asked = { params: { product }, body };
        if (preview) return showGoing(await client.call(routes.previewProductRetention, asked), tools);
        return show(await client.call(routes.setProductRetention, asked), tools);
      }
      if (attribute.length > 0) throw new Misuse("Attributes are a product's: --product.");
      if (kept === undefined) throw new Misuse("Say how long: --keep DAYS, or --keep forever.");
      const body = { keep: kept };
      if (preview) return showGoing(await client.call(routes.previewOrgRetention, { body }), tools);
      show(await client.call(routes.setOrgRetention, { body }), tools);
    },
  }),
  verb({
    name: "retention remove",
    summary: "Let a product say nothing any more: readings of its devices are kept as the organisation says",
    flags: ofProduct,
    async run({ product }, tools) {
      if (!product)
        throw new Misuse("Of which product: --product. The organisation's is set: retention set --keep forever.");
      await (await tools.client()).call(routes.removeProductRetention, { params: { product } });
      show({}, tools);
    },
  }),
];
