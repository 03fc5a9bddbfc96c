/** What agents' programs are told of waiting and of asking again: the gateway does both for them. */

/**
 * How long a program waits for an answer, and between two pieces of one: longer than the gateway keeps a call in line (5 min)
 * and then reads an answer (10 min). One that hangs up and asks again pays twice, as what was sent is read to its end. The
 * longest that Claude Code takes.
 */
export const answerPatienceMs = 1_800_000;

/** How often a program asks again by itself: an answer that broke off half-way is nobody else's to mend. */
export const ownRetries = 3;
