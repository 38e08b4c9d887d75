#include "CChecksum.h"
#include <string.h>

// The instruction is not in the baseline of either architecture, so it is enabled for one function and asked for at
// run time; everything else is built as always.
#if defined(__x86_64__)
#include <nmmintrin.h>
#define WITH_CRC __attribute__((target("sse4.2")))
#define CRC_8(crc, word) ((uint32_t)_mm_crc32_u64((crc), (word)))
#define CRC_1(crc, byte) _mm_crc32_u8((crc), (byte))
int nimb_crc32c_is_supported(void) { return __builtin_cpu_supports("sse4.2") != 0; }
#elif defined(__aarch64__) && defined(__linux__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#define WITH_CRC __attribute__((target("+crc")))
#define CRC_8(crc, word) __crc32cd((crc), (word))
#define CRC_1(crc, byte) __crc32cb((crc), (byte))
int nimb_crc32c_is_supported(void) { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
#endif

#ifdef WITH_CRC
WITH_CRC uint32_t nimb_crc32c(uint32_t seed, const void *bytes, size_t count) {
    const unsigned char *p = bytes;
    uint32_t crc = ~seed;
    for (; count >= 8; p += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        crc = CRC_8(crc, word);
    }
    for (; count > 0; p++, count--) crc = CRC_1(crc, *p);
    return ~crc;
}
#else
int nimb_crc32c_is_supported(void) { return 0; }
uint32_t nimb_crc32c(uint32_t seed, const void *bytes, size_t count) {
    (void)bytes;
    (void)count;
    return seed;
}
#endif
