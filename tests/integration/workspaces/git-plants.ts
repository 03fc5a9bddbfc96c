/**
 * What a hostile agent plants for git to run on the host, and for each plant the careless command that runs it: a plant
 * that runs nowhere proves nothing.
 *
 *   $CANARY      a program outside of the sandbox that records each of its executions
 *   $GIT_FOLDER  the worktree's git folder            $MIRROR      the bare repository behind it
 *   $HOME        the agent's home folder, which lasts  $TARGET      a folder outside of the work tree
 *   $REPOSITORY  a repository to name; careless commands only
 */

/** A plant, and how somebody careless steps on it in the folder it was planted in. */
export interface Plant {
  readonly name: string;
  readonly plant: string;
  /** Runs the canary, or writes to $TARGET. Without one: today's git refuses it by itself, or it is harmless alone. */
  readonly careless?: string;
}

/** Shell words that write hooks into a folder. */
const hooksInto = (folder: string, ...names: readonly string[]): string =>
  `mkdir -p "${folder}"; for hook in ${names.join(' ')}; do
     printf "#!/bin/sh\\n$CANARY" > "${folder}/$hook" && chmod +x "${folder}/$hook"; done`;

/** A nested repository whose filter runs when git compares its files; `settings` configure filter x. */
const nestedWithFilter = (settings: string): string =>
  `git init -q nested; cd nested; echo "* filter=x" > .gitattributes; echo a > a;
   git add -A; git -c user.name=a -c user.email=a@b commit -qm a; ${settings}; echo b > a; cd ..`;

const compareTwice = 'git add -A; git add -A; git status';

