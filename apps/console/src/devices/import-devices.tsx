import { Alert, FileInput, Group, NativeSelect, Progress, Stack, Text } from "@mantine/core";
import { parseId } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor, queryClient } from "../api/index.ts";
import { columnsOf, DataTable, Page, Press, save, told } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { formatCsv } from "./csv.ts";
import { mostRows, plan, type Planned } from "./import.ts";

const own = words.devices.import;

type Made = {
  readonly row: number;
  readonly id: string;
  readonly key: { readonly id: string; readonly secret: string };
};

/** Devices from a file: first what would happen, then one after the other, then their keys to take away. */
export function ImportDevices() {
  const org = useOrg();
  const [planned, setPlanned] = useState<readonly Planned[] | undefined>(undefined);
  const [error, setError] = useState<string | undefined>(undefined);
  const [application, setApplication] = useState("");
  const [made, setMade] = useState<ReadonlyMap<number, Made>>(new Map());
  const [refused, setRefused] = useState<ReadonlyMap<number, string>>(new Map());
  const [isRunning, setRunning] = useState(false);
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

  const read = async (file: File | null) => {
    setPlanned(undefined);
    setError(undefined);
    setMade(new Map());
    setRefused(new Map());
    if (!file) return;
    try {
      const found = plan(await file.text(), products.items);
      if (!found) setError(own.noName);
      else if (found.length > mostRows) setError(own.tooMany(mostRows));
      else setPlanned(found);
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    }
  };

  const go = async () => {
    setRunning(true);
    const queue = good.filter(({ row }) => !made.has(row));
    const worker = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const { row, name, alias, product, tags } = next;
        const body = {
          application: parseId("application", into),
          name,
          tags,
          ...(alias !== undefined && { alias }),
          ...(product !== undefined && { product: parseId("product", product) }),
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
            // A file that is chosen while another is being brought in would take the keys of that one out of sight.
            disabled={isRunning}
            description={isRunning ? own.isRunning : undefined}
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
