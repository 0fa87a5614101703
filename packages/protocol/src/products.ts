import { z } from "zod";
import { isAttributeName } from "./attribute-name.ts";
import { cursor, id, limit, name, namedBy, noReply, pageOf, time, version } from "./shapes.ts";
import { route } from "./route.ts";

export const attributeName = z.string().min(1).max(128).refine(isAttributeName, "not a usable attribute name");
export const attributeType = z.enum(["number", "boolean", "text"]);

const attributes = namedBy(
  attributeName,
  z.strictObject({
    type: attributeType,
    unit: z
      .string()
      .max(32)
      .regex(/^[^\p{Cc}\p{Cs}]*$/u)
      .optional(),
  }),
).refine((a) => Object.keys(a).length <= 512, "at most 512 attributes");

const product = z.object({
  id: id("product"),
  name: z.string(),
  attributes,
  strict: z.boolean(),
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
  body: z.strictObject({ name, attributes: attributes.default({}), strict: z.boolean().default(false) }),
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
    "Changes a product's name, attributes or strictness. An attribute keeps its type for ever, also when it is dropped and comes back.",
  needs: "product.update",
  on,
  body: z.strictObject({ name: name.optional(), attributes: attributes.optional(), strict: z.boolean().optional() }),
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
