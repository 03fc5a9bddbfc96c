/**
 * System calls that no build, test or agent needs and that holes in the kernel are reached by, with their numbers. They are
 * what container runtimes refuse too; most of them want a capability that nobody in the sandbox has.
 */

/** The processors that the filter is made for. */
export const filteredArchitectures = ['x64', 'arm64'] as const;
export type FilteredArchitecture = (typeof filteredArchitectures)[number];

/** Numbers from the kernel's tables: x86-64, then the generic table, which arm64 follows. Calls since 2019 have one for both. */
export type CallNumbers = readonly [x64: number | undefined, arm64: number | undefined];

/** Refused as not permitted. */
export const refusedCalls = {
  // Looking into other processes.
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  kcmp: [312, 272],
  pidfd_getfd: [438, 438],
  // Mounts, and the namespaces they live in. `unshare` and `clone` are looked at by their flags.
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  setns: [308, 268],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  open_tree_attr: [467, 467],
  open_by_handle_at: [304, 265],
  // Parts of the kernel with a history of holes.
  keyctl: [250, 219],
  add_key: [248, 217],
  request_key: [249, 218],
  bpf: [321, 280],
  userfaultfd: [323, 282],
  perf_event_open: [298, 241],
  fanotify_init: [300, 262],
  // The machine itself.
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  create_module: [174, undefined],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  reboot: [169, 142],
  swapon: [167, 224],
  swapoff: [168, 225],
  acct: [163, 89],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  syslog: [103, 116],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  vhangup: [153, 58],
  iopl: [172, undefined],
  ioperm: [173, undefined],
} as const satisfies Record<string, CallNumbers>;

/**
 * Refused as unknown, so that programs use what was there before: the flags of `clone3` are in memory, where a filter
 * cannot look, and what is asked of `io_uring` passes no filter at all.
 */
export const unknownCalls = {
  clone3: [435, 435],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
} as const satisfies Record<string, CallNumbers>;

/** Looked at by their arguments. */
export const checkedCalls = {
  clone: [56, 220],
  unshare: [272, 97],
  ioctl: [16, 29],
  socket: [41, 198],
} as const satisfies Record<string, CallNumbers>;

/** The number of a call on a processor; undefined where it does not exist. */
export function callNumber(
  numbers: CallNumbers,
  architecture: FilteredArchitecture,
): number | undefined {
  return numbers[filteredArchitectures.indexOf(architecture)];
}
