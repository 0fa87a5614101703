import { z } from "zod";
import { isAttributeName } from "./attribute-name.ts";
import { cursor, duration, id, limit, name, namedBy, noReply, pageOf, time, version } from "./shapes.ts";
import { route } from "./route.ts";

export const attributeName = z.string().min(1).max(128).refine(isAttributeName, "not a usable attribute name");
export const attributeType = z.enum(["number", "boolean", "text", "location", "json"]);
export type AttributeType = z.infer<typeof attributeType>;

const finite = z.number().describe("A finite number.");
const attribute = z
  .strictObject({
    type: attributeType,
    unit: z
      .string()
      .max(32)
      .regex(/^[^\p{Cc}\p{Cs}]*$/u)
      .optional(),
    min: finite.optional().describe("Of numbers: the least that it may be."),
    max: finite.optional().describe("Of numbers: the greatest that it may be."),
    values: z
      .array(z.union([finite, z.string().max(256)]))
      .min(1)
      .max(64)
      .optional()
      .describe("Of numbers and texts: all that it may be."),
  })
  .superRefine(({ type, min, max, values }, context) => {
    const fault = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (type !== "number" && min !== undefined) fault("min", "only a number has one");
    if (type !== "number" && max !== undefined) fault("max", "only a number has one");
    if (min !== undefined && max !== undefined && min > max) fault("max", "less than min");
    if (values === undefined) return;
    const wanted = type === "number" ? "number" : type === "text" ? "string" : undefined;
    if (wanted === undefined) return fault("values", "only numbers and texts are listed");
    if (values.some((value) => typeof value !== wanted)) fault("values", `not all of them are a ${type}`);
    if (new Set(values).size < values.length) fault("values", "one of them stands there twice");
    const isOutside = (value: unknown) =>
      typeof value === "number" && (value < (min ?? value) || value > (max ?? value));
    if (values.some(isOutside)) fault("values", "one of them is not between min and max");
  });

const attributes = namedBy(attributeName, attribute).refine(
  (a) => Object.keys(a).length <= 512,
  "at most 512 attributes",
);

const longest = { past: 3_660 * 86_400_000, future: 366 * 86_400_000 } as const;
const longestInterval = 31 * 86_400_000;
const distance = (most: number) =>
  z.string().refine(
    (text) => {
      const length = duration.safeParse(text);
      return length.success && length.data <= most;
    },
    `not a length of time such as 90d, 24h, 15m, 30s, of at most ${most / 86_400_000}d`,
  );

/** Of a length of time that a product has. */
export const millisecondsOf = (length: string): number => duration.parse(length);

/** How far a device's own time may be from the platform's. Lengths of time as text, so that what was read can be written. */
const times = z.strictObject({
  past: distance(longest.past).optional().describe("How old a reading may be. Without it 360d."),
  future: distance(longest.future).optional().describe("How far ahead of the platform's clock. Without it 10m."),
});

export const violations = ["refuse", "mark"] as const;
export type Violations = (typeof violations)[number];
const onViolation = z
  .enum(violations)
  .describe(
    "What becomes of a message with a value out of its range, or none of those that are listed, or not declared where the product is strict: it is refused as a whole, or kept with a mark.",
  );

/** As text, so that what was read can be written. */
export const reportingInterval = distance(longestInterval).describe(
  "`30s`, `15m`, `24h`: how often a device should report. Two intervals without a reading, and it is silent.",
);

const product = z.object({
  id: id("product"),
  name: z.string(),
  attributes,
  strict: z.boolean(),
  onViolation,
  times,
  reportingInterval: reportingInterval.optional(),
  schemaVersion: z
    .number()
    .int()
    .describe("Grows with each change of the attributes, the strictness, the times, or what becomes of violations."),
  createdAt: time,
  version,
});
const on = { path: "product" } as const;

export const createProduct = route({
  method: "POST",
  path: "/v1/products",
  summary: "Makes a product: a class of devices and the attributes that they measure.",
  needs: "product.create",
  on: "own",
  body: z.strictObject({
    name,
    attributes: attributes.default({}),
    strict: z.boolean().default(false),
    onViolation: onViolation.default("refuse"),
    times: times.default({}),
    reportingInterval: reportingInterval.optional(),
  }),
  reply: product,
  status: 201,
  location: "/v1/products/{id}",
  versioned: true,
});

export const listProducts = route({
  method: "GET",
  path: "/v1/products",
  summary: "The products that the caller may read, oldest first.",
  needs: "product.read",
  on: "reach",
  query: z.strictObject({ limit, cursor }),
  reply: pageOf(product),
});

export const readProduct = route({
  method: "GET",
  path: "/v1/products/{product}",
  summary: "One product.",
  needs: "product.read",
  on,
  reply: product,
  versioned: true,
});

export const updateProduct = route({
  method: "PATCH",
  path: "/v1/products/{product}",
  summary:
    "Changes a product's name, or its schema: attributes (as a whole), strictness, what becomes of violations, times. An attribute keeps its type for ever, also when it is dropped and comes back.",
  needs: "product.update",
  on,
  body: z.strictObject({
    name: name.optional(),
    attributes: attributes.optional(),
    strict: z.boolean().optional(),
    onViolation: onViolation.optional(),
    times: times.optional(),
    reportingInterval: reportingInterval.nullable().optional().describe("`null`: its devices report when they like."),
  }),
  reply: product,
  versioned: true,
});

export const deleteProduct = route({
  method: "DELETE",
  path: "/v1/products/{product}",
  summary: "Ends a product that no device has.",
  needs: "product.delete",
  on,
  reply: noReply,
  versioned: true,
});
