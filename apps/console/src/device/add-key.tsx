import { Button, Group, Radio, Stack, Text, Textarea } from "@mantine/core";
import { useForm } from "@mantine/form";
import { routes } from "@holdfast/protocol";
import { apiFor, useAct } from "../api/index.ts";
import {
  ConditionFields,
  conditionsOf,
  csrFault,
  heldOf,
  hoursFault,
  KeyFields,
  MadeOnce,
  noBinding,
  noConditions,
  noRequest,
  pastedFault,
  requested,
  RequestFields,
  type AskedBinding,
  type AskedConditions,
  type AskedRequest,
  type MadeCredential,
} from "../held/index.ts";
import { OnceDialog, ProblemNotice } from "../kit/index.ts";
import { useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.held.key;
const kinds = ["device", "certificate", "issued", "socket"] as const;
type Asked = { kind: (typeof kinds)[number]; attributes: string } & AskedBinding & AskedRequest & AskedConditions;

/** Which key is asked about first. */
const bindings = { device: "none", certificate: "own", issued: "new", socket: "none" } as const;

/** A further key of a device: how it is to be held, and then the key itself, this once. */
export function AddKey({
  device,
  first = "device",
  opened,
  close,
}: {
  readonly device: string;
  /** What is offered before something else is chosen. */
  readonly first?: "device" | "issued";
  readonly opened: boolean;
  readonly close: () => void;
}) {
  const org = useOrg();
  const form = useForm<Asked>({
    initialValues: {
      ...noBinding,
      ...noRequest,
      ...noConditions,
      kind: first,
      bind: bindings[first],
      attributes: "",
    },
    validate: {
      hours: hoursFault,
      pasted: (pasted, asked) => (asked.kind === "issued" ? null : pastedFault(pasted, asked)),
      csr: csrFault,
    },
  });
  useKept(form, "key");
  const mint = useAct(async (asked: Asked): Promise<MadeCredential> => {
    const { kind } = asked;
    if (kind === "issued") return issue(org.id, device, asked);
    const { held, made: pair } = await heldOf(asked);
    const input = { params: { device }, body: { kind, ...held, ...(kind === "socket" && numbered(asked.attributes)) } };
    const { id, secret } = await apiFor(org.id).call(routes.mintDeviceKey, input);
    if (kind === "socket") return { id, kind, text: secret, isBound: false, pair };
    return { id, kind, text: secret && `${id}.${secret}`, isBound: held.publicKey !== undefined, pair };
  });
  const values = form.getValues();
  const leave = () => {
    mint.reset();
    form.reset();
    close();
  };
  return (
    <OnceDialog
      opened={opened}
      close={leave}
      title={own.title}
      size="xl"
      made={mint.data && <MadeOnce {...mint.data} />}
    >
      <form onSubmit={form.onSubmit((asked) => mint.mutate(asked))}>
        <Stack gap="md">
          <Radio.Group
            label={own.kind}
            {...form.getInputProps("kind")}
            onChange={(kind) => {
              const chosen = kinds.find((one) => one === kind) ?? "device";
              form.setValues({ kind: chosen, bind: bindings[chosen] });
            }}
          >
            <Stack gap="xs" mt={4}>
              {kinds.map((kind) => (
                <Radio key={kind} value={kind} label={own.kinds[kind]} />
              ))}
            </Stack>
          </Radio.Group>
          {values.kind === "socket" ? (
            <>
              <Text fz="sm">{own.socketHint}</Text>
              <Textarea
                label={own.attributes}
                description={own.attributesHint}
                autosize
                minRows={2}
                {...form.getInputProps("attributes")}
              />
            </>
          ) : values.kind === "issued" ? (
            <RequestFields of={(name) => form.getInputProps(name)} bind={values.bind} />
          ) : (
            <KeyFields
              of={(name) => form.getInputProps(name)}
              values={values}
              isPinned={values.kind === "certificate"}
            />
          )}
          <ConditionFields of={(name) => form.getInputProps(name)} isPublic={false} />
          {mint.error && <ProblemNotice error={mint.error} />}
          <Group>
            <Button type="submit" loading={mint.isPending}>
              {words.access.make}
            </Button>
          </Group>
        </Stack>
      </form>
    </OnceDialog>
  );
}

function numbered(lines: string): { readonly attributes?: string[] } {
  const attributes = lines
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return attributes.length > 0 ? { attributes } : {};
}

/** A certificate in place of a secret; of a key that is made here only the request is sent. */
async function issue(org: string, device: string, asked: Asked): Promise<MadeCredential> {
  const { asked: body, pem } = await requested(asked);
  const conditions = conditionsOf(asked);
  const certificate = await apiFor(org).call(routes.issueCertificate, {
    params: { device },
    body: { ...body, ...(conditions && { conditions }) },
  });
  const { id } = certificate;
  return {
    id,
    kind: "certificate",
    text: undefined,
    isBound: true,
    pair: pem === undefined ? undefined : { pem },
    certificate,
  };
}
