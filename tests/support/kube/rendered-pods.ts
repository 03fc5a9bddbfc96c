/** The pods of a rendered chart, whatever starts them. */
import type { KubeObject, Tree } from './rendered-chart.ts';

/** A variable of a container. */
interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: SecretKey; readonly fieldRef?: Tree };
}

interface SecretKey {
  readonly name: string;
  readonly key: string;
  readonly optional?: boolean;
}

/** A container of a pod, as far as the tests look at it. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly Variable[];
  readonly envFrom?: readonly Tree[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly resources?: { readonly requests?: Tree; readonly limits?: Tree };
  readonly securityContext?: Tree;
  readonly startupProbe?: Tree;
  readonly readinessProbe?: Tree;
  readonly livenessProbe?: Tree;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

/** A pod's specification. */
export interface PodSpec extends Tree {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Tree[];
  readonly securityContext?: Tree;
}

/** A pod that the release may start. */
export interface RenderedPod {
  /** Kind and name of what starts it, `Deployment ado-api`. */
  readonly owner: string;
  readonly kind: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
}

interface Template {
  readonly metadata?: KubeObject['metadata'];
  readonly spec: PodSpec;
}

/** The pods of all objects that start some. */
export function podsOf(objects: readonly KubeObject[]): readonly RenderedPod[] {
  return objects.flatMap((object) => {
    const template = templateOf(object);
    if (template === undefined) return [];
    return {
      owner: `${object.kind} ${object.metadata.name}`,
      kind: object.kind,
      labels: template.metadata?.labels ?? {},
      annotations: template.metadata?.annotations ?? {},
      spec: template.spec,
    };
  });
}

/** The pod that an object starts. @throws Error naming those that are there */
export function podOf(objects: readonly KubeObject[], owner: string): RenderedPod {
  const pods = podsOf(objects);
  const found = pods.find((pod) => pod.owner === owner);
  if (found !== undefined) return found;
  throw new Error(`no ${owner} among ${pods.map((pod) => pod.owner).join(', ')}`);
}

/** The container that a pod is for. */
export function mainContainer(pod: RenderedPod): Container {
  const [first] = pod.spec.containers;
  if (first === undefined) throw new Error(`${pod.owner} has no container`);
  return first;
}

/** Values of the variables of a pod's main container; those from elsewhere are told as `<kind of source>`. */
export function environmentOf(pod: RenderedPod): Readonly<Record<string, string>> {
  const variables = mainContainer(pod).env ?? [];
  return Object.fromEntries(
    variables.map(({ name, value, valueFrom }) => {
      const secret = valueFrom?.secretKeyRef;
      const source = secret === undefined ? '<other>' : `<${secret.name}/${secret.key}>`;
      return [name, value ?? source];
    }),
  );
}

function templateOf(object: KubeObject): Template | undefined {
  const spec = object['spec'] as { template?: Template; jobTemplate?: { spec: Tree } } | undefined;
  switch (object.kind) {
    case 'Deployment':
    case 'StatefulSet':
    case 'Job':
      return spec?.template;
    case 'CronJob':
      return spec?.jobTemplate?.spec['template'] as Template;
    case 'Pod':
      return object as unknown as Template;
    default:
      return undefined;
  }
}
