/** A cluster for tests: a real control plane with stand-ins for nodes, and helm and kubectl that speak to it. */
import type { ProgramResult } from '../../../cli/dev/programs/run-program.ts';
import { startControlPlane } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import { startFakeNodes } from './fake-nodes.ts';
import type { FakeNodes, RunPod } from './fake-nodes.ts';
import type { KubeApi } from './kube-api.ts';
import { runTool, tryTool } from './tools.ts';
import type { ToolOptions } from './tools.ts';

/** A running cluster. */
export interface Cluster {
  readonly api: KubeApi;
  readonly plane: ControlPlane;
  readonly nodes: FakeNodes;
  /** Gives what it wrote to stdout. @throws Error when it fails */
  readonly helm: (args: readonly string[], options?: ToolOptions) => Promise<string>;
  readonly tryHelm: (args: readonly string[], options?: ToolOptions) => Promise<ProgramResult>;
  readonly kubectl: (args: readonly string[], options?: ToolOptions) => Promise<string>;
  readonly tryKubectl: (args: readonly string[], options?: ToolOptions) => Promise<ProgramResult>;
  /** Makes a namespace that enforces the restricted Pod Security Standard, and warns about what breaks it. */
  readonly createNamespace: (name: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Starts a cluster, in 3 to 10 s once its programs are there. */
export async function startCluster(run?: RunPod): Promise<Cluster> {
  const plane = await startControlPlane();
  const nodes = await startFakeNodes(plane.api, run).catch(async (error: unknown) => {
    await plane.stop();
    throw error;
  });
  const withConfig = (options: ToolOptions = {}): ToolOptions => ({
    ...options,
    env: { ...options.env, KUBECONFIG: plane.kubeconfig },
  });
  return {
    api: plane.api,
    plane,
    nodes,
    helm: async (args, options) => runTool('helm', args, withConfig(options)),
    tryHelm: async (args, options) => tryTool('helm', args, withConfig(options)),
    kubectl: async (args, options) => runTool('kubectl', args, withConfig(options)),
    tryKubectl: async (args, options) => tryTool('kubectl', args, withConfig(options)),
    createNamespace: async (name) => {
      const prefix = 'pod-security.kubernetes.io';
      const labels = { [`${prefix}/enforce`]: 'restricted', [`${prefix}/warn`]: 'restricted' };
      await plane.api.create('/api/v1/namespaces', { metadata: { name, labels } });
    },
    stop: async () => {
      await nodes.stop();
      await plane.stop();
    },
  };
}
