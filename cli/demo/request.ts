/** What every tour asks for, and the check that the work has to pass. */

/** The prompt of a batch over the repositories of repositories.ts. */
export const demoPrompt = `Add a licence line to repository "{{name}}".
The first line of file "{{file}}" has to be a comment with the SPDX identifier of its licence "{{licence}}".`;

/** The gate: the file is JavaScript still, and its first line is the one asked for. */
export const demoGate = {
  name: 'licence',
  command:
    'node --check "$ADO_VAR_FILE" && head -n 1 "$ADO_VAR_FILE" | grep -q "^// SPDX-License-Identifier: $ADO_VAR_LICENCE\\$"',
};
