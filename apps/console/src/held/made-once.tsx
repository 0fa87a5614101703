import { Button, Group, Stack, Text } from "@mantine/core";
import { save, SecretOnce } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { IssuedCertificate, type Certificate } from "./issued-certificate.tsx";
import { KeyUse } from "./key-use.tsx";
import type { NewKey } from "./new-key.ts";

const own = words.held;

/** A credential that was made this moment: its secret, the key that was made for it, and how both are used. */
export type MadeCredential = {
  readonly id: string;
  readonly kind: string;
  /** As it is shown; none where a key alone opens. */
  readonly text: string | undefined;
  readonly isBound: boolean;
  readonly pair: (Pick<NewKey, "pem"> & Partial<NewKey>) | undefined;
  /** One that was issued with it. */
  readonly certificate?: Certificate | undefined;
};

export function MadeOnce({ id, kind, text, isBound, pair, certificate }: MadeCredential) {
  return (
    <Stack gap="lg">
      {text !== undefined && <SecretOnce label={words.access.secretLabel} secret={text} file={`${id}.txt`} />}
      {pair && <PrivateKeyOnce made={pair} />}
      {certificate && <IssuedCertificate certificate={certificate} />}
      {isBound && <KeyUse credential={{ id, kind, text, isIssued: certificate !== undefined }} />}
    </Stack>
  );
}

/** Not shown, so that nobody reads it from a screen: it is a file, of this page alone. */
function PrivateKeyOnce({ made: { pem, jwk } }: { readonly made: NonNullable<MadeCredential["pair"]> }) {
  return (
    <Stack gap="xs">
      <Text fz="sm" fw={600}>
        {own.privateKey}
      </Text>
      <Group gap="xs">
        <Button onClick={() => save("key.pem", "application/x-pem-file", pem)}>{own.takePem}</Button>
        {jwk !== undefined && (
          <Button variant="default" onClick={() => save("key.jwk", "application/json", jwk)}>
            {own.takeJwk}
          </Button>
        )}
      </Group>
      <Text fz="sm" c="var(--hf-warn)">
        {own.privateKeyHint}
      </Text>
    </Stack>
  );
}
