#!/bin/sh
# A node of Kubernetes: containerd and kubelet. It is the first process of namespaces of its own, with which all of the
# node goes, its containers, mounts and network: tests/support/kube/real-node.ts starts it so.
#
#   unshare --mount --net --pid --fork --kill-child --mount-proc sh tools/kube/node.sh FOLDER PROGRAMS COMMAND…
#
# FOLDER holds containerd.toml, kubelet.json, kubeconfig, images/ and the node's data, PROGRAMS the node's
# programs. COMMAND runs beside them and brings the API server to the loopback address of this network.
set -eu
folder=$1 programs=$2
shift 2
PATH=$programs:$PATH
export PATH

# What the programs write to places that cannot be chosen stays here.
mkdir -p /var/lib/cni /var/lib/kubelet
for place in /run /var/log /var/lib/cni /var/lib/kubelet; do mount -t tmpfs tmpfs "$place"; done
# The kernel's settings are the machine's, not the namespaces': the kubelet finds copies that are as it wants them.
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  copy=/run/settings/${setting%%=*}
  mkdir -p "${copy%/*}"
  printf '%s\n' "${setting#*=}" >"$copy"
  mount --bind "$copy" "/proc/sys/${setting%%=*}"
done
ip link set lo up
# Pods are on this bridge, and the kubelet takes its address for the node's: it refuses the loopback address.
ip link add cni0 type bridge
ip address add 10.88.0.1/24 dev cni0
ip link set cni0 up
"$@" &

containerd --config "$folder/containerd.toml" &
until [ -S "$folder/containerd.sock" ]; do sleep 0.1; done
for image in "$folder"/images/*.tar; do
  ctr --address "$folder/containerd.sock" --namespace k8s.io images import "$image"
done
# Not with exec: the first process of a namespace inherits those that lost their parents, and this shell waits for them.
kubelet --config="$folder/kubelet.json" --kubeconfig="$folder/kubeconfig" --root-dir="$folder/kubelet" \
  --hostname-override=real-node --node-ip=10.88.0.1 &
wait $!
