/** What of oxlint's context the rules below use. */
type Context = { report(found: { node: unknown; message: string }): void };
type Rule = { create(context: Context): Record<string, (node: unknown) => void> };

/** A rule that says `message` about every node that one of the selectors finds. */
function refuse(message: string, selectors: readonly string[]): Rule {
  return {
    create: (context) =>
      Object.fromEntries(selectors.map((selector) => [selector, (node) => context.report({ node, message })])),
  };
}

const rules = {
  /** `new Date()` and `Date()` read the clock as `Date.now()` does, which a rule of the linter's own refuses. */
  "no-current-date": refuse("take a Clock", [
    'NewExpression[callee.name="Date"][arguments.length=0]',
    'CallExpression[callee.name="Date"]',
  ]),

  /** Without a `default`, a state that is added later is an error wherever somebody forgot it. */
  "no-default-state": refuse("list every state: a default would swallow the next one", [
    'SwitchStatement[discriminant.property.name="state"] > SwitchCase[test=null]',
    'SwitchStatement[discriminant.property.name="kind"] > SwitchCase[test=null]',
  ]),
};

/** A plugin for oxlint, which wants it to be the default export. */
export default { meta: { name: "holdfast" }, rules };
