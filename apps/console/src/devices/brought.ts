import { ApiProblem, type Client } from "@holdfast/client";
import { faultOfSecret, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { words } from "../words/index.ts";
import { isAlias, type Planned } from "./import.ts";

const own = words.devices.adding;
type Code = keyof typeof own.bringFaults;

const sentence = (code: Code, detail: string | undefined): string =>
  [own.bringFaults[code], ...(detail === undefined ? [] : [detail])].join(" ");

/** What is wrong with a secret that a device is to bring, as far as it can be told from here; nothing where the platform makes one. */
export function broughtFault(secret: string, name: string): string | null {
  const fault = secret === "" ? undefined : faultOfSecret(secret, [name]);
  return fault ? sentence(fault.code, fault.detail) : null;
}

/** What the platform said no to, where that is the secret. */
export const isOfSecret = (error: unknown): error is ApiProblem =>
  error instanceof ApiProblem && Object.hasOwn(own.bringFaults, error.code);

const atOnce = 1_000;
/** One that is longer is refused as one of this length is. */
const longest = 256;

/** What the platform finds wrong with the secrets in a file stands beside what is wrong with its rows; none is made. */
export async function withSecretsChecked(
  rows: readonly Planned[],
  application: Id<"application">,
  api: Client,
): Promise<readonly Planned[]> {
  const bringing = rows.flatMap(({ row, name, alias, secret }) =>
    secret === undefined ? [] : [{ row, name, alias, secret }],
  );
  const faults = new Map<number, string>();
  for (let from = 0; from < bringing.length; from += atOnce) {
    const some = bringing.slice(from, from + atOnce);
    const secrets = some.map(({ secret, name, alias }) => ({
      secret: secret.slice(0, longest),
      // As far as the platform takes them: what is wrong with the rest has been said.
      ...(name !== "" && name.length <= 200 && { name }),
      ...(alias !== undefined && isAlias(alias) && { alias }),
    }));
    const { items } = await api.call(routes.checkSecrets, { params: { application }, body: { secrets } });
    for (const [at, { row }] of some.entries()) {
      const { code, detail } = items[at] ?? {};
      if (code !== undefined) faults.set(row, sentence(code, detail));
    }
  }
  return rows.map((one) => {
    const fault = faults.get(one.row);
    return fault === undefined ? one : { ...one, errors: [...one.errors, fault] };
  });
}
