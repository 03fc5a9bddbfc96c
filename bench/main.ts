/**
 * Runs the benchmark: all questions, or those that are named (`npm run bench -- batch-window`). A run of all of them
 * writes bench/RESULTS.md. Ends with 1 when a bar does not hold.
 */
import { writeFileSync } from 'node:fs';
import { batchWindow } from './batch-window.ts';
import { cliStart } from './cli-start.ts';
import { cpuPerStep } from './cpu-per-step.ts';
import { eventLatency } from './event-latency.ts';
import { limiter } from './limiter.ts';
import { modelCall } from './model-call.ts';
import { queuedMemory } from './queued-memory.ts';
import { submitLatency } from './submit-latency.ts';
import { startPlatform } from './support/platform.ts';
import { watchForeignLoad } from './support/foreign-load.ts';
import type { Answered, Question } from './support/question.ts';
import { toReport } from './support/report.ts';

const questions: readonly Question[] = [
  batchWindow,
  cpuPerStep,
  submitLatency,
  eventLatency,
  queuedMemory,
  limiter,
  modelCall,
  cliStart,
];
const rounds = 3;

const names = process.argv.slice(2);
const asked = names.length === 0 ? questions : questions.filter(({ name }) => names.includes(name));
const unknown = names.filter((name) => !questions.some((question) => question.name === name));
if (unknown.length > 0) {
  const known = questions.map(({ name }) => name).join(', ');
  process.stderr.write(`There is no question ${unknown.join(', ')}; there is ${known}.\n`);
  process.exit(2);
}

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};
say('starting the platform …');
const platform = await startPlatform();
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  process.once(signal, () => {
    void platform.stop().finally(() => process.exit(128 + number));
  });
}
const postgres = String(
  await platform.askAdo(`select current_setting('server_version') as answer`),
);
const answers: Answered[] = [];
try {
  for (const question of asked) {
    say(`${question.name} …`);
    const foreignLoad = watchForeignLoad();
    const answer = await question.ask({ platform, rounds, say: (text) => say(`  ${text}`) });
    answers.push({ question, answer, foreignLoad: foreignLoad() });
  }
} finally {
  await platform.stop();
}
const report = toReport(answers, { rounds, postgres });
process.stdout.write(report);
if (names.length === 0) writeFileSync(new URL('RESULTS.md', import.meta.url), report);
const missed = answers
  .flatMap(({ answer }) => answer.figures)
  .filter(({ holds }) => holds === false);
say(missed.length === 0 ? 'All bars hold.' : `${missed.length} bars do not hold.`);
process.exitCode = missed.length === 0 ? 0 : 1;
