import { Button, Group, Radio, Stack } from "@mantine/core";
import { useForm } from "@mantine/form";
import { routes } from "@holdfast/protocol";
import { apiFor, useAct } from "../api/index.ts";
import {
  ConditionFields,
  heldOf,
  hoursFault,
  KeyFields,
  MadeOnce,
  noBinding,
  noConditions,
  pastedFault,
  type AskedBinding,
  type AskedConditions,
  type MadeCredential,
} from "../held/index.ts";
import { OnceDialog, ProblemNotice } from "../kit/index.ts";
import { useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.held.key;
const kinds = ["device", "certificate"] as const;
type Asked = { kind: (typeof kinds)[number] } & AskedBinding & AskedConditions;

/** A further key of a device: how it is to be held, and then the key itself, this once. */
export function AddKey({
  device,
  opened,
  close,
}: {
  readonly device: string;
  readonly opened: boolean;
  readonly close: () => void;
}) {
  const org = useOrg();
  const form = useForm<Asked>({
    initialValues: { kind: "device", ...noBinding, ...noConditions },
    validate: { hours: hoursFault, pasted: pastedFault },
  });
  useKept(form, "key");
  const mint = useAct(async (asked: Asked): Promise<MadeCredential> => {
    const { kind } = asked;
    const { held, made: pair } = await heldOf(asked);
    const input = { params: { device }, body: { kind, ...held } };
    const { id, secret } = await apiFor(org.id).call(routes.mintDeviceKey, input);
    return { id, kind, text: secret && `${id}.${secret}`, isBound: held.publicKey !== undefined, pair };
  });
  const values = form.getValues();
  const isPinned = values.kind === "certificate";
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
              const pinned = kind === "certificate";
              form.setValues({ kind: pinned ? "certificate" : "device", bind: pinned ? "own" : "none" });
            }}
          >
            <Stack gap="xs" mt={4}>
              {kinds.map((kind) => (
                <Radio key={kind} value={kind} label={own.kinds[kind]} />
              ))}
            </Stack>
          </Radio.Group>
          <KeyFields of={(name) => form.getInputProps(name)} values={values} isPinned={isPinned} />
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
