import { Fieldset, NumberInput, Radio, Stack } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { newKeyAndRequest } from "@holdfast/client";
import { words } from "../words/index.ts";
import type { AskedBinding } from "./binding.ts";
import { PemArea } from "./pem-area.tsx";

const own = words.held.issued;

/** Of which key a certificate is to be issued, and for how long, as it is typed. */
export type AskedRequest = { csr: string; days: number | string };

export const noRequest: AskedRequest = { csr: "", days: 90 };

/** What the platform would say of anything else is that it is none. */
export const csrFault = (
  csr: string,
  { kind, bind }: { readonly kind: string } & Pick<AskedBinding, "bind">,
): string | null =>
  kind === "issued" && bind === "own" && !/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(csr) ? own.noCsr : null;

/** What is sent, and the private key where one was made for it, which is not. */
export async function requested({ bind, csr, days }: Pick<AskedBinding, "bind"> & AskedRequest) {
  const validFor = `${Number(days)}d`;
  if (bind === "own") return { asked: { csr, validFor }, pem: undefined };
  const made = await newKeyAndRequest();
  return { asked: { csr: made.csr, validFor }, pem: made.key };
}

export function RequestFields({
  of,
  bind,
}: {
  readonly of: (
    name: keyof AskedRequest | "bind",
  ) => ReturnType<UseFormReturnType<AskedRequest & Pick<AskedBinding, "bind">>["getInputProps"]>;
  readonly bind: AskedBinding["bind"];
}) {
  return (
    <Fieldset legend={own.legend}>
      <Stack gap="sm">
        <Radio.Group label={own.whichKey} description={own.hint} {...of("bind")}>
          <Stack gap="xs" mt="xs">
            <Radio value="own" label={own.binds.own} />
            <Radio value="new" label={own.binds.new} description={words.held.newHint} />
          </Stack>
        </Radio.Group>
        {bind === "own" && <PemArea label={own.csr} description={own.csrHint} {...of("csr")} />}
        <NumberInput label={own.days} required min={1} max={398} allowDecimal={false} maw={200} {...of("days")} />
      </Stack>
    </Fieldset>
  );
}
