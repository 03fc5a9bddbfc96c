import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkoutRoot } from '../../cli/dev/checkout.ts';
import { isAtLeast, oldest } from '../../cli/dev/versions.ts';
import { kubeVersions } from './programs.ts';

const goModule = readFileSync(join(checkoutRoot(), 'tools', 'kube', 'go.mod'), 'utf8');

describe('the control plane for tests', () => {
  it('is built from the version of Kubernetes that it is stamped with', () => {
    expect(goModule).toContain(`\tk8s.io/kubernetes v${kubeVersions.kubernetes}\n`);
  });

  it('takes every library of Kubernetes from the same release', () => {
    const release = `v0.${kubeVersions.kubernetes.replace(/^1\./, '')}`;
    const replaced = [...goModule.matchAll(/^\tk8s\.io\/\S+ => k8s\.io\/\S+ (\S+)$/gm)];

    expect(replaced.length).toBeGreaterThan(30);
    expect(replaced.filter(([, version]) => version !== release)).toEqual([]);
  });

  it('asks for no newer Go than the one that ado looks for', () => {
    const needed = /^go (\S+)$/m.exec(goModule)?.[1] ?? '';

    expect(isAtLeast(oldest.go, needed)).toBe(true);
  });
});
