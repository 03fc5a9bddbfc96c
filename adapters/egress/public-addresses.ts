/** Which addresses are everybody's, which an operator's own, and which belong to the machine or its cloud. */
import { BlockList, isIP } from 'node:net';

/** All of IPv4 that is not public, by the registry of special-purpose addresses (RFC 6890), and one of Azure's. */
const closedIpv4 = [
  ['0.0.0.0', 8], // "this network"; 0.0.0.0 is the machine itself
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // shared by carriers; clouds have services in it (100.100.100.200)
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local: metadata of clouds (169.254.169.254)
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['168.63.129.16', 32], // looks public; the host of a virtual machine on Azure
  ['224.0.0.0', 3], // multicast, reserved, broadcast
] as const;

/** What is open of IPv6: global unicast. Loopback, mapped IPv4, NAT64, private, link-local and multicast are outside. */
const openIpv6 = ['2000::', 3] as const;
/** Of that, what leads elsewhere: Teredo and other protocols, documentation, IPv4 in 6to4. */
const closedIpv6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

/** Networks that operators give addresses of (RFC 1918, RFC 4193). Loopback and link-local are not among them. */
const privateIpv4 = [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const;
const privateIpv6 = ['fc00::', 7] as const;
/** Of that, metadata and other services of clouds for their machines. */
const cloudIpv6 = [
  ['fd00:42::', 32], // Scaleway
  ['fd00:c1::', 32], // Oracle
  ['fd00:ec2::', 32], // Amazon
  ['fd20:ce::', 32], // Google
] as const;

const closed = new BlockList();
for (const [address, bits] of closedIpv4) closed.addSubnet(address, bits, 'ipv4');
for (const [address, bits] of [...closedIpv6, ...cloudIpv6])
  closed.addSubnet(address, bits, 'ipv6');
const open = new BlockList();
open.addSubnet(...openIpv6, 'ipv6');
const own = new BlockList();
for (const [address, bits] of privateIpv4) own.addSubnet(address, bits, 'ipv4');
own.addSubnet(...privateIpv6, 'ipv6');

/** Answers whether an address, as a resolver writes it, is a public one. Anything else than an address is not. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !closed.check(address, 'ipv4');
  if (family !== 6 || address.includes('%')) return false;
  return open.check(address, 'ipv6') && !closed.check(address, 'ipv6');
}

/** Answers whether an address is one of an operator's own networks, and no service of its cloud. */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return own.check(address, 'ipv4');
  if (family !== 6 || address.includes('%')) return false;
  return own.check(address, 'ipv6') && !closed.check(address, 'ipv6');
}
