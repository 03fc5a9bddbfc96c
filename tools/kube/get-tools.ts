/** Prints the paths of programs for testing the chart, one a line, after fetching or building what is missing. */
import { messageOf } from '../../cli/dev/error-text.ts';
import { Reporter } from '../../cli/dev/progress.ts';
import { getKubeProgram, kubePrograms } from './programs.ts';
import type { KubeProgram } from './programs.ts';

const names = process.argv.slice(2);
const wanted = names.length > 0 ? names : [...kubePrograms];
const isKubeProgram = (name: string): name is KubeProgram =>
  kubePrograms.some((known) => known === name);

try {
  for (const name of wanted) {
    if (!isKubeProgram(name))
      throw new Error(`There is no ${name} here; known are ${kubePrograms.join(', ')}.`);
    const search = { env: process.env, reporter: new Reporter(process.stderr) };
    process.stdout.write(`${await getKubeProgram(name, search)}\n`);
  }
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
