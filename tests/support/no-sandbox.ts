/** A program in bubblewrap's place that takes its arguments, and runs what it is given with nothing around it. */
export const noSandbox = `#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift
"$@"
echo '"exit-code":' $? >&4
`;