export const plants: readonly Plant[] = [
  { name: 'nothing', plant: 'true' },

  // The shared git folder: read-only in the sandbox, where these plants fail. Where it can be written, they run.
  {
    name: 'fsmonitor in its git folder',
    plant: 'git config core.fsmonitor "$CANARY"',
    careless: 'git status',
  },
  {
    name: 'fsmonitor written around git',
    plant: 'printf "[core]\\nfsmonitor = $CANARY\\n" >> "$GIT_FOLDER/config"',
    careless: 'git status',
  },
  {
    name: 'a hook in its git folder',
    plant: hooksInto('$GIT_FOLDER/hooks', 'pre-commit'),
    careless: 'git commit --allow-empty -qm x',
  },
  {
    name: 'the hooks of LFS in its git folder',
    plant: hooksInto('$GIT_FOLDER/hooks', 'pre-push', 'post-checkout', 'post-commit', 'post-merge'),
    careless: 'git checkout -qb next',
  },
  {
    name: 'a hook in the mirror',
    plant: hooksInto('$MIRROR/hooks', 'post-update', 'post-receive'),
    careless: 'git push -q "$MIRROR" HEAD:refs/heads/next',
  },
  {
    name: 'alternates of its own',
    plant: 'printf "$PWD/objects\\n" >> "$GIT_FOLDER/objects/info/alternates"',
  },
  {
    name: 'a ref named like an option',
    plant:
      'git update-ref "refs/heads/-x" HEAD; git update-ref "refs/heads/--upload-pack=$CANARY" HEAD',
    careless: `git for-each-ref --format="%(refname:short)" | xargs -I{} git ls-remote {} "$REPOSITORY"`,
  },
  {
    name: 'a branch named like an option as HEAD',
    plant: 'git symbolic-ref HEAD "refs/heads/--upload-pack=$CANARY"',
    careless: 'git ls-remote "$(git symbolic-ref --short HEAD)" "$REPOSITORY"',
  },

  // The .git file of the worktree, which an agent may replace.
  {
    name: 'a git folder of its own behind .git',
    plant: `rm -rf .git; git init -q own; mv own/.git hidden; rmdir own; git --git-dir=hidden config core.fsmonitor "$CANARY";
      git --git-dir=hidden config core.hooksPath "$PWD/hooks";
      ${hooksInto('hooks', 'pre-commit', 'post-index-change', 'post-checkout', 'reference-transaction')};
      echo "gitdir: $PWD/hidden" > .git`,
    careless: 'git status',
  },
  {
    name: 'a git folder in place of .git',
    plant: 'rm -rf .git; git init -q .; git config core.fsmonitor "$CANARY"',
    careless: 'git status',
  },
  {
    name: 'a git folder whose work tree is elsewhere',
    plant: `rm -rf .git; git init -q .; git add -A; git -c user.name=a -c user.email=a@b commit -qm x;
      git config core.worktree "$TARGET"`,
    careless: 'git checkout -qf HEAD -- .',
  },
  {
    name: 'a link in place of .git',
    plant:
      'rm -rf .git; git init -q own; git -C own config core.fsmonitor "$CANARY"; ln -s own/.git .git',
    careless: 'git status',
  },

  // Repositories in the tree.
  {
    name: 'a nested repository with a filter',
    plant: nestedWithFilter('git config filter.x.clean "$CANARY; cat"'),
    careless: compareTwice,
  },
  {
    name: 'a nested repository with a filter that must not fail',
    plant: nestedWithFilter(
      'git config filter.x.clean "$CANARY; cat"; git config filter.x.required true',
    ),
    careless: compareTwice,
  },
  {
    name: 'a nested repository with a filter process, as LFS has',
    plant: nestedWithFilter('git config filter.x.process "$CANARY"'),
    careless: compareTwice,
  },
  {
    name: 'a nested repository with fsmonitor',
    plant: `git init -q nested; cd nested; git -c user.name=a -c user.email=a@b commit -qm a --allow-empty;
      git config core.fsmonitor "$CANARY"; cd ..`,
    careless: compareTwice,
  },
  {
    name: 'a nested repository without commits',
    plant: 'git init -q nested; git -C nested config core.fsmonitor "$CANARY"; echo a > nested/a',
    careless: 'git -C nested status',
  },
  {
    name: 'a bare repository in the tree',
    plant: `git init -q --bare bare; git -C bare config core.bare false; git -C bare config core.worktree "$PWD/bare";
      git --git-dir=bare config core.fsmonitor "$CANARY"`,
    careless: 'cd bare && git status',
  },

  // Files of the tree that git reads.
  {
    name: 'attributes, and a configuration for their filters and drivers',
    plant: `printf "* filter=lfs diff=x merge=x\\n" > .gitattributes;
      printf "[filter \\"lfs\\"]\\nclean = $CANARY\\n[diff \\"x\\"]\\ncommand = $CANARY\\n" > .gitconfig; echo x > big.bin`,
    careless: 'git -c include.path="$PWD/.gitconfig" add -A',
  },
  {
    name: 'attributes that name what its user has configured',
    plant: 'printf "* filter=canary diff=canary merge=canary\\n" > .gitattributes',
    careless: 'git -c filter.canary.clean="$CANARY; cat" add -A',
  },
  {
    name: '.gitmodules with a program as URL',
    plant: 'printf "[submodule \\"x\\"]\\npath = x\\nurl = ext::$CANARY\\n" > .gitmodules; mkdir x',
    careless: `git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),x;
      git -c protocol.ext.allow=always submodule update --init`,
  },
  {
    name: '.gitmodules with a command for updates',
    plant:
      'printf "[submodule \\"x\\"]\\npath = x\\nurl = ./x\\nupdate = !$CANARY\\n" > .gitmodules; mkdir x',
    careless: `git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),x;
      git config submodule.x.update "$(git config -f .gitmodules submodule.x.update)"; git config submodule.x.url "$REPOSITORY";
      git config -f .gitmodules --unset submodule.x.update; git -c protocol.file.allow=always submodule update`,
  },
  {
    // CVE-2018-11235: refused by git since 2.17.1.
    name: '.gitmodules whose name leads into hooks',
    plant:
      'printf "[submodule \\"../../hooks\\"]\\npath = x\\nurl = -u./payload\\n" > .gitmodules; echo x > x',
  },
  {
    // Read by git-lfs alone, which need not be installed; nothing of ado calls it.
    name: 'an LFS configuration',
    plant:
      'printf "[lfs]\\ncustomtransfer.x.path = $CANARY\\nstandalonetransferagent = x\\n" > .lfsconfig',
  },
  {
    // The source repository names this folder as the one of its hooks.
    name: 'hooks in the tree',
    plant: hooksInto('.githooks', 'pre-commit', 'post-checkout', 'post-receive', 'update'),
    careless:
      'git -c core.hooksPath=.githooks checkout -qb next; git config core.hooksPath .githooks',
  },
  {
    name: 'a file named like a configuration of git',
    plant:
      'mkdir git; for name in config git/config .gitconfig; do printf "[core]\\nfsmonitor = $CANARY\\n" > $name; done',
    careless: 'XDG_CONFIG_HOME="$PWD" git status',
  },
  {
    name: 'a file named like an option',
    plant: 'mkdir -p -- "--upload-pack=${CANARY%/*}"; touch -- "--upload-pack=$CANARY" -x --exec=x',
    careless: 'git ls-files -o -z | xargs -0 -I{} git ls-remote {} "$REPOSITORY"',
  },
  {
    name: 'a file whose name a shell would run',
    plant:
      'mkdir -p "\\$(${CANARY%/*}"; touch "\\$($CANARY)" "; id" "a|id" "$(printf "new\\nline")"',
    careless: 'git ls-files -o -z | xargs -0 -I{} sh -c "cat {}"',
  },
  {
    name: 'a link to .git',
    plant: 'ln -s .git dotgit',
    careless: `${hooksInto('dotgit/hooks', 'pre-commit')}; git commit --allow-empty -qm x`,
  },
  { name: 'a link that leads out', plant: 'ln -s ../../.. up; ln -s "$TARGET" target' },
  {
    name: 'an index of its own',
    plant:
      'cp "$GIT_FOLDER/index" own-index; GIT_INDEX_FILE=own-index git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),x',
  },

  // What lasts beside the tree.
  {
    name: 'a global configuration in its home folder',
    plant:
      'git config --global core.fsmonitor "$CANARY"; git config --global core.hooksPath "$PWD"',
    careless: 'git status',
  },
];
