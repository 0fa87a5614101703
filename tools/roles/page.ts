import { allActions, instanceActions, roleNames, type Action, type BuiltInRole } from "@holdfast/protocol";
import { grantsOfRole, purposeOf } from "../../apps/server/src/authority/index.ts";

/** From the most to the least. */
const order: readonly BuiltInRole[] = ["owner", "administrator", "developer", "operator", "viewer"];

const head = `# Roles

<!-- Made by \`node tools/roles.ts --write\` from the code that decides. -->

What a person may do in an organisation is her role, and what she and her programs hold never goes beyond it. Five roles are there in every
organisation and stay as they are; others an organisation makes itself: a name, a description, and grants, each everywhere, in one
application, on listed devices or on those with a tag.

- Nobody gives, makes or changes a role that holds more than she may do now, and none is changed or taken from somebody, nor is she removed, by
  whoever holds less. The last owner stays one, and so does the last whom the [lists](doors.md) let in.
- Whoever makes, changes or gives one is a person who signed in: a program that was lent her rights would leave something that outlasts it.
- A change takes effect at once, also on what stands open. A token keeps the grants that it was made with and shrinks with the role; with a
  greater role a person signs in again.
- Actions that a later version brings are in \`owner\`, in \`administrator\` and, if they only read, in all five; no organisation's own role gains any.

As a file: \`holdfast role export > roles.json\`, \`holdfast role diff roles.json\`, \`holdfast role apply roles.json --state N\`
(\`GET\` and \`POST /v1/roles/file\`). A file is the whole: a role that is not in it ends, and it is applied whole or not at all.
`;

/** As a table of every action and the roles that hold it. */
export function render(): string {
  const unknown = roleNames.filter((role) => !order.includes(role));
  if (unknown.length > 0) throw new Error(`tools/roles/page.ts does not know where ${unknown.join()} stands`);
  const held = new Map(order.map((role) => [role, new Set(grantsOfRole(role, new Map()).map(({ action }) => action))]));
  const row = (action: Action) =>
    `| \`${action}\` | ${order.map((role) => (held.get(role)?.has(action) ? "yes" : "")).join(" | ")} |`;
  return [
    head,
    "| role | for |",
    "| --- | --- |",
    ...order.map((role) => `| **${role}** | ${purposeOf[role]} |`),
    "",
    `| action | ${order.join(" | ")} |`,
    `| --- |${" --- |".repeat(order.length)}`,
    ...allActions.filter((action) => !instanceActions.includes(action)).map(row),
    "",
    `No role holds ${instanceActions.map((action) => `\`${action}\``).join(" and ")}: they are asked of the whole instance, and its administrators hold them beside their role.`,
    "",
  ].join("\n");
}
