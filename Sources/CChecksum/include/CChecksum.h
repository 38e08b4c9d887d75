#ifndef NIMB_CCHECKSUM_H
#define NIMB_CCHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C by the processor's own instruction. Call only where nimb_crc32c_is_supported() says so.
uint32_t nimb_crc32c(uint32_t seed, const void *bytes, size_t count);

/// 1 when this processor has the instruction.
int nimb_crc32c_is_supported(void);

#endif
