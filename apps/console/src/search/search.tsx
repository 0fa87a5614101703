import { Group, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useEffect, useId, useState, type KeyboardEvent } from "react";
import { queryClient } from "../api/index.ts";
import { ProblemNotice, Slow } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import type { Found, FoundGroup } from "./found.ts";
import { useFound } from "./use-found.ts";
import { useOwn } from "./use-own.ts";

const own = words.search;
const mostRecent = 5;

/**
 * A combobox with its list always in sight (ARIA 1.2, with list autocompletion): the focus stays in the field, and the arrows move what
 * Enter chooses. The kit's keeps that outside of what is drawn, so it would be lost whenever an answer arrives.
 */
export function Search({ close }: { readonly close: () => void }) {
  const router = useRouter();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const wanted = text.trim();
  const { groups: found, isBusy, errors } = useFound(wanted);
  const mine = useOwn(wanted);
  const { recent, remember } = useRecent();
  const groups = [...(wanted === "" ? [{ name: own.recent, items: recent }] : found), ...mine].filter(
    ({ items }) => items.length > 0,
  );
  const all = groups.flatMap(({ items }) => items);
  const active = all.find(({ id }) => id === chosen) ?? all[0];
  const list = useId();
  const idOf = ({ id }: Found) => `${list}-${id}`;
  const activeId = active && idOf(active);
  useEffect(() => {
    if (activeId !== undefined) document.getElementById(activeId)?.scrollIntoView({ block: "nearest" });
  }, [activeId]);

  const open = (one: Found) => {
    if (one.why !== undefined) return;
    close();
    if ("act" in one) return void one.act();
    if (found.some(({ items }) => items.includes(one))) remember(one);
    void router.navigate({ href: one.href });
  };
  const move = (by: number) => {
    const at = active ? all.indexOf(active) : -1;
    setChosen(all.at((at + by) % all.length)?.id);
  };
  const press = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter" && active) open(active);
    else return;
    event.preventDefault();
  };
  return (
    <Stack gap="xs">
      <TextInput
        role="combobox"
        aria-label={own.label}
        aria-autocomplete="list"
        aria-expanded={all.length > 0}
        aria-controls={all.length > 0 ? list : undefined}
        aria-activedescendant={activeId}
        data-autofocus // when the dialog opens,
        autoFocus // or when this arrives in one that is open
        autoComplete="off"
        spellCheck={false}
        placeholder={own.example}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setChosen(undefined);
        }}
        onKeyDown={press}
      />
      {errors.map(({ error, retry }, at) => (
        <ProblemNotice key={at} error={error} retry={retry} />
      ))}
      {all.length > 0 && (
        <div id={list} role="listbox" aria-label={own.results} className="hf-found">
          {groups.map((group) => (
            <Section key={group.name} group={group} activeId={activeId} idOf={idOf} open={open} />
          ))}
        </div>
      )}
      {isBusy ? (
        <Slow />
      ) : (
        <Text fz="xs" c="var(--hf-dim)" role="status">
          {all.length === 0 ? own.nothing : own.count(all.length)}
        </Text>
      )}
    </Stack>
  );
}

function Section({
  group: { name, items },
  activeId,
  idOf,
  open,
}: {
  readonly group: FoundGroup;
  readonly activeId: string | undefined;
  readonly idOf: (one: Found) => string;
  readonly open: (one: Found) => void;
}) {
  const heading = useId();
  return (
    <div role="group" aria-labelledby={heading}>
      <Text id={heading} fz="xs" fw={600} c="var(--hf-dim)" px={8} pt={6}>
        {name}
      </Text>
      {items.map((one) => (
        <Group
          key={one.id}
          id={idOf(one)}
          role="option"
          aria-selected={idOf(one) === activeId}
          aria-disabled={one.why === undefined ? undefined : true}
          className="hf-option"
          justify="space-between"
          gap="xs"
          // The focus stays in the field.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => open(one)}
        >
          <span>{one.label}</span>
          <Text span fz="xs" c="var(--hf-dim)">
            {one.why ?? one.detail}
          </Text>
        </Group>
      ))}
    </div>
  );
}

/** What was opened from here last, for as long as this page is open and its person signed in; nothing is kept on the machine. */
function useRecent() {
  const org = useOrg();
  const queryKey = ["search-recent", org.id];
  const { data: recent } = useQuery<readonly Found[]>({
    queryKey,
    queryFn: () => [],
    initialData: [],
    enabled: false,
    gcTime: Infinity,
  });
  const remember = (one: Found) => {
    const others = recent.filter(({ id }) => id !== one.id);
    queryClient.setQueryData(queryKey, [one, ...others].slice(0, mostRecent));
  };
  return { recent, remember };
}
