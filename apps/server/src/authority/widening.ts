import type { CredentialId, Fault } from "@holdfast/kernel";
import { proofs, socketModes, tlsVersions, type Door, type Visitors } from "@holdfast/protocol";
import { beyond } from "./conditions.ts";
import type { Credential } from "./credential.ts";
import { inWordsOf, leastOf, listOf, namesAnybody } from "./door.ts";
import { formatNetwork, includes, networksOf } from "./network.ts";

type Known = (id: CredentialId) => Pick<Credential, "kind" | "person" | "parent"> | undefined;

/** What of the inner door could let in whom or what the outer one does not. What it leaves out, the outer one still demands. */
export function widens(outer: Door, inner: Door, known: Known): readonly Fault[] {
  const faults: Fault[] = [];
  const refuse = (path: string, message: string) => void faults.push({ path, message });
  for (const { path, message } of beyond(outer, inner)) refuse(path.replace(/^conditions\./, ""), message);
  const { tls, proof, size } = outer;
  if (tls && inner.tls && tlsVersions.indexOf(inner.tls) < tlsVersions.indexOf(tls)) refuse("tls", `at least ${tls}`);
  if (proof && inner.proof && proofs.indexOf(inner.proof) < proofs.indexOf(proof)) refuse("proof", `at least ${proof}`);
  const [wideMode, narrowMode] = [leastOf(outer), leastOf(inner)];
  if (wideMode && narrowMode && socketModes.indexOf(narrowMode) < socketModes.indexOf(wideMode))
    refuse("socket", `at least ${wideMode}`);
  if (size !== undefined && inner.size !== undefined && inner.size > size) refuse("size", `at most ${size}`);
  if (outer.writable && inner.writable) {
    const more = inner.writable.filter((name) => !outer.writable?.includes(name));
    if (more.length > 0) refuse("writable", `${more.join(", ")}: only ${listOf(outer.writable)}`);
  }
  if (outer.readable && inner.readable) {
    for (const [at, { attributes, by }] of inner.readable.entries()) {
      const more = attributes.filter((name) => !isShown(outer.readable ?? [], name, by, known));
      if (more.length > 0) refuse(`readable.${at}`, `${more.join(", ")}: not shown so by the product`);
    }
  }
  const [wide, narrow] = [outer.allow, inner.allow];
  if (wide?.addresses && narrow?.addresses) {
    const networks = networksOf(wide.addresses);
    for (const one of networksOf(narrow.addresses))
      if (!networks.some((network) => includes(network, one)))
        refuse("allow.addresses", `${formatNetwork(one)} is not in ${wide.addresses.join(" or ")}`);
  }
  if (wide && narrow && namesAnybody(wide) && namesAnybody(narrow)) {
    for (const [field, id] of beyondVisitors(wide, narrow, known))
      refuse(`allow.${field}`, `${id}: only ${inWordsOf(wide)}`);
  }
  return faults;
}

const isShown = (rules: NonNullable<Door["readable"]>, name: string, by: Visitors | undefined, known: Known): boolean =>
  rules.some(
    (rule) =>
      rule.attributes.includes(name) &&
      (!rule.by || (by !== undefined && beyondVisitors(rule.by, by, known).length === 0)),
  );

/** Who of the inner ones is none of the outer ones. */
function beyondVisitors(
  outer: Visitors,
  inner: Visitors,
  known: Known,
): readonly (readonly [keyof Visitors, string])[] {
  const { credentials = [], people = [], kinds = [] } = outer;
  const isWithin = (id: CredentialId): boolean => {
    if (credentials.includes(id)) return true;
    const one = known(id);
    if (!one) return false;
    return kinds.some((kind) => kind === one.kind) || (one.person !== undefined && people.includes(one.person));
  };
  return [
    ...(inner.credentials ?? []).filter((id) => !isWithin(id)).map((id) => ["credentials", id] as const),
    ...(inner.people ?? []).filter((id) => !people.includes(id)).map((id) => ["people", id] as const),
    ...(inner.kinds ?? []).filter((kind) => !kinds.includes(kind)).map((kind) => ["kinds", kind] as const),
  ];
}
