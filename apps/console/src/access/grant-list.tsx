import { Code, List } from "@mantine/core";

/** Grants as they are written, one a line. */
export function GrantList({ grants }: { readonly grants: readonly string[] }) {
  return (
    <List size="sm" listStyleType="none">
      {grants.map((grant) => (
        <List.Item key={grant}>
          <Code>{grant}</Code>
        </List.Item>
      ))}
    </List>
  );
}
