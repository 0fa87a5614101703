import type { Input, Reply } from "@holdfast/client";
import { attributeType, routes, violations } from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { readNamed } from "../own-files.ts";
import { allPages, paging } from "../pages.ts";
import { any, file, idOf, oneOf, onOff, optional, required, text, type Reader } from "../parameter.ts";
import { clipped } from "../text.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";

type Product = Reply<typeof routes.readProduct>;
type Attribute = Product["attributes"][string];

const one = { product: required(idOf("product"), "which product") } as const;

const form = new RegExp(`^(.+):(${attributeType.options.join("|")})(?::(.+))?$`);

/** `temperature:number:°C`; a name may hold colons itself. */
const attribute: Reader<readonly [name: string, attribute: Attribute]> = {
  hint: "NAME:TYPE[:UNIT]",
  read: (given) => {
    const [, name, type, unit] = form.exec(given) ?? [];
    const known = attributeType.safeParse(type);
    if (name === undefined || !known.success) {
      throw new Misuse(
        `"${given}" is not NAME:TYPE or NAME:TYPE:UNIT with a type of ${attributeType.options.join(", ")}`,
      );
    }
    return [name, { type: known.data, ...(unit !== undefined && { unit }) }];
  },
};

/** `temperature:number:°C`, and what it may be in brackets. */
const written = ([name, { type, unit, min, max, values }]: readonly [string, Attribute]): string =>
  [
    [name, type, ...(unit ? [unit] : [])].join(":"),
    ...(min === undefined && max === undefined ? [] : [`[${min ?? ""}..${max ?? ""}]`]),
    ...(values ? [`[${values.join("|")}]`] : []),
  ].join("");

type Body = NonNullable<Input<typeof routes.updateProduct>["body"]>;

/** The schema of a product as a file: what `product get --json` shows has its fields, and what else stands there is left. @throws Misuse */
function schemaIn(name: string): Body {
  const text = readNamed(name, "--schema");
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw new Misuse(`--schema: ${name} is not JSON.`, { cause: error });
  }
  const shape = routes.updateProduct.body.omit({ name: true });
  const known = Object.keys(shape.shape);
  if (typeof found !== "object" || found === null || !known.some((field) => Object.hasOwn(found, field)))
    throw new Misuse(`--schema: ${name} is no object with ${known.join(", ")} (docs/telemetry.md).`);
  const parsed = shape.safeParse(Object.fromEntries(Object.entries(found).filter(([field]) => known.includes(field))));
  if (parsed.success) return parsed.data;
  const [fault] = parsed.error.issues;
  throw new Misuse(`--schema: ${name}: ${fault?.path.map(String).join(".")}: ${fault?.message}.`);
}

const interval = optional(text("LENGTH"), "how often its devices should report, such as 15m");
const schemaFile = optional(file, "its schema as JSON: attributes, strict, onViolation, times (docs/telemetry.md)");
const onViolation = optional(oneOf(...violations), "what becomes of values that the schema does not let be");

const show = (product: Product, { print }: Tools): void =>
  print.thing(product, [
    ["id", product.id],
    ["name", product.name],
    ["attributes", Object.entries(product.attributes).map(written).join(" ")],
    ["undeclared attributes", product.strict ? "against the schema" : "accepted"],
    ["against the schema", product.onViolation === "mark" ? "kept with a mark" : "refused"],
    ["times", `up to ${product.times.past} old and ${product.times.future} ahead`],
    ["reports every", product.reportingInterval ?? ""],
    ["schema", `version ${product.schemaVersion}`],
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
      "on-violation": onViolation,
      "reporting-interval": interval,
      schema: schemaFile,
    },
    examples: [
      "product create --name Pump --attribute temperature:number:°C --attribute running:boolean --strict",
      "product create --name Pump --schema pump.json",
    ],
    async run({ name, attribute: declared, strict, schema, ...asked }, tools) {
      const { reportingInterval, ...given } = schema === undefined ? {} : schemaIn(schema);
      const attributes = { ...given.attributes, ...Object.fromEntries(declared) };
      const body = {
        ...given,
        name,
        attributes,
        strict: strict || given.strict,
        onViolation: asked["on-violation"] ?? given.onViolation,
        reportingInterval: asked["reporting-interval"] ?? reportingInterval ?? undefined,
      };
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
    summary: "Change a product's name or schema, or declare further attributes",
    arguments: one,
    flags: {
      name: optional(text("NAME"), "what it is called from now on"),
      attribute: any(attribute, "one more that its devices measure"),
      strict: onOff("refuse attributes that are not declared, from now on"),
      lenient: onOff("accept them, from now on"),
      "on-violation": onViolation,
      "reporting-interval": optional(
        text("LENGTH"),
        "how often its devices should report, such as 15m; none: when they like",
      ),
      schema: schemaFile,
    },
    async run({ name, attribute: declared, strict, lenient, schema, ...asked }, tools) {
      const { "on-violation": violated, "reporting-interval": every, ...params } = asked;
      if (strict && lenient) throw new Misuse("--strict and --lenient are each other's opposite.");
      const given = schema === undefined ? {} : schemaIn(schema);
      const client = await tools.client();
      // Attributes are replaced as a whole, so the others are read before; and nobody may change them in between.
      const old = declared.length > 0 ? await client.call(routes.readProduct, { params }) : undefined;
      const before = given.attributes ?? old?.attributes;
      const attributes = declared.length > 0 ? { ...before, ...Object.fromEntries(declared) } : given.attributes;
      const body = {
        ...given,
        name,
        attributes,
        strict: strict || lenient ? strict : given.strict,
        onViolation: violated ?? given.onViolation,
        reportingInterval: every === "none" ? null : (every ?? given.reportingInterval),
      };
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
