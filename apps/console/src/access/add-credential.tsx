import {
  Button,
  Checkbox,
  Code,
  Fieldset,
  Group,
  NativeSelect,
  Radio,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import type { Id } from "@holdfast/kernel";
import { presets, routes, type Action } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { Page, paths, ProblemNotice, Tick, useShown } from "../kit/index.ts";
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
import { useCan, useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { EnrolmentFields } from "./enrolment-fields.tsx";
import { grantsOf, madeAgain, scopeOf as scopeTyped, type Scope } from "./grants.ts";

const own = words.access;
const needs = {
  apiToken: "token.create",
  operator: "operatorKey.create",
  accessKey: "accessKey.create",
  trustedApplication: "accessKey.create",
  application: "accessKey.create",
  enrolment: "accessKey.create",
} as const;
type Kind = keyof typeof needs;
const kinds = Object.keys(needs) as Kind[]; // the keys of a constant

type Asked = {
  kind: Kind;
  name: string;
  lifetime: string;
  application: string;
  product: string;
  most: string;
  actions: Action[];
  scope: Scope["kind"];
  devices: string;
  tag: string;
} & AskedBinding &
  AskedConditions;

/** Makes a credential with exactly the grants wanted, and shows it once. */
export function AddCredential() {
  const org = useOrg();
  const can = useCan();
  const navigate = useNavigate();
  const [secret, setSecret] = useState<MadeCredential | undefined>(undefined);
  const { data: applications } = useQuery({
    queryKey: ["applications", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listApplications, { query: { limit: 1_000 }, signal }),
  });
  const form = useForm<Asked>({
    initialValues: {
      kind: kinds.find((kind) => can(needs[kind])) ?? "apiToken",
      name: "",
      lifetime: "90d",
      application: "",
      product: "",
      most: "",
      actions: [],
      scope: "all",
      devices: "",
      tag: "",
      ...noBinding,
      ...noConditions,
    },
    validate: {
      actions: (ticked, { kind }) => (ticked.length === 0 && hasGrants(kind) ? own.nothingTicked : null),
      most: (text, { kind }) => (kind === "enrolment" && !/^[1-9]?\d{0,6}$/.test(text.trim()) ? own.noNumber : null),
      hours: hoursFault,
      pasted: (text, asked) => pastedFault(text, asked),
    },
  });
  useKept(form);
  const { q: wider } = useShown();
  const { data: worn } = useQuery({
    queryKey: ["credential", org.id, wider],
    queryFn: ({ signal }) =>
      apiFor(org.id).call(routes.readCredential, { params: { credential: wider ?? "" }, signal }),
    enabled: wider !== undefined,
  });
  useEffect(() => {
    const again = worn?.use && madeAgain({ ...worn, narrower: worn.use.narrower });
    if (worn && again) form.setValues({ ...again, name: own.narrowerOf(worn.name) });
  }, [worn?.id]);
  const make = useAct((asked: Asked) => mint(org.id, asked));
  const values = form.getValues();
  if (secret) {
    return (
      <Page title={own.made}>
        <Stack maw={880}>
          <MadeOnce {...secret} />
          <Group>
            <Button
              variant="default"
              onClick={() => void navigate({ to: paths.credential, params: { org: org.id, credential: secret.id } })}
            >
              {own.done}
            </Button>
          </Group>
        </Stack>
      </Page>
    );
  }
  const applicationField = (
    <NativeSelect
      label={own.application}
      required
      data={[
        { value: "", label: "" },
        ...(applications?.items ?? []).map(({ id, name }) => ({ value: id, label: name })),
      ]}
      {...form.getInputProps("application")}
    />
  );
  return (
    <Page title={own.add}>
      <form onSubmit={form.onSubmit((asked) => make.mutate(asked, { onSuccess: setSecret }))}>
        <Stack gap="md" maw={880}>
          <Radio.Group label={own.kind} {...form.getInputProps("kind")}>
            <Stack gap="xs" mt={4}>
              {kinds.map((kind) => (
                <Radio
                  key={kind}
                  value={kind}
                  label={own.kinds[kind]}
                  description={can(needs[kind]) ? own.kindHints[kind] : words.common.notAllowed(needs[kind])}
                  readOnly={!can(needs[kind])}
                  aria-disabled={!can(needs[kind]) || undefined}
                />
              ))}
            </Stack>
          </Radio.Group>
          <Group align="flex-start" grow>
            <TextInput label={words.common.name} required {...form.getInputProps("name")} />
            <NativeSelect
              label={own.lifetime}
              data={Object.entries(own.lifetimes).map(([value, label]) => ({ value, label }))}
              {...form.getInputProps("lifetime")}
            />
          </Group>
          {isOfApplication(values.kind) ? (
            applicationField
          ) : (
            <Fieldset legend={own.where}>
              <Stack gap="xs">
                <NativeSelect
                  aria-label={own.where}
                  description={own.whereHint}
                  data={Object.entries(own.wheres).map(([value, label]) => ({ value, label }))}
                  {...form.getInputProps("scope")}
                />
                {values.scope === "application" && applicationField}
                {values.scope === "devices" && (
                  <Textarea label={own.devicesLabel} required autosize minRows={2} {...form.getInputProps("devices")} />
                )}
                {values.scope === "tag" && (
                  <TextInput label={own.tagLabel} required placeholder="floor=3" {...form.getInputProps("tag")} />
                )}
              </Stack>
            </Fieldset>
          )}
          {hasGrants(values.kind) && (
            <Checkbox.Group label={own.grants} description={own.grantsHint} {...form.getInputProps("actions")}>
              <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing={6} mt="xs">
                {presets[values.kind].actions.map((action) => (
                  <Tick
                    key={action}
                    value={action}
                    label={action}
                    why={can(action) ? undefined : words.common.notAllowed(action)}
                  />
                ))}
              </SimpleGrid>
            </Checkbox.Group>
          )}
          {values.kind === "enrolment" && <EnrolmentFields of={(name) => form.getInputProps(name)} />}
          {/* What everybody can read is nobody's alone. */}
          {hasGrants(values.kind) && <KeyFields of={(name) => form.getInputProps(name)} values={values} />}
          <ConditionFields of={(name) => form.getInputProps(name)} isPublic={values.kind === "application"} />
          {values.actions.length > 0 && hasGrants(values.kind) && (
            <div>
              <Text fz="sm" fw={600}>
                {own.asText}
              </Text>
              <Code block tabIndex={0} aria-label={own.asText}>
                {grantsOf(values.actions, scopeOf(values)).join("\n")}
              </Code>
            </div>
          )}
          {make.error && <ProblemNotice error={make.error} />}
          <Group>
            <Button type="submit" loading={make.isPending}>
              {own.make}
            </Button>
          </Group>
        </Stack>
      </form>
    </Page>
  );
}

/** Its grants hold within the application, whatever they say. */
const isOfApplication = (kind: Kind): boolean =>
  kind === "accessKey" || kind === "trustedApplication" || kind === "application" || kind === "enrolment";

/** What the others may do is what they are. */
const hasGrants = (kind: Kind): boolean => kind !== "application" && kind !== "enrolment";

/** Within its application, whatever its grants say. */
const scopeOf = (asked: Asked): Scope => (isOfApplication(asked.kind) ? { kind: "all" } : scopeTyped(asked));

async function mint(org: string, asked: Asked): Promise<MadeCredential> {
  const { kind, name, lifetime, application } = asked;
  const { held, made: pair } = await heldOf(!hasGrants(kind) ? { ...asked, ...noBinding } : asked);
  const isBound = held.publicKey !== undefined;
  const ticked = asked.actions.filter((action) => presets[kind].actions.includes(action));
  const body = {
    name,
    grants: grantsOf(ticked, scopeOf(asked)),
    ...(lifetime !== "" && { expiresIn: lifetime }),
    ...held,
  };
  const api = apiFor(org);
  switch (kind) {
    case "apiToken": {
      const { id, token = "" } = await api.call(routes.createToken, { body });
      return { id, kind, text: token, isBound, pair };
    }
    case "operator": {
      const { id, secret = "" } = await api.call(routes.createOperatorKey, { body });
      return { id, kind, text: `${id}.${secret}`, isBound, pair };
    }
    case "accessKey":
    case "trustedApplication":
    case "application":
    case "enrolment": {
      const { grants, ...rest } = body;
      const enrols = {
        ...(asked.product !== "" && { product: asked.product as Id<"product"> }), // of the list that was chosen from
        ...(asked.most.trim() !== "" && { most: Number(asked.most) }),
      };
      const own = {
        ...rest,
        kind,
        ...(hasGrants(kind) && { grants }),
        ...(kind === "enrolment" && { enrols }),
      };
      const { id, secret = "" } = await api.call(routes.createAccessKey, { params: { application }, body: own });
      return { id, kind, text: `${id}.${secret}`, isBound, pair };
    }
  }
}
