// ◇ Browser-safe. Audit.
/** The view. */
export function AuditView() {
  return <h1>Audit</h1>;
}
