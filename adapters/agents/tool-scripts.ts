/**
 * What the builtin tools do, as shell scripts: they run in the sandbox, because what a path of the work tree leads to is
 * the agent's choice. Arguments are `$1`, `$2` …, never part of a script's text.
 */

/** Lines shown of a listing or a search. */
export const maxLines = 500;
/** Longer lines are cut: generated files have lines of megabytes. */
const maxLineBytes = 1_000;

/** Longest answer to the model; it is told how to see more. About 8,000 tokens. */
export const maxAnswerBytes = 32_768;

/** A little more than is shown, so that it shows that there is more. */
const shortened = `cut -b 1-${maxLineBytes} | head -n ${maxLines + 1} | head -c ${maxAnswerBytes + maxLineBytes}`;

/** `$1` path. What git knows or would take, without what is deleted; without git every file but `.git`. */
export const listFiles = `
[ -e "$1" ] || { echo "$1 does not exist" >&2; exit 1; }
folder=$(mktemp -d)
git="git -c core.quotePath=false"
if $git ls-files --cached --others --exclude-standard -- "$1" >"$folder/all" 2>/dev/null; then
  $git ls-files --deleted -- "$1" >"$folder/gone"
  grep -vxFf "$folder/gone" "$folder/all" | sort -u | ${shortened}
else
  find "$1" -name .git -prune -o ! -type d -print | sort | ${shortened}
fi
rm -r "$folder"
`;

/** `$1` path, `$2` first line, `$3` last line. Prints numbered lines, as many as one answer holds; the number of all lines goes to standard error. */
export const readFile = `
[ -e "$1" ] || { echo "$1 does not exist" >&2; exit 1; }
[ ! -d "$1" ] || { echo "$1 is a folder; use list_files" >&2; exit 1; }
[ -f "$1" ] || { echo "$1 is not a regular file" >&2; exit 1; }
[ -r "$1" ] || { echo "$1 may not be read" >&2; exit 1; }
[ ! -s "$1" ] || LC_ALL=C grep -qI '' "$1" || { echo "$1 is a binary file" >&2; exit 1; }
LC_ALL=C awk -v first="$2" -v last="$3" '
  NR >= first && NR <= last {
    line = NR "\\t" substr($0, 1, ${maxLineBytes})
    if ((used += length(line) + 1) <= ${maxAnswerBytes}) print line
  }
  END { print NR > "/dev/stderr" }' "$1"
`;

/** `$1` extended regular expression, `$2` path, `$3` `-i` or empty. Prints `file:line:text`; nothing found is no error. */
export const search = `
[ -e "$2" ] || { echo "$2 does not exist" >&2; exit 2; }
found=$(mktemp)
code=0
# shellcheck disable=SC2086
git -c core.quotePath=false grep -nIE $3 --untracked --exclude-standard -e "$1" -- "$2" >"$found" 2>/dev/null || code=$?
if [ "$code" -gt 1 ]; then
  code=0
  grep -rnIE $3 --exclude-dir=.git -e "$1" -- "$2" >"$found" || code=$?
fi
[ "$code" -le 1 ] || exit "$code"
<"$found" ${shortened}
rm "$found"
`;

/**
 * `$1` path, `$2` old text, `$3` new text, `$4` `all` or `one`. Prints how often the old text is there. The file is
 * changed when that is once, or often enough for `all`. Bytes, not characters: no encoding is damaged.
 */
export const editFile = `
[ -f "$1" ] || { echo "$1 does not exist, or is not a file" >&2; exit 1; }
[ ! -s "$1" ] || LC_ALL=C grep -qI '' "$1" || { echo "$1 is a binary file" >&2; exit 1; }
edited=$(mktemp)
count=$(OLD=$2 NEW=$3 OUT=$edited LC_ALL=C awk '
  BEGIN { RS = "\\001" }
  { text = text (NR > 1 ? RS : "") $0 }
  END {
    old = ENVIRON["OLD"]; size = length(old)
    while ((at = index(text, old)) > 0) {
      printf "%s%s", substr(text, 1, at - 1), ENVIRON["NEW"] > ENVIRON["OUT"]
      text = substr(text, at + size)
      count++
    }
    printf "%s", text > ENVIRON["OUT"]
    print count + 0
  }' "$1") || exit 1
echo "$count"
if [ "$count" -eq 1 ] || { [ "$count" -gt 1 ] && [ "$4" = all ]; }; then
  cat "$edited" >"$1" || exit 1
fi
rm "$edited"
`;

/** `$1` path; the content is on standard input. Prints whether the file was there. */
export const writeFile = `
[ ! -d "$1" ] || { echo "$1 is a folder" >&2; exit 1; }
[ -e "$1" ] && echo replaced || echo made
mkdir -p -- "$(dirname -- "$1")" && cat >"$1"
`;
