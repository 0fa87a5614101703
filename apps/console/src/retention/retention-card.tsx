import { Group, Modal, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";
import { Press, ProblemNotice, Scroll } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { RetentionForm } from "./retention-form.tsx";

const own = words.retention;

/** A product, or with nothing the organisation. */
export type Whose = { readonly product?: string };
export type Rule = Reply<typeof routes.readProductRetention>;

/** How long an organisation or a product keeps readings, and the way to change it. */
export function RetentionCard({ whose }: { readonly whose: Whose }) {
  const org = useOrg();
  const can = useCan();
  const [isOpen, form] = useDisclosure(false);
  const { product } = whose;
  const { data, error } = useQuery({
    queryKey: ["retention", org.id, product],
    queryFn: ({ signal }): Promise<Rule> =>
      product === undefined
        ? apiFor(org.id).call(routes.readOrgRetention, { signal })
        : apiFor(org.id).call(routes.readProductRetention, { params: { product }, signal }),
  });
  const needs = product === undefined ? "org.update" : "product.update";
  const why = can(needs) ? undefined : words.common.notAllowed(needs);
  return (
    <Stack gap="sm" maw={640}>
      <Group justify="space-between">
        <Title order={2} fz="lg">
          {own.title}
        </Title>
        <Press variant="default" why={why} onClick={form.open}>
          {own.change}
        </Press>
      </Group>
      <Text fz="sm" c="var(--hf-dim)">
        {product === undefined ? own.lead : own.leadOfProduct}
      </Text>
      {error && !data && <ProblemNotice error={error} />}
      {data && <Kept rule={data} />}
      <Modal
        opened={isOpen}
        onClose={form.close}
        title={own.change}
        closeButtonProps={{ "aria-label": words.common.close }}
      >
        {data && <RetentionForm whose={whose} rule={data} done={form.close} />}
      </Modal>
    </Stack>
  );
}

function Kept({ rule }: { readonly rule: Rule }) {
  return (
    <Scroll label={own.title}>
      <table className="hf-table">
        <caption className="hf-visually-hidden">{own.title}</caption>
        <thead>
          <tr>
            <th scope="col">{own.attribute}</th>
            <th scope="col">{own.kept}</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <td>{own.all}</td>
            <td>{own.inWords(rule.keep)}</td>
          </tr>
          {Object.entries(rule.attributes ?? {}).map(([name, keep]) => (
            <tr key={name}>
              <td>{name}</td>
              <td>{own.inWords(keep)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
