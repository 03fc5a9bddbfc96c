/** The programs of a real node: kubelet, and Debian's containerd, runc and network plug-ins, taken out of their packages. */
import { createHash } from 'node:crypto';
import { readFileSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { checkoutRoot } from '../../cli/dev/checkout.ts';
import { getCached } from '../../cli/dev/programs/cache.ts';
import type { ProgramSearch } from '../../cli/dev/programs/cache.ts';
import { buildHere, getKubeProgram, inFolderBeside, unpackDebian } from './programs.ts';

/** Where they are. */
export interface NodePrograms {
  readonly kubelet: string;
  /** Beside it are those that it calls: ctr, runc, its shim and the network plug-ins. */
  readonly containerd: string;
  /** What the image for tests holds. */
  readonly pod: string;
}

/** Whatever containerd calls lies in one folder with it. */
const besideContainerd = [
  'usr/bin/ctr',
  'usr/bin/containerd-shim-runc-v2',
  'usr/sbin/runc',
  'usr/lib/cni/bridge',
  'usr/lib/cni/host-local',
  'usr/lib/cni/loopback',
];

/**
 * Returns the programs of a node, fetching or building them the first time; that takes about 2 minutes.
 * @throws PROGRAM_MISSING naming what to install
 */
export async function getNodePrograms(search: ProgramSearch): Promise<NodePrograms> {
  const kubelet = await getKubeProgram('kubelet', search);
  const bin = dirname(kubelet);
  const title = 'containerd';
  const file = join(bin, 'containerd');
  const containerd = await getCached({ file, title }, search, async (temporary) =>
    inFolderBeside(temporary, async (folder) => {
      const names = ['containerd', 'runc', 'containernetworking-plugins'];
      await unpackDebian({ names, title }, folder, search);
      for (const path of besideContainerd)
        renameSync(join(folder, path), join(bin, basename(path)));
      renameSync(join(folder, 'usr/bin/containerd'), temporary);
    }),
  );
  return { kubelet, containerd, pod: await getPod(bin, search) };
}

/** Its name tells which source it was built from. */
async function getPod(bin: string, search: ProgramSearch): Promise<string> {
  const source = readFileSync(join(checkoutRoot(), 'tools', 'kube', 'pod', 'main.go'));
  const version = createHash('sha256').update(source).digest('hex').slice(0, 8);
  const title = 'the image for a node';
  return getCached({ file: join(bin, `pod-${version}`), title }, search, async (file) =>
    buildHere({ title, importPath: './pod', file }, search),
  );
}
