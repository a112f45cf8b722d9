# SPDX-License-Identifier: LGPL-3.0-or-later
"""Sentences of daxsmb-pin(7) without a test here: those that promise nothing, and those that are proved elsewhere."""

OVERVIEW = 'an overview: what it says is promised, and tested, in a section of its own'
TERM = 'what a word means'
LEADS_IN = 'leads in to the items that follow'
OPEN = 'says what is not promised'
ADVICE = 'advice'
CAUSE = 'why something is so'
END = 'the promise ends with the grant: what holds then is THE FENCE'

NO_PROMISE = {
    'DESCRIPTION: It makes durable what it has written, and gives': OVERVIEW,
    'DESCRIPTION: This page says what a program may rely on': OVERVIEW,
    'DESCRIPTION: Where the bytes of a file are kept is no part': OPEN,
    'DESCRIPTION: In this page the holder is': TERM,
    'DESCRIPTION: The format of the messages is in': TERM,
    'DESCRIPTION: MAP asks for a grant.': TERM,
    'DESCRIPTION: RDMA Read and RDMA Write are the accesses.': TERM,
    'DESCRIPTION: COMMIT makes durable what was written.': OVERVIEW,
    'DESCRIPTION: UNMAP gives the grant back.': OVERVIEW,
    'SAME BYTES: What another program does to the times and the bits': OPEN,
    'SAME BYTES: Accesses are not atomic': OPEN,
    'SAME BYTES: That the holder\'s side calls a Write complete': OPEN,
    'SAME BYTES: The end of the grant.': END,
    'NO SURPRISES WHILE STORING: A MAP that fails may have': OPEN,
    'NO SURPRISES WHILE STORING: The end of the grant.': END,
    'CHANGES WAIT: The end of the grant.': END,
    'THE FENCE: So mappings deserve a connection of their own.': ADVICE,
    'DURABILITY: What was written and then committed survives': LEADS_IN,
    'DURABILITY: visible nothing beyond the running system': OPEN,
    'DURABILITY: A commit is one of these, as far as': LEADS_IN,
    'DURABILITY: A Read of another grant does not say so': OPEN,
    'DURABILITY: What was not committed may survive': OPEN,
    'DURABILITY: The failure of the medium.': OPEN,
    'DURABILITY: What of the writes is durable then is not known.': OPEN,
    'GRANTS ARE VOLATILE: Nothing.': 'the section is about the end itself',
    'LEAST RIGHT: Direct access bypasses encryption.': CAUSE,
    'LEAST RIGHT: Nothing.': 'nothing gives more right than the tag has',
    'GUARDS: Descriptors for writing from before are not seen': OPEN,
    'STATUSES: MAP is answered with STATUS_SUCCESS or one of these:': LEADS_IN,
    'STATUSES: STATUS_INSUFFICIENT_RESOURCES, STATUS_TOO_MANY': 'a server that lacks memory answers where and how it can',
    'STATUSES: COMMIT is answered with STATUS_SUCCESS or one of these:': LEADS_IN,
    'STATUSES: STATUS_UNEXPECTED_IO_ERROR, STATUS_DISK_FULL See DURABILITY.': LEADS_IN,
    'CAVEATS: One break of a lease is asked at a time.': OPEN,
    'CAVEATS: RDMA here is iWARP in software': CAUSE,
    'SECURITY CONSIDERATIONS: MAP gives storage to holes, for reading': OPEN,
    'SECURITY CONSIDERATIONS: Where that matters files without holes': ADVICE,
    'SECURITY CONSIDERATIONS: The bytes that RDMA carries are neither': OPEN,
    'SECURITY CONSIDERATIONS: The CRC of iWARP': OPEN,
    'SECURITY CONSIDERATIONS: Who demands more than that': ADVICE,
    'SECURITY CONSIDERATIONS: A tag is a secret of 32 bits': OPEN,
}

# By programs that this one cannot be.
ELSEWHERE = {
    'DURABILITY: persistent the loss of power': 'tests/vm/power-off',
}
