import { Group, Modal, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { apiFor } from "../api/index.ts";
import { Empty, Moment, paths, Press, RowPress, ProblemNotice, Scroll, StateMark } from "../kit/index.ts";
import { useRevoking } from "../revoking/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { AddManufacturer } from "./add-manufacturer.tsx";

const own = words.manufacturers;

/** Manufacturers whose devices enrol as this product, and the way to add one and to end one. */
export function Manufacturers({ product }: { readonly product: Id<"product"> }) {
  const org = useOrg();
  const can = useCan();
  const revoking = useRevoking();
  const [isOpen, form] = useDisclosure(false);
  const { data, error } = useQuery({
    queryKey: ["manufacturers", org.id, product],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listManufacturers, { query: { product }, signal }),
    enabled: can("credential.read"),
  });
  if (!can("credential.read")) return null;
  const why = can("accessKey.create") ? undefined : words.common.notAllowed("accessKey.create");
  const whyNotRevoke = can("credential.revoke") ? undefined : words.common.notAllowed("credential.revoke");
  return (
    <Stack gap="sm" maw={880}>
      <Group justify="space-between">
        <Title order={2} fz="lg">
          {own.title}
        </Title>
        <Press variant="default" why={why} onClick={form.open}>
          {own.add}
        </Press>
      </Group>
      <Text fz="sm" c="var(--hf-dim)">
        {own.lead}
      </Text>
      {revoking.notice}
      {error && !data && <ProblemNotice error={error} />}
      {data?.items.length === 0 && <Empty>{own.none}</Empty>}
      {data && data.items.length > 0 && (
        <Scroll label={own.title}>
          <table className="hf-table">
            <caption className="hf-visually-hidden">{own.title}</caption>
            <thead>
              <tr>
                <th scope="col">{own.name}</th>
                <th scope="col">{words.common.state}</th>
                <th scope="col">{own.enrolled}</th>
                <th scope="col">{own.authority}</th>
                <th scope="col">{own.ends}</th>
                <th scope="col">{words.revoking.revoke}</th>
              </tr>
            </thead>
            <tbody>
              {data.items.map(({ id, name, state, enrolled, most, subject, sha256, notAfter }) => (
                <tr key={id}>
                  <td>
                    <Link to={paths.credential} params={{ org: org.id, credential: id }}>
                      {name}
                    </Link>
                  </td>
                  <td>
                    <StateMark state={state} />
                  </td>
                  <td>{own.ofMost(enrolled, most)}</td>
                  <td title={sha256}>{subject}</td>
                  <td>
                    <Moment at={notAfter} exactly />
                  </td>
                  <td>
                    <RowPress
                      ends
                      aria-label={`${words.revoking.revoke} ${name}`}
                      why={state === "active" ? whyNotRevoke : words.access.isOver}
                      onClick={() => revoking.ask({ credential: id, name })}
                    >
                      {words.revoking.revoke}
                    </RowPress>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {revoking.dialog}
      <Modal
        opened={isOpen}
        onClose={form.close}
        title={own.add}
        size="lg"
        closeButtonProps={{ "aria-label": words.common.close }}
      >
        <AddManufacturer product={product} done={form.close} />
      </Modal>
    </Stack>
  );
}
