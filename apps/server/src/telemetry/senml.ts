import { instantOf, Refusal, type Instant } from "@holdfast/kernel";
import { mostReadings, refusalAt, valueOf, type Reading } from "./reading.ts";
import type { Value } from "./value.ts";

/**
 * SenML (RFC 8428): a pack of records becomes one reading per record, resolved (4.6) and in order. An attribute is called as the
 * record is: base name and name together. Units are passed over for now. A sum (`s`, `bs`) becomes an attribute of its own, `<name>.sum`.
 */

// RFC 8428, 4.3, table 4
const labels = new Map<number, string>([
  [-6, "bs"],
  [-5, "bv"],
  [-4, "bu"],
  [-3, "bt"],
  [-2, "bn"],
  [-1, "bver"],
  [0, "n"],
  [1, "u"],
  [2, "v"],
  [3, "vs"],
  [4, "vb"],
  [5, "s"],
  [6, "t"],
  [7, "ut"],
  [8, "vd"],
]);
const known = new Set(labels.values());

/** What an integer key of SenML's CBOR form stands for; section 6 defines no others, and says that unknown labels are passed over. */
export const senmlLabel = (label: number): string => labels.get(label) ?? `(${label})`;

/** 4.4: "systems reading one of the objects MUST check for the Version field"; 10 is the version of RFC 8428. */
const version = 10;

/** 4.5.3: below this many seconds a time is relative to now. */
const relativeBelow = 2 ** 28;

/** 4.5.1 */
const nameForm = /^[A-Za-z0-9][A-Za-z0-9\-:./_]*$/;

type SenmlRecord = { readonly [label: string]: unknown };

export function resolveSenml(pack: unknown, now: Instant): Reading[] {
  if (!Array.isArray(pack) || pack.length === 0) {
    throw new Refusal("telemetry.malformed", { detail: "A SenML pack is an array of records." });
  }
  if (pack.length > mostReadings) throw new Refusal("telemetry.tooMany");

  const base = { name: "", time: 0, value: undefined as number | undefined, sum: undefined as number | undefined };
  return pack.map((record: unknown, index): Reading => {
    if (!isRecord(record)) throw new Refusal("telemetry.malformed", { detail: `Record ${index + 1} is no object.` });
    checkFields(record, index);
    base.name = text(record, "bn", index) ?? base.name;
    base.time = number(record, "bt", index) ?? base.time;
    base.value = number(record, "bv", index) ?? base.value;
    base.sum = number(record, "bs", index) ?? base.sum;

    const name = base.name + (text(record, "n", index) ?? "");
    if (!nameForm.test(name)) {
      const message = "a SenML name begins with a letter or digit, then has letters, digits and - : . / _ only.";
      throw refusalAt("telemetry.attributeName", { attribute: name, reading: index }, message);
    }

    const values: [string, Value][] = [];
    const value = measured(record, base.value, name, index);
    if (value !== undefined) values.push([name, value]);
    const sum = number(record, "s", index);
    if (sum !== undefined || base.sum !== undefined) values.push([`${name}.sum`, (sum ?? 0) + (base.sum ?? 0)]);
    if (values.length === 0)
      throw refusalAt("telemetry.malformed", { attribute: name, reading: index }, "has no value.");
    for (const [attribute, resolved] of values) valueOf(attribute, resolved, index);

    return { time: timeOf(base.time + (number(record, "t", index) ?? 0), now, index), values };
  });
}

/** 4.4: fields that nobody knows are passed over, unless their label ends with `_`. */
function checkFields(record: SenmlRecord, index: number): void {
  for (const label in record) {
    if (label.endsWith("_") && !known.has(label)) {
      const message = "the record demands that this field is understood, and it is not.";
      throw refusalAt("telemetry.malformed", { attribute: label, reading: index }, message);
    }
  }
  const claimed = number(record, "bver", index);
  if (claimed !== undefined && !(Number.isInteger(claimed) && claimed > 0 && claimed <= version)) {
    throw refusalAt(
      "telemetry.malformed",
      { attribute: "bver", reading: index },
      `versions up to ${version} are read.`,
    );
  }
}

/** 4.2: exactly one value, or none beside a sum; 4.5.4: base value and value are added, and a missing one is zero. */
function measured(record: SenmlRecord, base: number | undefined, name: string, index: number): Value | undefined {
  const place = { attribute: name, reading: index };
  if (Object.hasOwn(record, "vd")) throw refusalAt("telemetry.wrongType", place, "binary data (vd) is not kept here.");
  const present = ["v", "vs", "vb"].filter((label) => Object.hasOwn(record, label));
  if (present.length > 1)
    throw refusalAt("telemetry.malformed", place, `has ${present.join(" and ")}; one value is allowed.`);
  switch (present[0]) {
    case "v":
      return (number(record, "v", index, name) ?? 0) + (base ?? 0);
    case "vs":
      return text(record, "vs", index, name);
    case "vb":
      if (typeof record["vb"] === "boolean") return record["vb"];
      throw refusalAt("telemetry.wrongType", place, "vb is not a boolean.");
    default:
      return base;
  }
}

function timeOf(seconds: number, now: Instant, index: number): Instant | undefined {
  if (seconds === 0) return undefined; // 4.5.3: roughly now, which the platform knows best
  const milliseconds = seconds < relativeBelow ? now + seconds * 1_000 : seconds * 1_000;
  // rounded, because a double of seconds is a little beside the millisecond that was meant
  const instant = instantOf(Math.round(milliseconds));
  if (instant !== undefined) return instant;
  throw refusalAt("telemetry.absurdTime", { attribute: "t", reading: index }, "no date is that far away.");
}

const isRecord = (record: unknown): record is SenmlRecord =>
  typeof record === "object" && record !== null && !Array.isArray(record);

function number(record: SenmlRecord, label: string, index: number, name: string = label): number | undefined {
  if (!Object.hasOwn(record, label)) return undefined;
  const value = record[label];
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw refusalAt("telemetry.wrongType", { attribute: name, reading: index }, `${label} is not a finite number.`);
}

function text(record: SenmlRecord, label: string, index: number, name: string = label): string | undefined {
  if (!Object.hasOwn(record, label)) return undefined;
  const value = record[label];
  if (typeof value === "string") return value;
  throw refusalAt("telemetry.wrongType", { attribute: name, reading: index }, `${label} is not a text.`);
}
