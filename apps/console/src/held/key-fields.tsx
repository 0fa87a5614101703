import { Fieldset, Radio, Stack, Text } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import { Facts } from "../kit/index.ts";
import { words } from "../words/index.ts";
import type { AskedBinding } from "./binding.ts";
import { PemArea } from "./pem-area.tsx";
import { fingerprintOf, readPublicKey, thumbprintOf } from "./public-key.ts";

const own = words.held;

/** To which key a new credential is to be bound: none, one that somebody has, or one that is made here. */
export function KeyFields({
  of,
  values: { bind, pasted },
  isPinned = false,
}: {
  readonly of: (name: keyof AskedBinding) => ReturnType<UseFormReturnType<AskedBinding>["getInputProps"]>;
  readonly values: AskedBinding;
  /** The key alone opens: there has to be one. */
  readonly isPinned?: boolean;
}) {
  return (
    <Fieldset legend={isPinned ? own.pinned : own.bound}>
      <Stack gap="xs">
        <Radio.Group label={own.whichKey} description={isPinned ? own.pinnedHint : own.boundHint} {...of("bind")}>
          <Stack gap="xs" mt="xs">
            {!isPinned && <Radio value="none" label={own.binds.none} />}
            <Radio value="own" label={own.binds.own} />
            <Radio value="new" label={own.binds.new} description={own.newHint} />
          </Stack>
        </Radio.Group>
        {bind === "own" && (
          <>
            <PemArea label={own.paste} description={own.pasteHint} {...of("pasted")} />
            <WhichKey pasted={pasted} />
          </>
        )}
      </Stack>
    </Fieldset>
  );
}

/** By what somebody can see that it is the right one, before anything is made. */
function WhichKey({ pasted }: { readonly pasted: string }) {
  const read = readPublicKey(pasted);
  const known = "key" in read ? read : undefined;
  const { data } = useQuery({
    queryKey: ["which-key", pasted],
    queryFn: async () =>
      known && {
        thumbprint: await thumbprintOf(known.key),
        fingerprint: known.certificate && (await fingerprintOf(known.certificate)),
      },
    enabled: known !== undefined,
  });
  if (!known || !data) return null;
  return (
    <div aria-live="polite">
      <Facts
        facts={[
          [own.kindOfKey, known.key.crv],
          [own.thumbprint, <code key="thumbprint">{data.thumbprint}</code>],
          ...(data.fingerprint === undefined
            ? []
            : ([[own.fingerprint, <code key="fingerprint">{data.fingerprint}</code>]] as const)),
        ]}
      />
      {known.certificate && <Text fz="sm">{own.certificateHint}</Text>}
    </div>
  );
}
