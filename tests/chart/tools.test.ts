import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubeVersions } from '../../tools/kube/programs.ts';
import { runTool, tryTool } from '../support/kube/tools.ts';

describe('the tools that test the chart', () => {
  it('are the helm that is pinned and a kubectl of the same Kubernetes', async () => {
    const helm = await runTool('helm', ['version', '--template', '{{.Version}}']);
    const kubectl = await runTool('kubectl', ['version', '--client', '-o', 'json']);

    const [major, minor] = kubeVersions.kubernetes.split('.');
    expect(helm).toBe(`v${kubeVersions.helm}`);
    expect(JSON.parse(kubectl)).toMatchObject({ clientVersion: { major, minor } });
  });

  it('tell a good rule from a broken one, as Prometheus does', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ado-test-rules-'));
    const check = async (expr: string): Promise<number | null> => {
      const file = join(folder, 'rules.yaml');
      writeFileSync(
        file,
        JSON.stringify({ groups: [{ name: 'g', rules: [{ record: 'r', expr }] }] }),
      );
      return (await tryTool('promtool', ['check', 'rules', file])).code;
    };

    expect(await check('sum(up)')).toBe(0);
    expect(await check('sum(up')).not.toBe(0);
  });
});
