import { Alert, FileInput, Group, NativeSelect, Progress, Stack, Text } from "@mantine/core";
import { parseId } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor, everyPage, queryClient } from "../api/index.ts";
import { readPublicKey } from "../held/index.ts";
import { columnsOf, DataTable, Page, Press, save, told } from "../kit/index.ts";
import { keeping, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { withSecretsChecked } from "./brought.ts";
import { formatCsv } from "./csv.ts";
import { plan, type Planned } from "./import.ts";
import { LeavingKeys } from "./leaving-keys.tsx";

const own = words.devices.import;

type Made = {
  readonly row: number;
  readonly id: string;
  /** No secret where the device brought one. */
  readonly key: { readonly id: string; readonly secret: string };
};

/** In memory alone: there are secrets in it. */
const useKeptImport = keeping<{
  readonly planned: readonly Planned[];
  readonly application: string;
  readonly made: ReadonlyMap<number, Made>;
  readonly refused: ReadonlyMap<number, string>;
  readonly taken: ReadonlySet<number>;
}>(({ planned, made, taken }) => planned.some((one) => isKeyOurs(one) && made.has(one.row) && !taken.has(one.row)));

/** Whoever brought a key has it. */
const isKeyOurs = ({ publicKey, secret }: Planned): boolean => !publicKey && secret === undefined;

/** Devices from a file: first what would happen, then one after the other, then their keys to take away. */
export function ImportDevices() {
  const org = useOrg();
  const [planned, setPlanned] = useState<readonly Planned[] | undefined>(undefined);
  const [error, setError] = useState<string | undefined>(undefined);
  const [application, setApplication] = useState("");
  const [made, setMade] = useState<ReadonlyMap<number, Made>>(new Map());
  const [refused, setRefused] = useState<ReadonlyMap<number, string>>(new Map());
  /** The rows whose keys were downloaded. */
  const [taken, setTaken] = useState<ReadonlySet<number>>(new Set());
  const [isRunning, setRunning] = useState(false);
  const [isChecking, setChecking] = useState(false);
  const api = apiFor(org.id);
  const { data: applications } = useSuspenseQuery({
    queryKey: ["applications", org.id],
    queryFn: ({ signal }) => api.call(routes.listApplications, { query: { limit: 1_000 }, signal }),
  });
  // Their names stand in the file, so it is read when they are known.
  const { data: products } = useSuspenseQuery({
    queryKey: ["products-all", org.id],
    queryFn: ({ signal }) => api.call(routes.listProducts, { query: { limit: 1_000 }, signal }),
  });
  const into = application === "" ? (applications.items[0]?.id ?? "") : application;
  const good = planned?.filter(({ errors }) => errors.length === 0) ?? [];
  const wrong = (planned?.length ?? 0) - good.length;
  const whyNotGo = into === "" ? own.noApplication : good.length === made.size ? own.noneLeft : undefined;

  // Of what is on its way nobody else has the key either.
  const losing = good.filter(
    (one) => isKeyOurs(one) && !taken.has(one.row) && (made.has(one.row) || (isRunning && !refused.has(one.row))),
  ).length;
  const whyNotRead = isRunning ? own.isRunning : isChecking ? own.checking : losing > 0 ? own.takeFirst : undefined;
  useKeptImport(org.id, planned && { planned, application, made, refused, taken }, (left) => {
    setPlanned(left.planned);
    setApplication(left.application);
    setMade(left.made);
    setRefused(left.refused);
    setTaken(left.taken);
  });

  const read = async (file: File | null) => {
    setPlanned(undefined);
    setError(undefined);
    setMade(new Map());
    setRefused(new Map());
    setTaken(new Set());
    if (!file) return;
    setChecking(true);
    try {
      const aliases = await everyAlias(org.id);
      const found = plan(await file.text(), { products: products.items, aliases, keyOf: readPublicKey });
      if ("fault" in found) setError(found.fault);
      else setPlanned(into === "" ? found : await withSecretsChecked(found, parseId("application", into), api));
    } catch (failure) {
      setError(told(failure).sentence);
    } finally {
      setChecking(false);
    }
  };

  const go = async () => {
    setRunning(true);
    const queue = good.filter(({ row }) => !made.has(row));
    const worker = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const { row, name, alias, product, tags, publicKey, secret } = next;
        const body = {
          application: parseId("application", into),
          name,
          tags,
          ...(alias !== undefined && { alias }),
          ...(product !== undefined && { product: parseId("product", product) }),
          ...(publicKey && { publicKey }),
          ...(secret !== undefined && { secret }),
        };
        try {
          const { id, key } = await api.call(routes.createDevice, { body });
          setMade((before) => new Map(before).set(row, { row, id, key: { id: key.id, secret: key.secret ?? "" } }));
        } catch (failure) {
          setRefused((before) => new Map(before).set(row, told(failure).sentence));
        }
      }
    };
    await Promise.all(Array.from({ length: 6 }, worker));
    setRunning(false);
    await queryClient.invalidateQueries({ queryKey: ["devices", org.id] });
  };

  const takeKeys = () => {
    const rows = good.flatMap(({ row, name }) => {
      const one = made.get(row);
      return one ? [[name, one.id, one.key.id, one.key.secret]] : [];
    });
    save("device-keys.csv", "text/csv", formatCsv([["name", "device", "keyId", "secret"], ...rows]));
    setTaken(new Set(made.keys()));
  };

  const columns = columnsOf<Planned>([
    { id: "row", head: own.row, width: 60, cell: ({ row }) => row },
    { id: "name", head: words.common.name, width: 180, grows: true, cell: ({ name }) => name },
    {
      id: "tags",
      head: words.devices.tags,
      width: 180,
      grows: true,
      cell: ({ tags }) =>
        Object.entries(tags)
          .map((pair) => pair.join("="))
          .join(" "),
    },
    {
      id: "result",
      head: own.result,
      width: 420,
      grows: true,
      cell: ({ row, errors }) => (made.has(row) ? own.made : (refused.get(row) ?? (errors.join(" ") || own.ready))),
    },
  ]);
  return (
    <Page title={own.title} lead={own.lead}>
      <LeavingKeys devices={losing} />
      <Stack gap="md">
        <Group align="flex-end" gap="xs">
          <NativeSelect
            label={own.application}
            value={into}
            data={applications.items.map(({ id, name }) => ({ value: id, label: name }))}
            onChange={(event) => setApplication(event.currentTarget.value)}
          />
          <FileInput
            label={own.file}
            accept=".csv,text/csv"
            w={280}
            // Another file would take the keys of this one out of sight.
            disabled={whyNotRead !== undefined}
            description={whyNotRead}
            onChange={(file) => void read(file)}
          />
        </Group>
        {error !== undefined && (
          <Alert role="alert" color="red" variant="outline" c="var(--hf-text)">
            {error}
          </Alert>
        )}
        {planned && (
          <>
            <Text fz="sm" role="status">
              {own.wouldMake(good.length)} {wrong > 0 && own.wrongRows(wrong)}
            </Text>
            <Group gap="xs">
              <Press loading={isRunning} why={whyNotGo} onClick={() => void go()}>
                {own.go(good.length - made.size)}
              </Press>
              <Press
                variant="default"
                why={isRunning ? own.isRunning : made.size === 0 ? own.noneMade : undefined}
                onClick={takeKeys}
              >
                {own.secrets}
              </Press>
            </Group>
            {isRunning && <Progress value={(100 * (made.size + refused.size)) / good.length} aria-label={own.title} />}
            {made.size > 0 && (
              <Text fz="sm" c="var(--hf-warn)">
                {own.secretsHint}
              </Text>
            )}
            <DataTable
              label={own.title}
              rows={planned}
              columns={columns}
              idOf={({ row }) => String(row)}
              nameOf={({ name }) => name}
              height="50dvh"
            />
          </>
        )}
      </Stack>
    </Page>
  );
}

/** What no other device may be called. */
async function everyAlias(org: string): Promise<ReadonlySet<string>> {
  const all = await everyPage((cursor) => apiFor(org).call(routes.listDevices, { query: { cursor, limit: 1_000 } }));
  return new Set(all.flatMap(({ alias }) => (alias === undefined ? [] : [alias])));
}
