export { Catalogue } from "./catalogue.ts";
export { thingsIn } from "./postgres.ts";
export { Registry } from "./registry.ts";
