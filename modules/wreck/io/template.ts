/** Names of files with `{{id}}`, `{{taskid}}` and `{{cmd}}` in them (services.md §12.3). Pure. */

export interface TemplateFields {
  readonly jobid: number;
  readonly task: number;
  /** The program; its last component stands for `{{cmd}}`. */
  readonly command: string;
}

/** The path for one task. A name that is none of the three stands for nothing, as mustache has it. */
export function renderPath(
  template: string,
  { jobid, task, command }: TemplateFields,
  cwd: string | undefined,
): string {
  const fields: Record<string, string> = { id: `${jobid}`, taskid: `${task}`, cmd: command.split("/").pop()! };
  const path = template.replace(/\{\{\{?\s*(\w+)\s*\}?\}\}/g, (_, name: string) => fields[name] ?? "");
  return path.startsWith("/") || cwd === undefined ? path : `${cwd}/${path}`;
}
