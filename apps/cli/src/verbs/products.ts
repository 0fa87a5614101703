import type { Reply } from "@holdfast/client";
import { attributeType, routes } from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { allPages, paging } from "../pages.ts";
import { any, idOf, onOff, optional, required, text, type Reader } from "../parameter.ts";
import { clipped } from "../text.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";

type Product = Reply<typeof routes.readProduct>;
type Attribute = Product["attributes"][string];

const one = { product: required(idOf("product"), "which product") } as const;

/** `temperature:number:°C`; a name may hold colons itself. */
const attribute: Reader<readonly [name: string, attribute: Attribute]> = {
  hint: "NAME:TYPE[:UNIT]",
  read: (given) => {
    const [, name, type, unit] = /^(.+):(number|boolean|text)(?::(.+))?$/.exec(given) ?? [];
    const known = attributeType.safeParse(type);
    if (name === undefined || !known.success) {
      throw new Misuse(`"${given}" is not NAME:TYPE or NAME:TYPE:UNIT with a type of number, boolean or text`);
    }
    return [name, { type: known.data, ...(unit !== undefined && { unit }) }];
  },
};

const written = ([name, { type, unit }]: readonly [string, Attribute]): string =>
  [name, type, ...(unit ? [unit] : [])].join(":");

const show = (product: Product, { print }: Tools): void =>
  print.thing(product, [
    ["id", product.id],
    ["name", product.name],
    ["attributes", Object.entries(product.attributes).map(written).join(" ")],
    ["undeclared attributes", product.strict ? "refused" : "accepted"],
    ["made", print.at(product.createdAt)],
  ]);

export const productVerbs = [
  verb({
    name: "product create",
    summary: "Make a product: a class of devices and what they measure",
    flags: {
      name: required(text("NAME"), "what it is called"),
      attribute: any(attribute, "what its devices measure"),
      strict: onOff("refuse attributes that are not declared"),
    },
    examples: ["product create --name Pump --attribute temperature:number:°C --attribute running:boolean --strict"],
    async run({ name, attribute: declared, strict }, tools) {
      const body = { name, attributes: Object.fromEntries(declared), strict };
      show(await (await tools.client()).call(routes.createProduct, { body }), tools);
    },
  }),
  verb({
    name: "product list",
    summary: "List the products that you may read",
    flags: paging,
    async run(given, tools) {
      const client = await tools.client();
      const page = await allPages(given, tools.print, (query) => client.call(routes.listProducts, { query }));
      const columns = [
        { title: "ID", cell: ({ id }: Product) => id },
        { title: "NAME", cell: ({ name }: Product) => name },
        {
          title: "ATTRIBUTES",
          cell: ({ attributes }: Product) => clipped(Object.entries(attributes).map(written).join(" "), 60),
        },
        { title: "STRICT", cell: ({ strict }: Product) => (strict ? "yes" : "") },
        { title: "MADE", cell: ({ createdAt }: Product) => tools.print.ago(createdAt) },
      ];
      tools.print.list(page, columns, "There is no product yet.");
    },
  }),
  verb({
    name: "product get",
    summary: "Show one product",
    arguments: one,
    run: async (params, tools) => show(await (await tools.client()).call(routes.readProduct, { params }), tools),
  }),
  verb({
    name: "product update",
    summary: "Change a product's name or strictness, or declare further attributes",
    arguments: one,
    flags: {
      name: optional(text("NAME"), "what it is called from now on"),
      attribute: any(attribute, "one more that its devices measure"),
      strict: onOff("refuse attributes that are not declared, from now on"),
      lenient: onOff("accept them, from now on"),
    },
    async run({ name, attribute: declared, strict, lenient, ...params }, tools) {
      if (strict && lenient) throw new Misuse("--strict and --lenient are each other's opposite.");
      const client = await tools.client();
      // Attributes are replaced as a whole, so the others are read before; and nobody may change them in between.
      const old = declared.length > 0 ? await client.call(routes.readProduct, { params }) : undefined;
      const attributes = old && { ...old.attributes, ...Object.fromEntries(declared) };
      const body = { name, attributes, strict: strict || lenient ? strict : undefined };
      if (Object.values(body).every((value) => value === undefined)) {
        throw new Misuse("Say what to change: holdfast help product update");
      }
      show(await client.call(routes.updateProduct, { params, body, ifVersion: old?.version }), tools);
    },
  }),
  verb({
    name: "product delete",
    summary: "End a product that no device has",
    arguments: one,
    async run(params, tools) {
      await (await tools.client()).call(routes.deleteProduct, { params });
      tools.print.thing({ id: params.product, deleted: true }, [["deleted", params.product]]);
    },
  }),
];
