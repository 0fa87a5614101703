/** A sentence for every circle among units of one line. `imports` says who imports whom, and one place where. */
export function circles(imports: ReadonlyMap<string, ReadonlyMap<string, string>>): string[] {
  const complaints: string[] = [];
  const done = new Set<string>();
  const visit = (unit: string, trail: string[]): void => {
    const at = trail.indexOf(unit);
    if (at >= 0) {
      const circle = [...trail.slice(at), unit];
      const places = circle.slice(1).map((to, i) => imports.get(circle[i] ?? "")?.get(to));
      complaints.push(`${circle.join(" → ")} is a circle: ${places.join(", ")}`);
      return;
    }
    if (done.has(unit)) return;
    for (const to of imports.get(unit)?.keys() ?? []) visit(to, [...trail, unit]);
    done.add(unit);
  };
  for (const unit of imports.keys()) visit(unit, []);
  return complaints;
}
