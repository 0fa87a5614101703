import type { Role } from "@holdfast/protocol";
import type { Provider } from "./use-providers.ts";

/** A provider as it is typed. */
export type Typed = {
  name: string;
  issuer: string;
  clientId: string;
  clientSecret: string;
  scopes: string;
  shortName: string;
  joins: Role | "";
  claim: string;
  map: { value: string; role: Role }[];
  amr: string;
  acr: string;
};

export const typedOf = (provider: Provider | undefined): Typed => ({
  name: provider?.name ?? "",
  issuer: provider?.issuer ?? "",
  clientId: provider?.clientId ?? "",
  clientSecret: "",
  scopes: (provider?.scopes ?? ["email", "profile"]).join(" "),
  shortName: provider?.shortName ?? "",
  joins: provider?.joins ?? "",
  claim: provider?.roles?.claim ?? "",
  map: [...(provider?.roles?.map ?? [])],
  amr: (provider?.secondFactor?.amr ?? []).join(" "),
  acr: (provider?.secondFactor?.acr ?? []).join(" "),
});

const wordsIn = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");

/** What is sent of it: for a new one what was typed, for a change also what is to be taken away. */
export function writtenOf({ name, issuer, clientId, scopes, shortName, joins, claim, map, amr, acr }: Typed) {
  const always = { name, issuer: issuer.trim(), clientId: clientId.trim(), scopes: wordsIn(scopes) };
  const rows = map.map(({ value, role }) => ({ value: value.trim(), role })).filter(({ value }) => value !== "");
  const [byAmr, byAcr] = [wordsIn(amr), wordsIn(acr)];
  const hasFactor = byAmr.length + byAcr.length > 0;
  const optional = {
    shortName: shortName.trim() === "" ? null : shortName.trim().toLowerCase(),
    joins: joins === "" ? null : joins,
    roles: claim.trim() === "" || rows.length === 0 ? null : { claim: claim.trim(), map: rows },
    secondFactor: hasFactor
      ? { ...(byAmr.length > 0 && { amr: byAmr }), ...(byAcr.length > 0 && { acr: byAcr }) }
      : null,
  };
  const { shortName: called, joins: as, roles, secondFactor } = optional;
  return {
    changed: { ...always, ...optional },
    made: {
      ...always,
      ...(called !== null && { shortName: called }),
      ...(as !== null && { joins: as }),
      ...(roles && { roles }),
      ...(secondFactor && { secondFactor }),
    },
  };
}
