#ifndef NIMB_CPREFETCH_H
#define NIMB_CPREFETCH_H

/// Asks the processor to fetch the line of memory that will be read soon. A hint: any address will do.
static inline void nimb_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

#endif
