import { Refusal, type Fault, type Id, type Instant } from "@holdfast/kernel";
import { millisecondsOf, type AttributeType, type Door, type Violations } from "@holdfast/protocol";
import { levelOf, type Bounds, type Schema } from "../authority/index.ts";

export type Attribute = {
  readonly type: AttributeType;
  readonly unit?: string | undefined;
  /** Of numbers: what they may be. */
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** Of numbers and texts: all that they may be. */
  readonly values?: readonly (number | string)[] | undefined;
};

/** How far a device's own time may be from the platform's, as somebody wrote it: `90d`. */
export type Times = { readonly past?: string | undefined; readonly future?: string | undefined };

/** What a device kept while it had no connection may be old; a clock that is a year off is one that was never set. */
export const usualTimes = { past: "360d", future: "10m" } as const satisfies Times;

/** A class of devices: what they measure, and whether they may measure anything else. */
export type Product = {
  readonly id: Id<"product">;
  readonly name: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** The types of attributes that it declared once: each can come back, as what it was. */
  readonly former: Readonly<Record<string, AttributeType>>;
  /** There may be no attribute that is not declared. */
  readonly strict: boolean;
  /** What becomes of values that the schema does not let be; without it they are refused. */
  readonly onViolation?: Violations | undefined;
  readonly times?: Times | undefined;
  /** How often attributes, strictness, violations or times were set. */
  readonly schemaVersion: number;
  /** What it demands of whoever comes to its devices. */
  readonly door?: Door | undefined;
  /** How often its devices should report, as somebody wrote it: `15m`. */
  readonly reportingInterval?: string | undefined;
  readonly createdAt: Instant;
  readonly version: number;
};

export function schemaOf({ id, attributes, strict, onViolation, times, door, reportingInterval }: Product): Schema {
  const bounds = boundsOf(attributes);
  return {
    strict,
    door: levelOf(id, door),
    reportsEvery: reportingInterval === undefined ? undefined : millisecondsOf(reportingInterval),
    types: new Map(typesOf({ attributes })),
    bounds: bounds.size > 0 ? bounds : undefined,
    marks: onViolation === "mark",
    times: times && {
      past: millisecondsOf(times.past ?? usualTimes.past),
      future: millisecondsOf(times.future ?? usualTimes.future),
    },
  };
}

const boundsOf = (attributes: Product["attributes"]): ReadonlyMap<string, Bounds> =>
  new Map(
    Object.entries(attributes).flatMap(([name, { min, max, values }]) =>
      min === undefined && max === undefined && values === undefined
        ? []
        : [[name, { min, max, values: values && new Set(values) }] as const],
    ),
  );

/** What it demands from now on; nothing when there is none. */
export function withDoor({ door: _before, ...rest }: Product, door: Door | undefined): Product {
  return { ...rest, ...(door && { door }), version: rest.version + 1 };
}

export type ProductChange = {
  readonly name?: string | undefined;
  readonly attributes?: Readonly<Record<string, Attribute>> | undefined;
  readonly strict?: boolean | undefined;
  readonly onViolation?: Violations | undefined;
  readonly times?: Times | undefined;
  readonly reportingInterval?: string | null | undefined;
};

/** How many names a product declares in its life, those included that it has dropped: it remembers the type of each. */
const mostEver = 1_024;

/** An attribute may come and go but not change its type: what was stored as a number is read as one for ever. */
export function changeProduct(product: Product, wanted: ProductChange): Product {
  const attributes = wanted.attributes ?? product.attributes;
  const types = new Map([...Object.entries(product.former), ...typesOf(product)]);
  const faults: Fault[] = [];
  for (const [name, type] of typesOf({ attributes })) {
    const before = types.get(name);
    if (before && before !== type) {
      faults.push({ path: `attributes.${name}`, message: `is a ${before}, and stays one: declare another name` });
    }
    types.set(name, before ?? type);
  }
  if (types.size > mostEver) {
    faults.push({ path: "attributes", message: `at most ${mostEver} in a product's life: make another product` });
  }
  if (faults.length > 0) throw new Refusal("request.malformed", { faults });
  const { name, strict, onViolation, times, reportingInterval: interval, ...rest } = product;
  const reportingInterval = wanted.reportingInterval === undefined ? interval : (wanted.reportingInterval ?? undefined);
  const changed: Product = {
    ...rest,
    ...(reportingInterval !== undefined && { reportingInterval }),
    name: wanted.name ?? name,
    attributes,
    former: Object.fromEntries([...types].filter(([former]) => !Object.hasOwn(attributes, former))),
    strict: wanted.strict ?? strict,
    ...((wanted.onViolation ?? onViolation) && { onViolation: wanted.onViolation ?? onViolation }),
    ...((wanted.times ?? times) && { times: wanted.times ?? times }),
    version: product.version + 1,
  };
  return isAlike(schemaPartOf(product), schemaPartOf(changed))
    ? changed
    : { ...changed, schemaVersion: product.schemaVersion + 1 };
}

const schemaPartOf = ({ attributes, strict, onViolation = "refuse", times }: Product) => ({
  attributes,
  strict,
  onViolation,
  times: { ...usualTimes, ...times },
});
const isAlike = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Names that an entry of the audit log lists. */
const mostNames = 32;

/** What became another by a change, for the audit log; `undefined` where the schema is as it was. */
export function schemaChanges(before: Product, after: Product): Readonly<Record<string, unknown>> | undefined {
  if (before.schemaVersion === after.schemaVersion) return undefined;
  const [old, now] = [schemaPartOf(before), schemaPartOf(after)];
  const names = (all: Product["attributes"], isSo: (name: string) => boolean) => {
    const found = Object.keys(all).filter(isSo);
    return found.length > mostNames ? [...found.slice(0, mostNames), `and ${found.length - mostNames} more`] : found;
  };
  const declared = names(now.attributes, (name) => !Object.hasOwn(old.attributes, name));
  const dropped = names(old.attributes, (name) => !Object.hasOwn(now.attributes, name));
  const changed = names(
    now.attributes,
    (name) => Object.hasOwn(old.attributes, name) && !isAlike(old.attributes[name], now.attributes[name]),
  );
  return {
    version: after.schemaVersion,
    ...(declared.length > 0 && { declared }),
    ...(changed.length > 0 && { changed }),
    ...(dropped.length > 0 && { dropped }),
    ...(old.strict !== now.strict && { strict: now.strict }),
    ...(old.onViolation !== now.onViolation && { onViolation: now.onViolation }),
    ...(!isAlike(old.times, now.times) && { times: now.times }),
  };
}

/**
 * A device keeps the type of what it has measured, so a product that says otherwise would promise what is not so.
 * @throws Refusal `product.typesDiffer`, which names the attributes
 */
export function refuseOtherTypes(product: Product, measured: ReadonlyMap<string, AttributeType>): void {
  const faults: Fault[] = [];
  for (const [name, type] of typesOf(product)) {
    const kept = measured.get(name);
    if (kept && kept !== type) {
      faults.push({ path: `attributes.${name}`, message: `is a ${kept} on this device, and a ${type} in the product` });
    }
  }
  if (faults.length === 0) return;
  const names = faults.slice(0, 3).map(({ path }) => JSON.stringify(path.slice("attributes.".length)));
  throw new Refusal("product.typesDiffer", { detail: `It is about ${names.join(", ")}.`, faults: faults.slice(0, 16) });
}

const typesOf = ({ attributes }: Pick<Product, "attributes">): readonly (readonly [string, AttributeType])[] =>
  Object.entries(attributes).map(([name, { type }]) => [name, type]);
