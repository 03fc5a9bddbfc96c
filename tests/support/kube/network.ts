/** Who may connect to whom, by the network policies of a rendered chart: what a network plug-in would decide. */
import type { KubeObject } from './rendered-chart.ts';

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values: readonly string[];
  }[];
}

interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

interface Rule {
  readonly ports?: readonly { readonly port: number; readonly protocol: string }[];
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
}

interface Policy {
  readonly podSelector: Selector;
  readonly policyTypes: readonly string[];
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

/** An end of a connection: a pod, in the release's namespace unless it says otherwise, or an address outside. */
export type End =
  | { readonly labels: Readonly<Record<string, string>>; readonly namespace?: string }
  | { readonly address: string };

/** A connection that somebody tries. */
export interface Connection {
  readonly from: End;
  readonly to: End;
  readonly port: number;
  readonly protocol?: 'TCP' | 'UDP';
}

/** Whether the policies let a connection through. Ends outside of the release's namespace have no policies of their own. */
export function isAllowed(objects: readonly KubeObject[], connection: Connection): boolean {
  const policies = objects
    .filter(({ kind }) => kind === 'NetworkPolicy')
    .map((object) => object['spec'] as Policy);
  return passes(policies, connection, 'Egress') && passes(policies, connection, 'Ingress');
}

function passes(
  policies: readonly Policy[],
  connection: Connection,
  direction: 'Egress' | 'Ingress',
): boolean {
  const end = direction === 'Egress' ? connection.from : connection.to;
  if ('address' in end || end.namespace !== undefined) return true;
  const applying = policies.filter(
    (policy) => policy.policyTypes.includes(direction) && selects(policy.podSelector, end.labels),
  );
  if (applying.length === 0) return true;
  const rules = applying.flatMap((policy) =>
    direction === 'Egress' ? (policy.egress ?? []) : (policy.ingress ?? []),
  );
  const other = direction === 'Egress' ? connection.to : connection.from;
  return rules.some((rule) => {
    const peers = direction === 'Egress' ? rule.to : rule.from;
    return hasPort(rule, connection) && (peers?.some((peer) => isPeer(peer, other)) ?? true);
  });
}

function hasPort({ ports }: Rule, { port, protocol = 'TCP' }: Connection): boolean {
  return ports?.some((entry) => entry.port === port && entry.protocol === protocol) ?? true;
}

function isPeer({ podSelector, namespaceSelector, ipBlock }: Peer, end: End): boolean {
  if (ipBlock !== undefined)
    return (
      'address' in end &&
      contains(ipBlock.cidr, end.address) &&
      !(ipBlock.except ?? []).some((cidr) => contains(cidr, end.address))
    );
  if ('address' in end) return false;
  const { namespace } = end;
  const inNamespace =
    namespaceSelector === undefined
      ? namespace === undefined
      : selects(namespaceSelector, { 'kubernetes.io/metadata.name': namespace ?? 'ado-system' });
  return inNamespace && (podSelector === undefined || selects(podSelector, end.labels));
}

function selects(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }) => {
      if (operator !== 'In') throw new Error(`nobody has written what ${operator} means`);
      return values.includes(labels[key] ?? '');
    })
  );
}

function contains(cidr: string, address: string): boolean {
  const [base = '', bits = '32'] = cidr.split('/');
  const size = 2 ** (32 - Number(bits));
  return Math.floor(toNumber(base) / size) === Math.floor(toNumber(address) / size);
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
