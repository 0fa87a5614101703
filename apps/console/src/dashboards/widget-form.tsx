import {
  Alert,
  Button,
  Checkbox,
  Fieldset,
  Group,
  Modal,
  NativeSelect,
  Stack,
  Textarea,
  TextInput,
} from "@mantine/core";
import { dashboardRanges, routes, type Widget } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { words } from "../words/index.ts";
import { freeId } from "./arrange.tsx";
import { useAsking } from "./page.tsx";
import { useBoardNames } from "./names.ts";
import { fieldsOf, noLine, widgetOf, type Fields, type LineFields } from "./filled.ts";
import { SourceField } from "./source-field.tsx";

const own = words.dashboards.form;
const types = Object.entries(words.dashboards.types).map(([value, label]) => ({ value, label }));
const aggregates = Object.entries(words.dashboards.aggregates)
  .filter(([value]) => value !== "first")
  .map(([value, label]) => ({ value, label }));
const mostLines = 12;

/** What a widget is and whose readings it shows. */
export function WidgetForm({
  widget,
  all,
  put,
  close,
}: {
  readonly widget: Widget | undefined;
  readonly all: readonly Widget[];
  readonly put: (widget: Widget) => void;
  readonly close: () => void;
}) {
  const names = useBoardNames();
  const [fields, setFields] = useState<Fields>(() => fieldsOf(widget, names));
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  const set = (change: Partial<Fields>) => setFields((before) => ({ ...before, ...change }));
  const setLine = (at: number, change: Partial<LineFields>) =>
    set({ lines: fields.lines.map((line, place) => (place === at ? { ...line, ...change } : line)) });
  const text = (name: "title" | "attributes" | "decimals" | "min" | "max" | "location" | "latitude" | "longitude") => ({
    value: fields[name],
    onChange: (event: { readonly currentTarget: HTMLInputElement }) => set({ [name]: event.currentTarget.value }),
  });
  const { type } = fields;
  const isOfOne = type === "value" || type === "gauge";
  const hasAttribute = isOfOne || type === "line";
  const lines = type === "line" ? fields.lines : fields.lines.slice(0, 1);
  const submit = () => {
    const place = widget?.place ?? { x: 0, y: 0, w: 3, h: 3 };
    const made = widgetOf({ ...fields, lines }, widget?.id ?? freeId(all), place);
    if (typeof made === "string") setWrong(made);
    else put(made);
  };
  const title = widget ? words.dashboards.editor.change(widget.title) : words.dashboards.editor.addWidget;
  return (
    <Modal opened onClose={close} title={title} size="lg" closeButtonProps={{ "aria-label": words.common.close }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Stack gap="sm">
          <NativeSelect
            label={own.type}
            data={types}
            value={type}
            data-autofocus
            onChange={({ currentTarget: { value } }) => {
              const chosen = types.find((one) => one.value === value)?.value;
              set({ type: chosen as Widget["type"], aggregate: chosen === "value" ? "last" : "avg" }); // of the catalogue's names
            }}
          />
          <TextInput label={own.title} maxLength={120} {...text("title")} />
          {lines.map((line, at) => (
            <Fieldset key={at} legend={type === "line" ? own.lineNumber(at + 1) : own.source}>
              <Stack gap="xs">
                <SourceField source={line.source} isOfOne={isOfOne} change={(source) => setLine(at, { source })} />
                {hasAttribute && <Measured line={line} change={(change) => setLine(at, change)} />}
                {type === "line" && lines.length > 1 && (
                  <Group>
                    <Button
                      size="compact-sm"
                      variant="default"
                      onClick={() => set({ lines: fields.lines.filter((_, place) => place !== at) })}
                    >
                      {own.dropLine(at + 1)}
                    </Button>
                  </Group>
                )}
              </Stack>
            </Fieldset>
          ))}
          {type === "line" && lines.length < mostLines && (
            <Group>
              <Button
                size="compact-sm"
                variant="default"
                onClick={() => set({ lines: [...fields.lines, { ...(lines.at(-1) ?? noLine), attribute: "" }] })}
              >
                {own.addLine}
              </Button>
            </Group>
          )}
          {(type === "table" || type === "map") && <TextInput label={own.attributes} {...text("attributes")} />}
          {(type === "line" || type === "value") && (
            <Group gap="xs" grow>
              <NativeSelect
                label={own.range}
                data={dashboardRanges.map((value) => ({ value, label: words.dashboards.ranges[value] }))}
                value={fields.range}
                onChange={({ currentTarget: { value } }) =>
                  set({ range: dashboardRanges.find((one) => one === value) ?? "1h" })
                }
              />
              <NativeSelect
                label={own.aggregate}
                data={aggregates.filter(({ value }) => type === "value" || value !== "last")}
                value={fields.aggregate}
                onChange={({ currentTarget: { value } }) => set({ aggregate: value })}
              />
            </Group>
          )}
          {type === "value" && (
            <Checkbox
              label={own.compare}
              checked={fields.compare}
              onChange={({ currentTarget: { checked } }) => set({ compare: checked })}
            />
          )}
          {isOfOne && <TextInput label={own.decimals} inputMode="numeric" maxLength={1} {...text("decimals")} />}
          {type === "gauge" && (
            <>
              <Group gap="xs" grow>
                <TextInput label={own.min} inputMode="decimal" required {...text("min")} />
                <TextInput label={own.max} inputMode="decimal" required {...text("max")} />
              </Group>
              <Textarea
                label={own.bands}
                autosize
                minRows={3}
                value={fields.bands}
                onChange={({ currentTarget: { value } }) => set({ bands: value })}
              />
            </>
          )}
          {type === "map" && (
            <>
              <NativeSelect
                label={own.position}
                data={Object.entries(own.positions).map(([value, label]) => ({ value, label }))}
                value={fields.position}
                onChange={({ currentTarget: { value } }) =>
                  set({ position: value === "location" ? "location" : "two" })
                }
              />
              {fields.position === "location" ? (
                <TextInput label={own.location} {...text("location")} />
              ) : (
                <Group gap="xs" grow>
                  <TextInput label={own.latitude} {...text("latitude")} />
                  <TextInput label={own.longitude} {...text("longitude")} />
                </Group>
              )}
            </>
          )}
          {wrong !== undefined && (
            <Alert role="alert" variant="outline" color="red" c="var(--hf-text)">
              {wrong}
            </Alert>
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {words.common.cancel}
            </Button>
            <Button type="submit">{own.save}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** Which attribute, with those that the first device of the source has measured to choose from. */
function Measured({
  line,
  change,
}: {
  readonly line: LineFields;
  readonly change: (change: Partial<LineFields>) => void;
}) {
  const asking = useAsking();
  const known = useId();
  const device = line.source.by === "devices" ? line.source.devices[0]?.id : undefined;
  const { data } = useQuery({
    queryKey: ["latest", asking.key, device],
    queryFn: ({ signal }) => asking.client.call(routes.readLatest, { params: { device: device ?? "" }, signal }),
    enabled: device !== undefined,
  });
  return (
    <Group gap="xs" grow>
      <TextInput
        label={own.attribute}
        required
        list={known}
        value={line.attribute}
        onChange={({ currentTarget: { value } }) => change({ attribute: value })}
      />
      <datalist id={known}>
        {data?.items.map(({ attribute }) => (
          <option key={attribute} value={attribute} />
        ))}
      </datalist>
      <TextInput
        label={own.unit}
        maxLength={32}
        value={line.unit}
        onChange={({ currentTarget: { value } }) => change({ unit: value })}
      />
    </Group>
  );
}
