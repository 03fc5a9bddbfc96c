#!/usr/bin/env node
// Stands in for helm on PATH: knows the release $FAKE_HELM_RELEASE (its values and its chart, as JSON), and writes each
// upgrade as a line of $FAKE_HELM_LOG. The first upgrade ends in a conflict when $FAKE_HELM_CONFLICT is set.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv, env, exit, stderr, stdout } from 'node:process';

const words = argv.slice(2);
const release = JSON.parse(env.FAKE_HELM_RELEASE);
const before = existsSync(env.FAKE_HELM_LOG)
  ? readFileSync(env.FAKE_HELM_LOG, 'utf8').trim().split('\n').length
  : 0;

if (words[0] === 'get' && words[1] === 'values') {
  stdout.write(JSON.stringify(release.values));
} else if (words[0] === 'get' && words[1] === 'metadata') {
  stdout.write(JSON.stringify(release.chart));
} else if (words[0] === 'show') {
  stdout.write(readFileSync(join(words[2], 'Chart.yaml'), 'utf8'));
} else if (words[0] === 'upgrade') {
  appendFileSync(env.FAKE_HELM_LOG, `${JSON.stringify(words)}\n`);
  if (env.FAKE_HELM_CONFLICT !== undefined && before === 0) {
    stderr.write(
      'Error: UPGRADE FAILED: conflict occurred while applying object: conflict with "kube-controller-manager"\n',
    );
    exit(1);
  }
  stdout.write(JSON.stringify({ name: words[1], version: 7 }));
} else {
  stderr.write(`unknown command ${words.join(' ')}\n`);
  exit(1);
}
