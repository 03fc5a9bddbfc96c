/** The key that agents are given for their model calls. */

/** A placeholder: programs do not start without a key, and the gateway that they call has the real one. */
export const modelKey = 'ado-gateway';
