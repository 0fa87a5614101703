import { Button, Group, Stack, Title } from "@mantine/core";
import { EntityId, Facts, Moment, save } from "../kit/index.ts";
import { words } from "../words/index.ts";

const own = words.held.issued;

/** A certificate that the organisation's own authority issued. */
export type Certificate = {
  readonly certificateAuthority: string;
  readonly serial: string;
  readonly certificate: string;
  readonly chain: string;
  readonly notAfter: string;
};

const pem = "application/x-pem-file";

/** It is no secret: it can be had again. */
export function IssuedCertificate({ certificate }: { readonly certificate: Certificate }) {
  const { certificateAuthority, serial, chain, notAfter } = certificate;
  return (
    <Stack gap="xs">
      <Title order={2} fz="lg">
        {own.made}
      </Title>
      <Facts
        facts={[
          [own.until, <Moment key="until" at={notAfter} exactly />],
          [own.serial, <EntityId key="serial" id={serial} />],
          [own.by, <EntityId key="by" id={certificateAuthority} />],
        ]}
      />
      <Group gap="xs">
        <Button onClick={() => save("key.crt", pem, certificate.certificate)}>{own.take}</Button>
        <Button variant="default" onClick={() => save(`${certificateAuthority}.pem`, pem, chain)}>
          {own.takeAuthority}
        </Button>
      </Group>
    </Stack>
  );
}
