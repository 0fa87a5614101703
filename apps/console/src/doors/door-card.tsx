import { Group, Modal, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { Reply } from "@holdfast/client";
import { routes, type Door } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor, useAct } from "../api/index.ts";
import { Empty, Press, ProblemNotice, Scroll } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { DoorForm } from "./door-form.tsx";

const own = words.door;
type Whose = { readonly product: string } | { readonly device: string };
type Known = Reply<typeof routes.readProductDoor>;

/** What a product or a device demands of whoever comes, level by level, and the way to change it. */
export function DoorCard({ whose, why }: { readonly whose: Whose; readonly why?: string | undefined }) {
  const org = useOrg();
  const can = useCan();
  const [isOpen, form] = useDisclosure(false);
  const api = apiFor(org.id);
  const { data, error } = useQuery({
    queryKey: ["door", org.id, whose],
    queryFn: ({ signal }): Promise<Known> =>
      "product" in whose
        ? api.call(routes.readProductDoor, { params: whose, signal })
        : api.call(routes.readDeviceDoor, { params: whose, signal }),
  });
  const set = useAct(async (door: Door) => {
    const input = { params: whose, body: door, ifVersion: data?.version };
    await ("product" in whose
      ? api.call(routes.setProductDoor, { ...input, params: whose })
      : api.call(routes.setDeviceDoor, { ...input, params: whose }));
    form.close();
  });
  const needs = "product" in whose ? "product.setDoor" : "device.setDoor";
  const mayNot = why ?? (can(needs) ? undefined : words.common.notAllowed(needs));
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2} fz="lg">
          {own.title}
        </Title>
        <Press variant="default" why={mayNot} onClick={form.open}>
          {own.change}
        </Press>
      </Group>
      <Text fz="sm" c="var(--hf-dim)">
        {"product" in whose ? own.lead : own.leadOfDevice}
      </Text>
      {error && !data && <ProblemNotice error={error} />}
      {data && (data.clauses.length === 0 ? <Empty>{own.nothing}</Empty> : <Clauses clauses={data.clauses} />)}
      <Modal
        opened={isOpen}
        onClose={() => {
          set.reset();
          form.close();
        }}
        title={own.change}
        size="lg"
        closeButtonProps={{ "aria-label": words.common.close }}
      >
        {data && (
          <DoorForm
            key={data.version}
            of={"product" in whose ? whose.product : whose.device}
            door={data.door}
            set={set}
          />
        )}
      </Modal>
    </Stack>
  );
}

function Clauses({ clauses }: { readonly clauses: Known["clauses"] }) {
  return (
    <Scroll label={own.title}>
      <table className="hf-table">
        <caption className="hf-visually-hidden">{own.title}</caption>
        <thead>
          <tr>
            <th scope="col">{own.whose}</th>
            <th scope="col">{own.demands}</th>
          </tr>
        </thead>
        <tbody>
          {clauses.map(({ field, from, says }) => (
            <tr key={`${from} ${field} ${says}`}>
              <td title={from}>{from.startsWith("prd_") ? own.ofProduct : own.ofDevice}</td>
              <td style={{ whiteSpace: "normal" }}>{`${own.it} ${says}.`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
